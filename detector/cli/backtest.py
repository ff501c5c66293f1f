"""`vaultwatch backtest`: history through the real kernel, one alert a line."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TextIO

from rich.console import Console

from detector import app, backtesting, files, plans, settings
from detector.alerts import Alert, to_json
from detector.cli import foreign, history
from detector.settings import ConfigError
from detector.terminal import progress


def run(args: Namespace) -> int:
    """Replay the history, write its alerts, and say on the terminal what came of it."""
    app.settle_process()
    config = settings.load(args.config, os.environ)
    if args.events is not None:
        return foreign.backtest(args, config)
    built = plans.build(
        files.texts(config.paths, timezone=config.timezone, own_rules=args.rules), app.now().date()
    )
    for mistake in built.mistakes:
        sys.stderr.write(f"{mistake}\n")
    terminal = Console(stderr=True, highlight=False)
    with history.opened(args, config) as found:
        whole = found.between(args.since, args.until).taught_until(args.train_until)
        as_it_was = found.store is not None and args.rules is None
        readers = backtesting.as_it_was(found.store) if as_it_was and found.store else None
        with progress(terminal, f"replaying {found.events:,} events", found.events) as advance:
            done = history.played(whole, built.plan, config, advance=advance, readers=readers)
    _write(args, done)
    _say(terminal, done)
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


def _say(terminal: Console, done: backtesting.Replayed) -> None:
    terminal.print(
        f"{done.events:,} events ({done.duplicates:,} doubled), {len(done.alerts):,} alerts, "
        f"{len(done.suppressed):,} findings held back, {done.trained} models trained"
    )
    counts: dict[tuple[str, str], int] = {}
    for alert in done.alerts.values():
        key = (alert.rule.name or alert.rule.id, alert.level)
        counts[key] = counts.get(key, 0) + 1
    for (rule, level), count in sorted(counts.items(), key=lambda each: -each[1]):
        terminal.print(f"  {count:>6,}  {level:<13} {rule}")
    if done.warm_up:
        terminal.print("  findings of the teaching time, not alerted:")
        for rule, count in sorted(done.warm_up.items(), key=lambda each: -each[1]):
            state = done.knew.get(rule)
            terminal.print(f"  {count:>6,}  {state.rules[rule].name if state else rule}")
