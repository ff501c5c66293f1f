"""The demo: a simulated company and the real engine on one virtual clock, over real HTTP."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from detector import files, jobs
from detector.alerts import Alert
from detector.delivery.bulletins import Bulletin
from detector.delivery.orders import Flood, Orders
from detector.evaluation.grading import Catch, grade
from detector.plans import Texts
from detector.ports import Attempt, Message, Notifier, Receipt
from detector.settings import PathsConfig
from detector.simulator import Plan, Server, Simulation, serve, simulate, write
from detector.sources.onepassword import Budget, OnePassword, Pace
from detector.store.sqlite import Sqlite

TEACH_DAYS = 35
LIVE_DAYS = 14
STEP = timedelta(minutes=20)
ACCOUNT = "northwind"


@dataclass
class VirtualClock:
    """The time of simulator and engine; it moves only when it is told to."""

    time: datetime

    def __call__(self) -> datetime:
        """The time it is."""
        return self.time


class Heard:
    """A destination that keeps what it is told and hands it on to another."""

    name = "console"
    edits = False

    def __init__(self, then: Notifier | None) -> None:
        self.alerts: list[Alert] = []
        self._then = then

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Keep the alert; let the other one print it."""
        if isinstance(message, Bulletin):
            self.alerts += message.incident.alerts
        if self._then is not None:
            return self._then.send(message, attempt)
        return Receipt(attempt.key)


@dataclass(frozen=True)
class Score:
    """How the engine did: honest numbers about simulated attacks."""

    catches: tuple[Catch, ...]
    false_alerts: tuple[Alert, ...]
    """Alerts of medium or above that name no event of an attack."""
    digest: int
    """Alerts below medium: kept for the digest, not sent."""
    quiet_days: int
    days: int


@dataclass(frozen=True)
class Length:
    """How many virtual days the demo takes: history that teaches, then days that are watched."""

    teach: int = TEACH_DAYS
    live: int = LIVE_DAYS


DEFAULT = Length()


@dataclass
class Stage:
    """Everything that a running demo consists of."""

    company: Simulation
    clock: VirtualClock
    server: Server
    store: Sqlite
    desk: jobs.Desk
    source: OnePassword
    length: Length
    notifiers: dict[str, Notifier] = field(default_factory=dict)

    def backfill(self, progress: jobs.Progress) -> int:
        """Fetch the history; it teaches and does not alert."""
        return jobs.poll(self.desk, self.source, self.clock, progress).events

    def live(self) -> Iterator[datetime]:
        """Let the days pass, step by step: poll, then tell. Yields the time after each step."""
        chance, orders = Random(self.company.plan.seed), _orders(tuple(self.notifiers))
        for _ in range(timedelta(days=self.length.live) // STEP):
            self.clock.time += STEP
            jobs.poll(self.desk, self.source, self.clock)
            jobs.tell(jobs.Round(self.store, orders, self.clock(), chance), self.notifiers)
            yield self.clock.time


@contextmanager
def stage(
    folder: Path, plan: Plan, notifiers: Mapping[str, Notifier], length: Length = DEFAULT
) -> Iterator[Stage]:
    """Build the company, its API, and an engine with an empty store in `folder`."""
    company = simulate(plan)
    clock = VirtualClock(plan.start + timedelta(days=length.teach))
    write(company, folder / "company")
    texts = _texts(folder / "company")
    with closing(Sqlite(folder / "data")) as store, serve(company, clock) as server:
        account = jobs.open_account(store, ACCOUNT, texts, clock(), span=timedelta(days=30))
        desk = jobs.Desk(account, store, poll_every=STEP)
        pace = Pace(Budget(1_000_000, monotonic=_still, sleep=_still_sleep), clock)
        api = OnePassword(server.token, pace=pace, base_url=server.url, name=ACCOUNT)
        with closing(api) as source, desk.pool:
            yield Stage(company, clock, server, store, desk, source, length, dict(notifiers))


def plan_of(seed: int, people: int, start: datetime, length: Length = DEFAULT) -> Plan:
    """The simulated company, with its attacks in the days that are watched."""
    return Plan(
        seed=seed,
        people=people,
        days=length.teach + length.live,
        start=start,
        attacks=12,
        attacks_from_day=length.teach,
    )


@contextmanager
def workplace(*, keep: bool) -> Iterator[Path]:
    """A folder for the demo's files; it stays only if it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="vaultwatch-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def score(company: Simulation, alerts: Sequence[Alert], length: Length = DEFAULT) -> Score:
    """Compare what was alerted with what was injected."""
    found = grade(company.attacks, alerts)
    first = company.plan.start + timedelta(days=length.teach)
    noisy = {alert.time.date() for alert in found.false_alerts}
    days = [(first + timedelta(days=day)).date() for day in range(length.live)]
    return Score(
        catches=found.catches,
        false_alerts=found.false_alerts,
        digest=len(found.digest),
        quiet_days=sum(day not in noisy for day in days),
        days=len(days),
    )


def _orders(names: tuple[str, ...]) -> Orders:
    """Everything at once and nothing twice: nobody answers, and two weeks pass in a minute."""
    at_once = timedelta(0)
    many = Flood(high=100, other=100)
    return Orders(names, medium_wait=at_once, remind_after=(), flood=many)


def _texts(folder: Path) -> Texts:
    paths = PathsConfig(people=folder / "people.yml", networks=folder / "networks.yml")
    found = files.texts(paths)
    # By name only: where the folder lies is nobody's business in the log.
    return Texts(
        rules=found.rules,
        models=found.models,
        people={"people.yml": next(iter(found.people.values()))},
        networks={"networks.yml": next(iter(found.networks.values()))},
    )


def _still() -> float:
    return 0.0


def _still_sleep(_: float) -> None:
    return None


def start_of(today: datetime, length: Length = DEFAULT) -> datetime:
    """The first midnight of the demo: it ends on the last full day."""
    midnight = today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=length.teach + length.live)
