"""`vaultwatch backtest`: history through the real kernel, one alert a line."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import polars as pl
from rich.console import Console

from detector import app, backtesting, files, kernel, plans, settings, window, workhours
from detector.alerts import Alert, to_json
from detector.cli import output
from detector.settings import ConfigError
from detector.sources import replay
from detector.store.sqlite import Sqlite

PAGE = 10_000
Pages = Iterator[tuple[pl.DataFrame, Sequence[bytes]]]


def run(args: Namespace) -> int:
    """Replay the history, write its alerts, and say on the terminal what came of it."""
    app.settle_process()
    config = settings.load(args.config, os.environ)
    built = plans.build(
        files.texts(config.paths, timezone=config.timezone, own_rules=args.rules), app.now().date()
    )
    for mistake in built.mistakes:
        sys.stderr.write(f"{mistake}\n")
    pages, total = _folder(args) if args.folder else _store(args, config)
    teach_until = workhours.microseconds(args.train_until) if args.train_until else 0
    name = config.sources[0].name if config.sources else "backtest"
    state = kernel.State(
        kernel.Memory(name, teach_until=teach_until),
        built.plan,
        window=window.Window(config.data.window),
    )
    terminal = Console(stderr=True, highlight=False)
    with output.progress(terminal, f"replaying {total:,} events", total) as advance:
        done = backtesting.replay(state, pages, advance)
    _write(args, state, done)
    _say(terminal, state, done)
    return 1 if built.mistakes else 0


def _folder(args: Namespace) -> tuple[Pages, int]:
    if not args.folder.is_dir():
        msg = f"{args.folder}: no such folder; name the one with auditevents.ndjson in it"
        raise ConfigError(msg)
    recorded = replay.read(args.folder)
    for path, flaw in recorded.flaws:
        verdict = "set aside" if flaw.set_aside else "kept"
        sys.stderr.write(f"{path}:{flaw.index}: {verdict}: {flaw.reason}\n")
    pages = replay.pages(recorded, PAGE)
    return _between(pages, args.since, args.until), recorded.frame.height


def _store(args: Namespace, config: settings.Settings) -> tuple[Pages, int]:
    store = Sqlite(config.data.directory, write=False)
    names = store.accounts()
    if len(names) != 1:
        msg = f"{config.data.directory}: {len(names)} accounts; name a folder with --from"
        raise ConfigError(msg)
    pages = store.pages(names[0], upto=2**62)
    return _between(pages, args.since, args.until), store.counts()["event"]


def _between(pages: Pages, since: datetime | None, until: datetime | None) -> Pages:
    if since is None and until is None:
        yield from pages
        return
    low = since or datetime(1970, 1, 1, tzinfo=UTC)
    high = until or datetime(9999, 1, 1, tzinfo=UTC)
    for frame, raws in pages:
        keep = frame["event.time"].is_between(low, high, closed="left")
        yield frame.filter(keep), [raw for raw, kept in zip(raws, keep, strict=True) if kept]


def _write(args: Namespace, state: kernel.State, done: backtesting.Replayed) -> None:
    found = list(done.alerts.values())
    if args.suppressed:
        found += [backtesting.held_back(state, finding) for finding in done.suppressed]
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


def _say(terminal: Console, state: kernel.State, done: backtesting.Replayed) -> None:
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
    if state.memory.warm_up:
        terminal.print("  findings of the teaching time, not alerted:")
        for rule, count in sorted(state.memory.warm_up.items(), key=lambda each: -each[1]):
            terminal.print(f"  {count:>6,}  {state.rules[rule].name}")
