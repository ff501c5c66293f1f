"""`vaultwatch backtest`: history through the real kernel, one alert a line."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TextIO

from rich.console import Console

from detector import __version__, app, backtesting, settings
from detector.alerts import Alert, to_json
from detector.cli import complaints, foreign, history, planning
from detector.reviews import figures, page, tables
from detector.settings import ConfigError
from detector.terminal import progress


def run(args: Namespace) -> int:
    """Replay the history, write its alerts, and say on the terminal what came of it."""
    app.settle_process()
    config = settings.load(args.config, os.environ)
    if args.events is not None:
        return foreign.backtest(args, config)
    built = planning.build(config, app.now().date(), args.rules)
    complaints.tell(config, built.mistakes)
    terminal = Console(stderr=True, highlight=False)
    with history.opened(args, config) as found:
        whole = found.between(args.since, args.until).taught_until(args.train_until)
        as_it_was = found.store is not None and args.rules is None
        readers = backtesting.as_it_was(found.store) if as_it_was and found.store else None
        with progress(terminal, f"replaying {found.events:,} events", found.events) as advance:
            done = history.played(whole, built.plan, config, advance=advance, readers=readers)
    _write(args, done)
    seen = figures.review(done)
    tables.show(terminal, seen)
    for path in args.report:
        _report(path, seen, args)
    return 1 if built.mistakes else 0


def _write(args: Namespace, done: backtesting.Replayed) -> None:
    found = list(done.alerts.values())
    if args.suppressed:
        found += [backtesting.held_back(done, finding) for finding in done.suppressed]
    found.sort(key=lambda alert: (alert.time, alert.id))
    if args.out is None:
        _lines(sys.stdout, found)
        return
    try:
        with Path(args.out).open("w", encoding="utf-8") as file:
            _lines(file, found)
    except OSError as error:
        msg = f"{args.out}: cannot be written: {error.strerror}"
        raise ConfigError(msg) from error


def _lines(file: TextIO, found: list[Alert]) -> None:
    for alert in found:
        file.write(json.dumps(to_json(alert), ensure_ascii=False) + "\n")


def _report(path: Path, found: figures.Review, args: Namespace) -> None:
    """What came of it as a page, or as JSON."""
    if path.suffix in {".html", ".htm"}:
        rules = f"rules of {args.rules}" if args.rules else "the rules at work"
        past = args.folder or "the store"
        text = page.page(
            found,
            title=f"Backtest of {rules} over {past}",
            made=f"vaultwatch {__version__}, {app.now():%Y-%m-%d %H:%M} UTC",
        )
    else:
        text = json.dumps(figures.as_json(found), ensure_ascii=False, indent=2) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise ConfigError(msg) from error
