"""`vaultwatch backtest`: history through the real kernel, one alert a line."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console

from detector import accounts, app, backtesting, files, kernel, plans, settings, whereabouts
from detector.alerts import Alert, to_json
from detector.cli import foreign, output
from detector.settings import ConfigError
from detector.sources import replay
from detector.store.sqlite import Control, Sqlite
from detector.terminal import progress

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = 10_000
Step = backtesting.Page | replay.Mark | Control


@dataclass(frozen=True)
class _History:
    """What is replayed: its steps, how many events, and until when it only taught."""

    steps: Iterator[Step]
    events: int
    is_log: bool
    teach_until: datetime | None
    account: str


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
    with ExitStack() as resources:
        store = None if args.folder else Sqlite(config.data.directory, write=False)
        if store is not None:
            resources.callback(store.close)
        history = _folder(args, config) if store is None else _log(args, config, store)
        as_it_was = store is not None and args.rules is None
        readers = backtesting.as_it_was(store) if as_it_was and store else None
        terminal = Console(stderr=True, highlight=False)
        done = _replay(args, history, (built.plan, readers), (terminal, config))
    _write(args, done)
    _say(terminal, done)
    return 1 if built.mistakes else 0


def _folder(args: Namespace, config: settings.Settings) -> _History:
    if not args.folder.is_dir():
        msg = f"{args.folder}: no such folder; name the one with auditevents.ndjson in it"
        raise ConfigError(msg)
    recorded = replay.read(args.folder)
    for path, flaw in recorded.flaws:
        verdict = "set aside" if flaw.set_aside else "kept"
        sys.stderr.write(f"{path}:{flaw.index}: {verdict}: {flaw.reason}\n")
    name = config.sources[0].name if config.sources else "backtest"
    start = next((mark.at for mark in recorded.marks if mark.kind == replay.START), None)
    steps = replay.steps(recorded, PAGE)
    return _History(steps, recorded.frame.height, bool(recorded.marks), start, name)


def _log(args: Namespace, config: settings.Settings, store: Sqlite) -> _History:
    name = output.account(store.accounts(), args.account, config.data.directory)
    start = store.started(name)
    found = (entry.page or entry.control for entry in store.log.entries(name, after=0))
    steps = (step for step in found if step is not None)
    return _History(steps, store.events(name), True, start.teach_until if start else None, name)


def _replay(
    args: Namespace,
    history: _History,
    plans_: tuple[kernel.Plan, backtesting.Readers | None],
    room: tuple[Console, settings.Settings],
) -> backtesting.Replayed:
    (plan, readers), (terminal, config) = plans_, room
    teach_until = args.train_until or history.teach_until or _EPOCH
    state = accounts.blank(history.account, teach_until, span=config.data.window)
    known = whereabouts.open_all(config.paths)
    steps = _between(history.steps, args.since, args.until)
    if args.folder is not None:
        steps = (
            (known.fill(step[0]), step[1]) if isinstance(step, tuple) else step for step in steps
        )
    with progress(terminal, f"replaying {history.events:,} events", history.events) as advance:
        if history.is_log:
            readers = readers or backtesting.afresh(plan)
            return backtesting.replay_log(state, steps, readers, advance)
        state = kernel.State(state.memory, plan, window=state.window)
        pages = (step for step in steps if isinstance(step, tuple))
        return backtesting.replay(state, pages, advance)


def _between(
    steps: Iterator[Step], since: datetime | None, until: datetime | None
) -> Iterator[Step]:
    low, high = since or _EPOCH, until or datetime(9999, 1, 1, tzinfo=UTC)
    for step in steps:
        if not isinstance(step, tuple) or (since is None and until is None):
            yield step
            continue
        frame, raws = step
        keep = frame["event.time"].is_between(low, high, closed="left")
        yield frame.filter(keep), [raw for raw, kept in zip(raws, keep, strict=True) if kept]


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
