"""An incident: alerts of several rules about one thing, told once and growing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from detector.alerts import Alert, Status
from detector.findings import Level, Subject, SubjectType

CLOSED: Final = frozenset(
    {Status.RESOLVED, Status.FALSE_POSITIVE, Status.BENIGN, Status.EXPIRED, Status.SILENCED}
)
"""What nobody needs to look at any more."""
_ATTENTION: Final = (Status.OPEN, Status.SNOOZED, Status.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts that are told together, worst first; never empty. Times are of events, in UTC."""

    id: str
    alerts: tuple[Alert, ...]

    @property
    def worst(self) -> Alert:
        """The alert that speaks for the others: of those still open, the worst."""
        return next((each for each in self.alerts if each.status not in CLOSED), self.alerts[0])

    @property
    def account(self) -> str:
        """The account that it happened in."""
        return self.alerts[0].account

    @property
    def subject(self) -> Subject:
        """Whom or what it is about."""
        return self.worst.subject

    @property
    def level(self) -> Level:
        """The highest level of its alerts that are not closed; of all, if all are."""
        still = [each.level for each in self.alerts if each.status not in CLOSED]
        return max(still or [each.level for each in self.alerts], key=lambda level: level.rank)

    @property
    def status(self) -> Status:
        """What most wants a person's attention: open before snoozed before acknowledged."""
        found = {each.status for each in self.alerts}
        return next((status for status in _ATTENTION if status in found), self.worst.status)

    @property
    def first_time(self) -> datetime:
        """When its first evidence happened."""
        return min(each.first_time for each in self.alerts)

    @property
    def time(self) -> datetime:
        """When its newest evidence happened."""
        return max(each.time for each in self.alerts)

    @property
    def count(self) -> int:
        """How many events its alerts are about, one counted in each alert that names it."""
        return sum(each.count for each in self.alerts)


def incident(identity: str, alerts: Iterable[Alert]) -> Incident:
    """The incident of these alerts, the worst first."""
    worst_first = sorted(alerts, key=lambda each: (-each.level.rank, -each.score, each.first_time))
    return Incident(identity, tuple(worst_first))


def incident_id(opening: Alert) -> str:
    """Named after the alert that opened it."""
    return f"inc-{opening.id[:16]}"


@dataclass(frozen=True, slots=True)
class Keys:
    """By which an alert joins an incident.

    `holds` is what the alert makes the incident known by, `seeks` where it would belong. An
    address is held only by an alert about that address: behind one there may be an office.
    """

    holds: tuple[str, ...]
    seeks: tuple[str, ...]


def keys(alert: Alert) -> Keys:
    """The keys of an alert: its subject, the session of its evidence, the address of that."""
    subject = _key(alert.account, alert.subject.type, alert.subject.id)
    session, address = alert.evidence.get("session.id"), alert.evidence.get("source.ip")
    named = [_key(alert.account, SubjectType.SESSION, session)] if session else []
    there = [_key(alert.account, SubjectType.IP, address)] if address else []
    holds = dict.fromkeys([subject, *named])
    return Keys(tuple(holds), tuple(dict.fromkeys([*holds, *there])))


def joins(alert: Alert, *, first_time: datetime, time: datetime, window: timedelta) -> bool:
    """Whether an alert is near enough in time to an incident between the two times."""
    return alert.first_time <= time + window and alert.time >= first_time - window


def _key(account: str, kind: SubjectType, identity: object) -> str:
    return f"{account}\x1f{kind}\x1f{identity}"
