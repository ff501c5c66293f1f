"""First seen: a value that a person never showed before; for `device.id`, a new device session.

A sign-in names no device, so its client fingerprint is judged when it comes; the device is
judged when an audit event of the session names it, and that amends the alert by session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator

from detector import events, workhours
from detector.facts import Facts
from detector.findings import Finding, Level
from detector.observations import CLIENT, COUNTRY, DEVICE, NETWORK, PLACE, SLOT
from detector.rule import Rule
from detector.rule_types import aftermath
from detector.rule_types.base import KIND_OF, Behavior, Scene, Tail, Told, one_event
from detector.spells import DAY_US
from detector.wording import client, place, plural

SESSION_US: Final = 7 * DAY_US
LATE_US: Final = 8 * DAY_US
"""What is older than this can be reached by no event, however late."""
GRACE_US: Final = 7 * DAY_US
"""Enrolment: in the first days nothing that follows a new device is held against a person."""
_UNTIL = re.compile(r"(?:(?P<days>\d+)d)?(?:\s*or\s*)?(?:(?P<events>\d+) events)?")


class Learn(BaseModel):
    """How long a person is learned before the rule speaks, and how long values are remembered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: str = Field(
        default="14d or 10 events", description="The earlier of the two ends learning."
    )
    remember: str = Field(
        default="90d", pattern=r"^\d+d$", description="A value not seen for this long is forgotten."
    )

    @field_validator("until")
    @classmethod
    def _readable(cls, text: str) -> str:
        if not text or not _UNTIL.fullmatch(text):
            msg = "write it like '14d', '10 events' or '14d or 10 events'"
            raise ValueError(msg)
        return text

    @property
    def days(self) -> int | None:
        """Days after which learning ends; null if it never ends by days."""
        return self._part("days")

    @property
    def events(self) -> int | None:
        """Events after which learning ends; null if it never ends by events."""
        return self._part("events")

    def _part(self, name: str) -> int | None:
        match = _UNTIL.fullmatch(self.until)
        value = match[name] if match else None
        return int(value) if value else None


class Pending(msgspec.Struct):
    """A session whose device is not known yet, and what its sign-in said."""

    time: int
    event_id: str
    seq: int
    alerted: bool
    evidence: dict[str, Any]


class SeenTail(Tail):
    """Events counted by person, values of other fields, open sessions, recent suspicions."""

    events: dict[str, int] = {}
    values: dict[str, dict[str, int]] = {}
    sessions: dict[str, Pending] = {}
    suspicions: dict[str, aftermath.Suspicion] = {}


