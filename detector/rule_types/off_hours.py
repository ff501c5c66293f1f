"""Off hours: something done outside the person's usual hours, in the person's own zone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, field_validator

from detector import actions, workhours
from detector.facts import Facts
from detector.findings import Finding, Level, SubjectType
from detector.observations import SLOT
from detector.rule import Rule
from detector.rule_types.base import Behavior, Scene, Told, one_event
from detector.wording import deed, plural

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LEARNED_EVENTS: Final = 20
LEARNED_DAYS: Final = 10
ACTIVE_DAYS: Final = 3
"""An hour is usual with activity in it, or in the hour before or after, on so many days."""
_SCHEDULE = re.compile(
    r"(?P<first>[A-Z][a-z]{2})(?:-(?P<last>[A-Z][a-z]{2}))?\s+"
    r"(?P<from>[01]\d|2[0-3]):(?P<from_minute>[0-5]\d)-"
    r"(?:(?P<to>[01]\d|2[0-3]):(?P<to_minute>[0-5]\d)|(?P<midnight>24:00))"
)


class OffHours(Behavior):
    """Something done outside the working hours of the person who did it.

    Until the person's own hours are known (20 events on 10 days), `schedule` decides.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "source.ip", "session.id", "event.action", "object.type",
        "object.id", "target.email",
    )  # fmt: skip

    type: Literal["off_hours"]
    schedule: str = Field(
        default="Mon-Fri 07:00-20:00",
        description="Working hours until the person's own are learned, like 'Mon-Fri 07:00-20:00'.",
    )
    timezone: str = Field(
        default="user, UTC",
        description="'user, ZONE': the person's own zone if known, else ZONE; or just ZONE.",
    )
    learned: bool = Field(default=True, description="Use the person's own hours once known.")

    @field_validator("schedule")
    @classmethod
    def _readable(cls, text: str) -> str:
        match = _SCHEDULE.fullmatch(text)
        if not match or match["first"] not in DAYS or (match["last"] or "Mon") not in DAYS:
            msg = "write it like 'Mon-Fri 07:00-20:00'"
            raise ValueError(msg)
        return text

    @field_validator("timezone")
    @classmethod
    def _zone(cls, text: str) -> str:
        name = text.removeprefix("user,").strip()
        if text != "user" and workhours.zone(name) is None:
            msg = f"{name!r} is no IANA time zone; write 'Europe/Paris' or 'user, Europe/Paris'"
            raise ValueError(msg)
        return text

    def watch(
        self,
        rule: Rule,
        scene: Scene,
        rows: Sequence[int],
        tail: Any,  # noqa: ARG002 - nothing is kept: the facts know the hours
    ) -> Iterator[Finding]:
        """Judge the hour of each matching event by the local clock of the person who did it."""
        for row in rows:
            subject = scene.person(row)
            if subject is None or subject.type is SubjectType.SERVICE_ACCOUNT:
                continue
            zone = self._zone_of(scene.facts, subject.id)
            local = workhours.local(zone, scene.page.times[row])
            rung, evidence = self._hours(scene.facts, subject.id, local, zone)
            action, kind = scene.text("event.action", row), scene.text("object.type", row)
            yield replace(
                one_event(scene, row, rule, subject),
                level=_level(rule, action, kind),
                rarity=0.6 if evidence["hours"] == "learned" else 0.4,
                evidence=evidence
                | {
                    "action": deed(action, kind),
                    "source.ip": scene.text("source.ip", row),
                    "target": scene.text("target.email", row) or scene.text("object.id", row),
                },
                suppressed_by=rung,
            )

    def _zone_of(self, facts: Facts, name: str) -> str:
        own, _, fallback = self.timezone.rpartition(",")
        if not own and self.timezone != "user":
            return self.timezone
        person = facts.people.get(name)
        known = facts.stated_zones.get(name) or (person.zone if person else None)
        return known or fallback.strip().replace("user", "") or facts.default_zone

    def _hours(
        self, facts: Facts, name: str, local: datetime, zone: str
    ) -> tuple[str | None, dict[str, Any]]:
        """The rung that says it is a usual hour (null: it is not), and what was compared."""
        person = facts.people.get(name)
        slot = f"{DAYS[local.weekday()]} {local.hour:02}"
        evidence: dict[str, Any] = {
            "timezone": zone,
            "local_time": f"{local:%a %Y-%m-%d %H:%M}",
            "schedule": self.schedule,
            "hours": "schedule",
        }
        if not (self.learned and person and _is_learned(person.events, person.days)):
            inside = self._scheduled(local)
            return ("working-hours" if inside else None), evidence
        days = sum(facts.days(name, SLOT, near) for near in workhours.neighbours(slot))
        evidence |= {"hours": "learned", "slot_days": days, "known_days": person.days}
        evidence["usual_hours"] = _usual_hours(facts, name, slot[:3])
        if days >= ACTIVE_DAYS:
            return "usual-hours", evidence
        evidence["week"] = workhours.week(lambda near: facts.days(name, SLOT, near))
        return None, evidence

    def _scheduled(self, local: datetime) -> bool:
        match = _SCHEDULE.fullmatch(self.schedule)
        assert match is not None
        first = DAYS.index(match["first"])
        last = DAYS.index(match["last"] or match["first"])
        in_week = (local.weekday() - first) % 7 <= (last - first) % 7
        start = int(match["from"]) * 60 + int(match["from_minute"])
        end = 24 * 60 if match["midnight"] else int(match["to"]) * 60 + int(match["to_minute"])
        minute = local.hour * 60 + local.minute
        in_day = start <= minute < end if start < end else minute >= start or minute < end
        return in_week and in_day

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """What was done at which local time, and what this person's hours are."""
        summary = (
            f"{who} was {evidence['action']} on {evidence['local_time']} local time "
            f"({evidence['timezone']}), outside this person's hours"
        )
        if evidence["hours"] == "learned":
            hours = evidence.get("usual_hours") or "none on this weekday"
            why = [
                f"+ active around this hour of the week on {plural(evidence['slot_days'], 'day')} "
                f"of {evidence['known_days']}; usual hours: {hours}"
            ]
        else:
            why = [
                f"+ outside the working hours {evidence['schedule']}",
                "- this person's own hours are not learned yet",
            ]
        return Told(summary, tuple(why))


def _is_learned(events: int, days: int) -> bool:
    return events >= LEARNED_EVENTS and days >= LEARNED_DAYS


def _level(rule: Rule, action: str | None, kind: str | None) -> Level:
    """The level follows the action, not the clock."""
    if (action or "", kind or "") in actions.SENSITIVE:
        return Level.HIGH
    return rule.level if (action or "", kind or "") in actions.PRIVILEGED else Level.LOW


def _usual_hours(facts: Facts, name: str, day: str) -> str:
    """The person's usual hours on a weekday, as ranges: '08-18'."""
    active = [
        hour
        for hour in range(24)
        if sum(facts.days(name, SLOT, near) for near in workhours.neighbours(f"{day} {hour:02}"))
        >= ACTIVE_DAYS
    ]
    ranges: list[list[int]] = []
    for hour in active:
        if ranges and ranges[-1][1] == hour:
            ranges[-1][1] = hour + 1
        else:
            ranges.append([hour, hour + 1])
    return ", ".join(f"{start:02}-{end:02}" for start, end in ranges)
