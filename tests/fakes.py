"""Stand-ins for the edges only: where events come from, where alerts go, and where we die."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from detector import events, jobs
from detector.alerts import Alert
from detector.delivery.bulletins import Bulletin, Cause, Kind
from detector.delivery.incidents import incident, incident_id
from detector.delivery.orders import Orders
from detector.plans import Texts
from detector.ports import (
    Attempt,
    CursorRefused,
    DeliveryError,
    Message,
    Page,
    Receipt,
    SourceError,
)
from detector.store.sqlite import Sqlite
from tests.stories import ROOT, Item

SPAN = timedelta(days=30)
RULES = ("exports", "impossible_travel", "new_device", "signins")


class ScriptedSource:
    """Serves items by feed in pages of `size`; a cursor is the number of items before it.

    `answers` are exceptions to raise instead, by feed, one for each request until they run out.
    """

    def __init__(
        self,
        items: Iterable[Item] = (),
        *,
        size: int = 3,
        feeds: Sequence[str] = events.FEEDS,
        answers: Mapping[str, list[SourceError]] | None = None,
    ) -> None:
        self.name = "acme"
        self.feeds = tuple(feeds)
        self.items: dict[str, list[Item]] = {feed: [] for feed in events.FEEDS}
        self.answers = {feed: list(answers[feed]) for feed in answers or {}}
        self.asked: list[tuple[str, str | None, datetime]] = []
        self.refused: set[str] = set()
        self._size = size
        self.add(items)

    def add(self, items: Iterable[Item]) -> None:
        """Let more items have happened."""
        for item in items:
            self.items[item.feed].append(item)

    def fetch(self, feed: str, cursor: str | None, since: datetime) -> Page:
        """The page after `cursor`, or from `since` without one."""
        self.asked.append((feed, cursor, since))
        if self.answers.get(feed):
            raise self.answers[feed].pop(0)
        if cursor in self.refused:
            raise CursorRefused(f"{feed}: bad cursor", permanent=False)
        start, _, place = (cursor or f"{since.isoformat()}|0").partition("|")
        served = [item for item in self.items[feed] if item.time >= datetime.fromisoformat(start)]
        end = int(place) + self._size
        page = tuple(item.raw for item in served[int(place) : end])
        after = f"{start}|{min(end, len(served))}"
        return Page(feed, page, after, end < len(served))


@dataclass
class Mailbox:
    """A destination that refuses the first `refuse` messages with `error`, then takes all."""

    name: str = "mailbox"
    refuse: int = 0
    error: Exception = field(default_factory=lambda: DeliveryError("the server is away"))
    edits: bool = False
    messages: list[Message] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    looked: list[str] = field(default_factory=list)
    """Keys of messages that may have arrived before, and were looked for."""

    @property
    def alerts(self) -> list[Alert]:
        """The alert that speaks for each bulletin."""
        told = [each for each in self.messages if isinstance(each, Bulletin)]
        return [each.incident.worst for each in told]

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Take the message, unless this one is refused."""
        if attempt.again:
            self.looked.append(attempt.key)
        if self.refuse > 0:
            self.refuse -= 1
            raise self.error
        self.messages.append(message)
        self.keys[attempt.key] += 1
        self.receipts.append(Receipt(f"<{attempt.key}>"))
        return self.receipts[-1]


def bulletin(*alerts: Alert, **changed: object) -> Bulletin:
    """A message about these alerts, a new one unless said otherwise."""
    told = Bulletin(Kind.NEW, Cause.FIRST_TOLD, incident(incident_id(alerts[0]), alerts))
    return replace(told, **changed)  # type: ignore[arg-type]


class Death(BaseException):
    """The process is gone."""


@dataclass
class Mortal:
    """Dies at the `nth` named point that it comes to, never without one; counts the points."""

    nth: int | None = None
    seen: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if len(self.seen) == self.nth:
            raise Death(name)


@dataclass
class Clock:
    """A time of day that a test moves."""

    time: datetime

    def __call__(self) -> datetime:
        return self.time


def shipped_texts(**changed: object) -> Texts:
    """Some of the shipped rules, and no model unless one is asked for."""
    paths = [*(ROOT / "rules/base").glob("*.yml"), *(ROOT / f"rules/{name}.yml" for name in RULES)]
    rules = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(paths)}
    return Texts(**({"rules": rules} | changed))  # type: ignore[arg-type]


def open_desk(
    directory: Path, now: datetime, *, texts: Texts | None = None, point: jobs.Point = jobs.nowhere
) -> jobs.Desk:
    """The desk of account acme over a store in `directory`."""
    store = Sqlite(directory)
    try:
        account = jobs.open_account(store, "acme", texts or shipped_texts(), now, span=SPAN)
    except BaseException:
        store.close()
        raise
    return jobs.Desk(account, store, point=point)


ORDERS = Orders(("mailbox",), medium_wait=timedelta(0), remind_after=())
"""Every alert of medium or above goes to the mailbox, at once and once."""


def round_(
    store: Sqlite, now: datetime, orders: Orders = ORDERS, *, point: jobs.Point = jobs.nowhere
) -> jobs.Round:
    """One round of telling."""
    return jobs.Round(store, orders, now, Random(1), point)


def close(desk: jobs.Desk) -> None:
    """Let go of a desk's directory, as the end of a process does."""
    desk.pool.shutdown()
    desk.store.close()
