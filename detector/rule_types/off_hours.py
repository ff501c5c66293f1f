"""Off hours: something done outside the person's usual hours, in the person's own zone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

import msgspec
from pydantic import Field, field_validator

from detector import actions, wording, workhours
from detector.facts import Facts
from detector.findings import Finding, Level, Subject, SubjectType
from detector.observations import DEED, SLOT
from detector.rule import Rule
from detector.rule_types.base import HourlyBehavior, Scene, Tail, Told, one_event
from detector.rule_types.notes import Note
from detector.wording import plural
from detector.workhours import DAY_US

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LEARNED_EVENTS: Final = 20
LEARNED_DAYS: Final = 10
POOLED_DAYS: Final = 6
"""An hour of the day is usual with activity in it, or beside it, on so many days of one kind:
workdays together, and Saturdays and Sundays together. It takes over while weeks are few."""
EVERYDAY: Final = 3
"""What was done on so many days is everyday for the person."""
NEAR_HOURS: Final = 2
"""What is so near to a usual hour is overtime."""
BOUT_US: Final = 30 * 60_000_000
"""What follows within so long belongs to the same bout."""
ACTIVE_DAYS: Final = 3
"""An hour is usual with activity in it, or in the hour before or after, on so many days."""
_SCHEDULE = re.compile(
    r"(?P<first>[A-Z][a-z]{2})(?:-(?P<last>[A-Z][a-z]{2}))?\s+"
    r"(?P<from>[01]\d|2[0-3]):(?P<from_minute>[0-5]\d)-"
    r"(?:(?P<to>[01]\d|2[0-3]):(?P<to_minute>[0-5]\d)|(?P<midnight>24:00))"
)


class Bout(msgspec.Struct, gc=False):
    """What one person does outside their hours without a longer pause."""

    last: int
    deeds: dict[str, None]


class HoursTail(Tail):
    """The newest bout of each person."""

    bouts: dict[str, Bout] = {}


class OffHours(HourlyBehavior):
    """Something done outside the working hours of the person who did it.

    Until the person's own hours are known (20 events on 10 days), `schedule` decides. On a holiday
    no hour is usual; who is on call works at any hour. A bout of actions is one alert.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "source.ip", "session.id", "event.action", "object.type",
        "object.id", "target.email",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = HoursTail

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

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Judge the hour of each matching event by the local clock of the person who did it."""
        for row in rows:
            subject = scene.person(row)
            if subject is None or subject.type is SubjectType.SERVICE_ACCOUNT:
                if scene.notes is not None:
                    sees = "a service account" if subject else "nobody is named"
                    scene.notes.add(Note(rule.id, row, False, "a person who acts", sees))
                continue
            zone = self._zone_of(scene.facts, subject.id)
            local = workhours.local(zone, scene.page.times[row])
            rung, evidence = self._hours(scene, subject, local, zone)
            action, kind = scene.text("event.action", row), scene.text("object.type", row)
            value = scene.page.values[DEED][row]
            done = wording.done(value) if value else wording.deed(action, kind)
            if rung is None:
                evidence["bout"] = _bout(tail, subject.id, scene.page.times[row], done)
                evidence["deed_days"] = _deed_days(scene, row, subject.id)
            yield replace(
                one_event(scene, row, rule, subject),
                level=_level(rule, (action or "", kind or ""), evidence),
                rarity=0.6 if evidence["hours"] == "learned" else 0.4,
                evidence=evidence
                | {
                    "action": done,
                    "source.ip": scene.text("source.ip", row),
                    "target": scene.text("target.email", row) or scene.text("object.id", row),
                },
                suppressed_by=rung,
            )

    def forget(self, tail: Any, clock: int) -> None:
        """Drop bouts that no late event can join."""
        for name in [name for name, bout in tail.bouts.items() if bout.last < clock - 8 * DAY_US]:
            del tail.bouts[name]

    def _zone_of(self, facts: Facts, name: str) -> str:
        own, _, fallback = self.timezone.rpartition(",")
        if not own and self.timezone != "user":
            return self.timezone
        person = facts.people.get(name)
        known = facts.stated_zones.get(name) or (person.zone if person else None)
        return known or fallback.strip().replace("user", "") or facts.default_zone

    def _hours(
        self, scene: Scene, subject: Subject, local: datetime, zone: str
    ) -> tuple[str | None, dict[str, Any]]:
        """The rung that says it is a usual hour (null: it is not), and what was compared."""
        facts, name = scene.facts, subject.id
        person, holiday = facts.people.get(name), scene.known.holiday(local.date(), zone)
        evidence: dict[str, Any] = {
            "timezone": zone,
            "local_time": f"{local:%a %Y-%m-%d %H:%M}",
            "schedule": self.schedule,
            "hours": "schedule",
        }
        if holiday is not None:
            evidence["holiday"] = holiday.name or "a holiday"
        if scene.known.on_call(subject.email, local) is not None:
            return "on-call", evidence
        if not (self.learned and person and _is_learned(person.events, person.days)):
            inside = self._scheduled(local) and holiday is None
            return ("working-hours" if inside else None), evidence
        slot = f"{DAYS[local.weekday()]} {local.hour:02}"
        days = _slot_days(facts, name, slot)
        evidence |= {"hours": "learned", "slot_days": days, "known_days": person.days}
        if holiday is None and _is_usual(facts, name, slot):
            return "usual-hours", evidence
        evidence["usual_hours"] = _usual_hours(facts, name, slot[:3])
        evidence["near"] = holiday is None and _is_near(facts, name, slot)
        evidence["week"] = workhours.week(facts.ledger.days_of(name, SLOT))
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
            seen = (
                f"active around this hour of the week on {plural(evidence['slot_days'], 'day')} "
                f"of {evidence['known_days']}"
            )
            hours = evidence.get("usual_hours", "") or "none on this weekday"
            odd = "usual_hours" in evidence
            why = [f"+ {seen}; usual hours: {hours}" if odd else f"- {seen}, so it is usual"]
            if evidence.get("near"):
                why.append(f"- it is within {NEAR_HOURS} hours of a usual one")
        else:
            why = [
                f"+ outside the working hours {evidence['schedule']}",
                "- this person's own hours are not learned yet",
            ]
        if evidence.get("holiday"):
            why.insert(0, f"+ the day is {evidence['holiday']} where this person works")
        if evidence.get("deed_days", EVERYDAY) < EVERYDAY:
            days = plural(evidence["deed_days"], "day")
            why.append(f"+ this person did the same on {days} only")
        if evidence.get("bout", 1) > 1:
            why.append(f"+ {evidence['bout']} kinds of actions in one bout")
        return Told(summary, tuple(why))


def _is_learned(events: int, days: int) -> bool:
    return events >= LEARNED_EVENTS and days >= LEARNED_DAYS


def _level(rule: Rule, done: tuple[str, str], evidence: dict[str, Any]) -> Level:
    """The level follows the action, not the clock; overtime with an everyday action is low."""
    if done in actions.SENSITIVE:
        return Level.HIGH
    if done not in actions.PRIVILEGED:
        return Level.LOW
    everyday = evidence.get("deed_days", 0) >= EVERYDAY and evidence.get("bout", 0) <= 1
    return Level.LOW if evidence.get("near") and everyday else rule.level


def _bout(tail: HoursTail, name: str, time: int, done: str) -> int:
    """How many kinds of actions the bout has by now."""
    bout = tail.bouts.get(name)
    if bout is None or time - bout.last > BOUT_US:
        bout = tail.bouts[name] = Bout(time, {})
    bout.last = max(bout.last, time)
    bout.deeds[done] = None
    return len(bout.deeds)


def _deed_days(scene: Scene, row: int, name: str) -> int:
    """On how many days the person is known to have done the same."""
    value = scene.page.values[DEED][row]
    return scene.facts.days(name, DEED, value) if value else 0


def _slot_days(facts: Facts, name: str, slot: str) -> int:
    return sum(facts.days(name, SLOT, near) for near in workhours.neighbours(slot))


def _pooled_days(facts: Facts, name: str, slot: str) -> int:
    """Days with activity around the hour on all days of the same kind."""
    alike = DAYS[5:] if slot[:3] in DAYS[5:] else DAYS[:5]
    return sum(_slot_days(facts, name, f"{day}{slot[3:]}") for day in alike)


def _is_near(facts: Facts, name: str, slot: str) -> bool:
    """Whether an hour of the same day within `NEAR_HOURS` is usual."""
    hour = int(slot[4:])
    hours = range(max(0, hour - NEAR_HOURS), min(23, hour + NEAR_HOURS) + 1)
    return any(_is_usual(facts, name, f"{slot[:3]} {near:02}") for near in hours)


def _is_usual(facts: Facts, name: str, slot: str) -> bool:
    days, pooled = _slot_days(facts, name, slot), _pooled_days(facts, name, slot)
    return days >= ACTIVE_DAYS or pooled >= POOLED_DAYS


def _usual_hours(facts: Facts, name: str, day: str) -> str:
    """The person's usual hours on a weekday, as ranges: '08-18'."""
    active = [hour for hour in range(24) if _is_usual(facts, name, f"{day} {hour:02}")]
    ranges: list[list[int]] = []
    for hour in active:
        if ranges and ranges[-1][1] == hour:
            ranges[-1][1] = hour + 1
        else:
            ranges.append([hour, hour + 1])
    return ", ".join(f"{start:02}-{end:02}" for start, end in ranges)
