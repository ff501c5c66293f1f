"""Builders for tests of delivery: alerts, and a store whose time of day a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from detector import jobs
from detector.alerts import Alert, Reason, RuleRef, Status, alert_id
from detector.delivery.commands import Command, Verb
from detector.delivery.journal import How
from detector.delivery.orders import Orders
from detector.findings import Level, Subject, SubjectType
from detector.store.sqlite import Commit, Sqlite
from tests.fakes import ORDERS, Mailbox, round_
from tests.stories import at

NOON = at("12:00")


def alert(who: str = "ann", rule: str = "new_device", **changed: object) -> Alert:
    """A medium alert about somebody, found at noon."""
    subject = Subject(SubjectType.PERSON, who.upper(), f"{who}@acme.example", who.capitalize())
    made = Alert(
        id=alert_id(rule, subject, (f"{who}-{rule}",)),
        rule=RuleRef(f"id-{rule}", rule, rule.replace("_", " ").capitalize()),
        level=Level.MEDIUM,
        score=45,
        status=Status.OPEN,
        reason=Reason.FIRST_SEEN,
        subject=subject,
        time=NOON,
        first_time=NOON,
        detected_at=NOON,
        event_ids=(f"{who}-{rule}",),
        count=1,
        summary=f"{who.capitalize()} did {rule}",
        evidence={},
        why=(),
        suppressed_by=None,
        incident_id=None,
        tags=(),
        account="acme",
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def high(who: str = "ann", rule: str = "takeover", **changed: object) -> Alert:
    """A high alert about somebody."""
    return alert(who, rule, **({"level": Level.HIGH, "score": 65} | changed))


@dataclass
class Day:
    """A store, its destinations, and a time of day that a test moves."""

    store: Sqlite
    orders: Orders = ORDERS
    now: datetime = NOON
    boxes: dict[str, Mailbox] = field(default_factory=lambda: {"mailbox": Mailbox()})

    @property
    def box(self) -> Mailbox:
        """The only mailbox, or the first."""
        return next(iter(self.boxes.values()))

    def find(self, *alerts: Alert, reason: Reason = Reason.FIRST_SEEN, **commit: object) -> None:
        """Let the engine find alerts now, and tell."""
        found = [replace(each, reason=reason) for each in alerts]
        self.store.commit(Commit("acme", self.now, alerts=found, **commit))  # type: ignore[arg-type]
        self.tell()

    def tell(self, after: timedelta = timedelta(0)) -> int:
        """A round of telling, some time later."""
        self.now += after
        return jobs.tell(round_(self.store, self.now, self.orders), self.boxes)

    def say(self, verb: Verb, target: str, **more: object) -> jobs.Obeyed:
        """Let Sam do something."""
        fields = {"who": "sam", "how": How.CLI, "note": "because"} | more
        command = Command(verb, target, **fields)  # type: ignore[arg-type]
        return jobs.obey(self.store, command, self.orders, self.now)

    def why(self, found: Alert) -> list[str]:
        """The reasons of the decisions about an alert."""
        return [each.reason for each in self.store.decisions(found.id)]

    def status(self, found: Alert) -> Status:
        """The status of an alert now."""
        return self.store.alert(found.id)[0].status


@contextmanager
def day(folder: Path, orders: Orders = ORDERS, **boxes: Mailbox) -> Iterator[Day]:
    """A day with an empty store."""
    store = Sqlite(folder)
    try:
        yield Day(store, orders, boxes=boxes or {"mailbox": Mailbox()})
    finally:
        store.close()
