"""History to replay: a folder of feeds or the service's own store, from the first entry on."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from detector import accounts, backtesting, kernel, settings, whereabouts, workhours
from detector.backtesting import Readers, Replayed, Step
from detector.cli import output
from detector.raws import chosen
from detector.settings import ConfigError
from detector.sources import replay
from detector.store.database import FILE
from detector.store.sqlite import Sqlite

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
PAGE: Final = 10_000


@dataclass(frozen=True)
class History:
    """What is replayed. `steps` begins anew at each call.

    `is_log`: its ticks, plans and models are known, too; else models are trained when they are due.
    `newest` is the time of the newest event, null if there is none.
    """

    steps: Callable[[], Iterator[Step]]
    events: int
    is_log: bool
    teach_until: datetime
    account: str
    newest: datetime | None = None
    store: Sqlite | None = None
    begun: kernel.State | None = None
    """The state to go on with, where the steps before are done."""

    def between(self, since: datetime | None, until: datetime | None) -> History:
        """The same without the events before `since`, and from `until` on."""
        if since is None and until is None:
            return self
        return replace(self, steps=lambda: _between(self.steps(), since or EPOCH, until or _EVER))

    def taught_until(self, time: datetime | None) -> History:
        """The same where what happened before a time only teaches."""
        return self if time is None else replace(self, teach_until=time)

    def resumed(self, done: int, state: kernel.State) -> History:
        """The rest of it after so many steps, from a state on."""
        return replace(self, steps=lambda: islice(self.steps(), done, None), begun=state)

    def blank(self, config: settings.Settings) -> kernel.State:
        """The state before the first entry."""
        return accounts.blank(self.account, self.teach_until, span=config.data.window)


@contextmanager
def opened_if_any(args: Namespace, config: settings.Settings) -> Iterator[History]:
    """The same, or a history of nothing where no service has run yet."""
    if args.folder is None and not (config.data.directory / FILE).is_file():
        yield History(lambda: iter(()), 0, is_log=False, teach_until=EPOCH, account="nobody")
        return
    with opened(args, config) as found:
        yield found


@contextmanager
def opened(args: Namespace, config: settings.Settings) -> Iterator[History]:
    """The history of `args.folder`, or without one of the store (of `args.account`)."""
    if args.folder is not None:
        yield _folder(args.folder, config)
        return
    store = Sqlite(config.data.directory, write=False)
    try:
        yield _log(store, args.account, config.data.directory)
    finally:
        store.close()


def played(
    history: History,
    plan: kernel.Plan,
    config: settings.Settings,
    *,
    advance: backtesting.Advance,
    readers: Readers | None = None,
) -> Replayed:
    """Replay the history under a plan, or under those that `readers` make of its controls."""
    readers = readers or backtesting.afresh(plan)
    begun = history.begun or history.blank(config)
    if history.is_log:
        return backtesting.replay_log(begun, history.steps(), readers, advance)
    begun = history.begun or kernel.State(begun.memory, plan, window=begun.window)
    pages = (step for step in history.steps() if isinstance(step, tuple))
    return backtesting.replay(begun, pages, advance, readers.run_of)


def _folder(folder: Path, config: settings.Settings) -> History:
    if not folder.is_dir():
        msg = f"{folder}: no such folder; name the one with auditevents.ndjson in it"
        raise ConfigError(msg)
    recorded = replay.read(folder)
    for path, flaw in recorded.flaws:
        verdict = "set aside" if flaw.set_aside else "kept"
        sys.stderr.write(f"{path}:{flaw.index}: {verdict}: {flaw.reason}\n")
    known = whereabouts.open_all(config.paths)

    def steps() -> Iterator[Step]:
        for step in replay.steps(recorded, PAGE):
            yield (known.fill(step[0]), step[1]) if isinstance(step, tuple) else step

    start = next((mark.at for mark in recorded.marks if mark.kind == replay.START), None)
    honest = np.minimum(recorded.times(), recorded.order.received)
    return History(
        steps,
        len(recorded),
        is_log=bool(recorded.marks),
        teach_until=start or EPOCH,
        account=config.sources[0].name if config.sources else "backtest",
        newest=workhours.instant(int(honest.max())) if len(honest) else None,
    )


def _log(store: Sqlite, asked: str | None, directory: Path) -> History:
    name = output.account(store.accounts(), asked, directory)
    start = store.started(name)

    def steps() -> Iterator[Step]:
        found = (entry.page or entry.control for entry in store.log.entries(name, after=0))
        return (step for step in found if step is not None)

    return History(
        steps,
        store.events(name),
        is_log=True,
        teach_until=start.teach_until if start else EPOCH,
        account=name,
        newest=store.newest(name),
        store=store,
    )


def _between(steps: Iterator[Step], low: datetime, high: datetime) -> Iterator[Step]:
    for step in steps:
        if not isinstance(step, tuple):
            yield step
            continue
        frame, raws = step
        keep = frame["event.time"].is_between(low, high, closed="left")
        yield frame.filter(keep), chosen(raws, keep.arg_true().to_numpy())
