"""An account with what its jobs need, and how each step of it is made to last."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import polars as pl

from detector import accounts, plans
from detector.accounts import Account
from detector.alerts import Alert
from detector.anomaly.shadow import Trial
from detector.jobs.lanes import Lane, Vitals
from detector.jobs.ledger import Ledger
from detector.pulse import Pulse
from detector.store.sqlite import Commit, Control, Sqlite

if TYPE_CHECKING:
    from detector.jobs.sweeping import Sweep

Point = Callable[[str], None]
"""A named place at which a test may let the process die."""
P = ParamSpec("P")
T = TypeVar("T")
Progress = Callable[[int, datetime | None], None]
"""Told after each page: how many events so far, and up to which event time."""

MOST_LATE: Final = timedelta(minutes=5)
"""A feed that was not read for longer has a gap with a name."""


def nowhere(_: str) -> None:
    """The crash point of a process that is meant to live."""


def as_it_is(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of which no database knows more."""
    return frame


def never() -> bool:
    """A service that nobody has asked to stop."""
    return False


def at_once(_: float) -> None:
    """A sleep that is none, for a clock that is not real."""


class AtOnce(Executor):
    """Does what is submitted before it returns: for clocks that are not real, and for commands."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do it; the future is done, with what came of it."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


@dataclass
class Desk:
    """An account with what its jobs need.

    `stale` says that the state may hold what is not stored, and must be brought back first.
    """

    account: Account
    store: Sqlite
    point: Point = nowhere
    poll_every: timedelta = timedelta(seconds=60)
    patience_s: float | None = None
    """How long a live round waits for a page before it goes on without it; null: to its end."""
    backfill: timedelta = timedelta(days=35)
    sleep: Callable[[float], object] = at_once
    stopping: Callable[[], bool] = never
    fill: Callable[[pl.DataFrame], pl.DataFrame] = as_it_is
    """Adds to rows what databases know of their addresses, before they enter the log."""
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=3))
    lanes: defaultdict[str, Lane] = field(default_factory=lambda: defaultdict(Lane))
    vitals: Vitals = field(default_factory=Vitals)
    trainer: Executor = field(default_factory=AtOnce)
    """Where models are trained; the service has one that does it beside the polling."""
    training: Future[tuple[str, bytes] | None] | None = None
    """The training under way: the id and artefact of its model, null if there were too few rows."""
    train_after: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """No training begins before then."""
    sweep: Sweep | None = None
    """The overlap sweep that is under way."""
    trial: Trial | None = None
    """The last trial of a model that was logged."""
    warm: bool = False
    """Whether the log says already who is known well enough."""
    stale: bool = False
    looked: date | None = None
    """When the plan was last looked over for filters that have expired."""
    tidied: date | None = None
    """When what is too old was last let go."""
    mutex: threading.RLock = field(default_factory=threading.RLock)
    """Held while the state changes: requests from the command line come in other threads."""

    def reload(self) -> None:
        """Throw the state away and bring it back from the store."""
        self.account = accounts.restore(self.store, self.account.name, span=self.account.span)
        self.stale = False

    def ledger(self, begun: datetime) -> Ledger:
        """The coverage ledger for a round that begins now."""
        reasons = {feed: str(lane.error) for feed, lane in self.lanes.items() if lane.error}
        patience = max(MOST_LATE, 3 * self.poll_every)
        return Ledger(self.store.coverage(self.account.name), begun, patience, reasons)

    def pulse(self, feed: str) -> Pulse:
        """The pulse of a feed, as far as it was learned."""
        known = self.vitals.pulses
        if not known:
            known.update(self.store.pulses(self.account.name))
        return known.setdefault(feed, Pulse())

    def commit(self, commit: Commit, step: str) -> None:
        """Store a step, between its two crash points."""
        self.point(f"before_{step}")
        self.store.commit(commit)
        self.point(f"after_{step}")

    @contextmanager
    def changing(self) -> Iterator[Account]:
        """A change of the state together with its commit: on any error the store's state holds."""
        with self.mutex:
            if self.stale:
                self.reload()
            self.stale = True
            try:
                yield self.account
            except BaseException:
                self.reload()
                raise
            self.stale = False

    @property
    def on_trial(self) -> frozenset[str]:
        """Ids of the rules that are on trial: what they find is not sent."""
        return self.account.state.plan.rulebook.on_trial


@dataclass(frozen=True)
class Polled:
    """What a round of polling brought; `failures` says by feed what could not be had."""

    events: int
    alerts: tuple[Alert, ...]
    failures: Mapping[str, str]


def open_account(
    store: Sqlite, name: str, texts: plans.Texts, now: datetime, *, span: timedelta
) -> Account:
    """Start an account or bring it back, and let it run `texts` from here on."""
    if store.started(name) is None:
        accounts.begin(store, name, texts, now)
    account = accounts.restore(store, name, span=span)
    if account.texts.version != texts.version or accounts.is_over(store, account, now):
        control = Control(account.state.memory.seq + 1, accounts.PLAN, now, texts.dump())
        store.commit(Commit(name, now, controls=[control]))
        accounts.apply(store, account, control)
    return account