class FirstSeen(Behavior):
    """A value, or a combination of values, that the subject never showed before.

    `device.id` is the device of the session where an audit event tells it, else the client
    fingerprint (application, platform and system families, without versions).
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "source.ip", "session.id", "event.action", "object.type",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = SeenTail

    type: Literal["first_seen"]
    fields: tuple[str, ...] = Field(
        min_length=1, description="Fields whose combination must be new for the subject."
    )
    with_any_new: tuple[str, ...] = Field(
        default=(),
        alias="with-any-new",
        description="Corroboration: the level falls to low unless one of these is new, too.",
    )
    learn: Learn = Field(default=Learn(), description="When learning ends and what is forgotten.")

    @property
    def of_devices(self) -> bool:
        """Whether the rule looks for new devices."""
        return "device.id" in self.fields

    def reads(self) -> frozenset[str]:
        """Event columns that this very rule reads, beside `columns`."""
        named = {*self.group_by, *self.fields, *self.with_any_new}
        return frozenset(named) & frozenset(events.SCHEMA)

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Judge each matching event, and each audit event that names a session's device."""
        for row, matched, device, sensitive in scene.walk(rows):
            # First, so that nothing follows itself.
            if sensitive:
                yield from aftermath.followed(tail.suspicions, scene, row, Level.HIGH)
            name = scene.page.people[row]
            if name is None:
                continue
            if matched:
                tail.events[name] = tail.events.get(name, 0) + 1
            # What names a device is judged by it alone, or one event would be found twice.
            if device and self.of_devices:
                yield from self._device(rule, scene, (row, name, matched), tail)
            elif matched:
                yield from self._first(rule, scene, (row, name), tail)

    def _first(
        self, rule: Rule, scene: Scene, at: tuple[int, str], tail: SeenTail
    ) -> Iterator[Finding]:
        (row, name), finding = at, None
        if self._is_new(scene, row, name, tail):
            finding = self._found(rule, scene, (row, name), tail)
            self._remember(scene, row, finding, tail)
            yield finding
        session = scene.text("session.id", row)
        if self.of_devices and session and scene.page.values[DEVICE][row] is None:
            self._open(tail, session, scene, row, finding)

    @staticmethod
    def _remember(scene: Scene, row: int, finding: Finding, tail: SeenTail) -> None:
        """Suspect the person for an hour, who did not join so lately that everything is new."""
        person = scene.facts.people.get(finding.subject.id)
        if person is not None and scene.page.times[row] - person.first >= GRACE_US:
            aftermath.remember(tail.suspicions, finding, scene.page.values[NETWORK][row])

    @staticmethod
    def _open(
        tail: SeenTail, session: str, scene: Scene, row: int, finding: Finding | None
    ) -> None:
        page = scene.page
        tail.sessions.pop(session, None)
        tail.sessions[session] = Pending(
            page.times[row],
            page.ids[row],
            page.seqs[row],
            finding is not None and finding.suppressed_by is None,
            finding.evidence if finding else {},
        )
        oldest = next(iter(tail.sessions))
        if tail.sessions[oldest].time < page.times[row] - SESSION_US:
            del tail.sessions[oldest]

    def forget(self, tail: Any, clock: int) -> None:
        """Drop suspicions and values that are too old to matter."""
        aftermath.forget(tail.suspicions, clock - LATE_US)
        before = clock - int(self.learn.remember[:-1]) * DAY_US - LATE_US
        for values in tail.values.values():
            for key in [key for key, time in values.items() if time < before]:
                del values[key]

    def _is_new(self, scene: Scene, row: int, name: str, tail: SeenTail) -> bool:
        known, other = [], []
        for field in self.fields:
            value, kind = _value(scene, row, field)
            if value is None:
                return False
            if kind is None:
                other.append(value)
            else:
                known.append(scene.facts.days(name, kind, value) > 0)
        if other:
            key = "\x1f".join(other)
            values = tail.values.setdefault(name, {})
            old = values.get(key)
            values[key] = max(scene.page.times[row], old or 0)
            forget_us = int(self.learn.remember[:-1]) * DAY_US
            known.append(old is not None and scene.page.times[row] - old < forget_us)
        return not all(known)

    def _found(self, rule: Rule, scene: Scene, at: tuple[int, str], tail: SeenTail) -> Finding:
        row, name = at
        also = [field for field in self.with_any_new if _new(scene, row, field, name)]
        learning, left = self._learning(scene, row, name, tail)
        level = rule.level if also or not self.with_any_new else Level.LOW
        value, kind = _value(scene, row, self.fields[0])
        return replace(
            one_event(scene, row, rule, scene.actor(row, name)),
            level=level,
            rarity=min(0.95, 0.3 + 0.3 * len(also)),
            evidence=_evidence(scene, row, name, self.fields)
            | {
                "also_new": also,
                "value": value,
                "colleagues": _colleagues(scene, name, kind, value),
            },
            suppressed_by=aftermath.LEARNING if learning else None,
            margin=left if learning else None,
        )

    def _learning(
        self, scene: Scene, row: int, name: str, tail: SeenTail
    ) -> tuple[bool, float | None]:
        person = scene.facts.people.get(name)
        days = (scene.page.times[row] - person.first) / DAY_US if person else 0.0
        limits = [
            (days, self.learn.days),
            (float(tail.events.get(name, 0)), self.learn.events),
        ]
        left = [limit - value for value, limit in limits if limit is not None]
        return (bool(left) and min(left) > 0), (min(left) if left else None)

    def _device(
        self, rule: Rule, scene: Scene, at: tuple[int, str, bool], tail: SeenTail
    ) -> Iterator[Finding]:
        """Judge the device that an audit event names; amend the alert of its session.

        An event that no base rule matched counts only for the sign-in of its session.
        """
        row, name, matched = at
        device = scene.page.values[DEVICE][row]
        pending = tail.sessions.pop(scene.text("session.id", row) or "", None)
        if device is None or not (matched or pending):
            return
        is_new = scene.facts.days(name, DEVICE, device) == 0
        key = f"device\x1f{device}"
        told = key in tail.values.get(name, {})
        tail.values.setdefault(name, {})[key] = scene.page.times[row]
        if is_new and not told:
            found = self._found(rule, scene, (row, name), tail)
            self._remember(scene, row, found, tail)
            yield replace(
                found, evidence=found.evidence | {"device.id": device, "device_new": True}
            )
        elif not is_new and pending is not None and pending.alerted:
            yield _known_after_all(
                one_event(scene, row, rule, scene.actor(row, name)), pending, device, scene
            )

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """What is new, since when the person is known, and what else is new with it."""
        what = _name_of(evidence)
        where = f" from {evidence['place']}" if evidence.get("place") else ""
        summary = f"{who} used {what} for the first time{where}"
        if evidence.get("device_known"):
            summary = f"{who} signed in with {what}, on a device used before after all"
        days = plural(evidence["known_days"], "active day")
        why = [f"+ never seen in {days} of this person"]
        why += [
            f"+ also new for this person: {_WORDS.get(each, each)}" for each in evidence["also_new"]
        ]
        if evidence.get("colleagues"):
            why.append(f"- {plural(evidence['colleagues'], 'colleague')} known to use the same")
        if not evidence["also_new"] and not evidence.get("device_known"):
            why.append("- network and country are usual for this person")
        if evidence.get("device_known"):
            why.append(f"- the device is known: seen on {plural(evidence['device_days'], 'day')}")
        if "followed_by" in evidence:
            minutes = plural(evidence["followed_after_min"], "minute")
            why.insert(
                0, f"+ followed after {minutes} by a sensitive action: {evidence['followed_by']}"
            )
        return Told(summary, tuple(why))


_WORDS: Final = {
    "source.country": "the country",
    "source.network": "the network",
    "source.city": "the city",
    "hour": "the hour of the week",
    "client.fingerprint": "the client",
}


def _value(scene: Scene, row: int, field: str) -> tuple[str | None, int | None]:
    """The value of a field in a row, and the kind of fact that knows it (null: none does)."""
    page = scene.page
    if field == "hour":
        zone = scene.facts.zone_of(page.people[row] or "")
        return workhours.slot(zone, page.times[row]), SLOT
    kind = KIND_OF.get(field)
    if kind is None:
        return (scene.text(field, row) if field in page.columns else None), None
    value = page.values[kind][row]
    if kind == DEVICE and value is None:
        return page.values[CLIENT][row], CLIENT
    return value, kind


def _new(scene: Scene, row: int, field: str, name: str) -> bool:
    value, kind = _value(scene, row, field)
    return value is not None and kind is not None and scene.facts.days(name, kind, value) == 0


def _colleagues(scene: Scene, name: str, kind: int | None, value: str | None) -> int:
    return scene.facts.others(name, kind, value) if kind is not None and value else 0


def _evidence(scene: Scene, row: int, name: str, fields: tuple[str, ...]) -> dict[str, Any]:
    page = scene.page
    person = scene.facts.people.get(name)
    fingerprint = page.values[CLIENT][row]
    return {
        "fields": list(fields),
        "client": client(fingerprint) if fingerprint else None,
        "source.ip": scene.text("source.ip", row),
        "source.country": page.values[COUNTRY][row],
        "place": place(page.values[PLACE][row], page.values[COUNTRY][row]),
        "known_days": person.days if person else 0,
        "timezone": scene.facts.zone_of(name),
    }


def _known_after_all(found: Finding, pending: Pending, device: str, scene: Scene) -> Finding:
    name = found.subject.id
    evidence = pending.evidence | {
        "device.id": device,
        "device_known": True,
        "device_days": _days(scene.facts, name, device),
    }
    return replace(
        found,
        level=Level.INFORMATIONAL,
        evidence=evidence,
        event_ids=(pending.event_id, *found.event_ids),
        event_seqs=(pending.seq, *found.event_seqs),
        amends=True,
    )


def _days(facts: Facts, name: str, device: str) -> int:
    return facts.days(name, DEVICE, device)


def _name_of(evidence: dict[str, Any]) -> str:
    if "device.id" in evidence["fields"]:
        return f"a new device, {evidence['client']}," if evidence.get("client") else "a new device"
    return f"{' and '.join(evidence['fields'])} {evidence['value']}"
