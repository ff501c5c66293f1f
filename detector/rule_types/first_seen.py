"""First seen: a value that a person never showed before; for `device.id`, a new device session.

A sign-in names no device, so its client fingerprint is judged when it comes; the device is
judged when an audit event of the session names it, and that amends the alert by session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from detector import events, workhours
from detector.findings import Finding, Level
from detector.observations import DEVICE, NETWORK, SLOT
from detector.rule import Rule
from detector.rule_types import aftermath, device_sessions, first_words
from detector.rule_types.base import KIND_OF, HourlyBehavior, Scene, Tail, Told, one_event, walk
from detector.rule_types.learning import LEARNING, Learn, sleeps, strong_facts
from detector.rule_types.notes import Note
from detector.rule_types.novelty import combining, evidence, is_new, named, shown_as, value_of
from detector.rule_types.seen import TOLD_US, SeenTail, Telling
from detector.rule_types.subjects import ACTORS, naming, subject_of
from detector.workhours import DAY_US

_SCOPES: Final = dict.fromkeys(ACTORS, "person") | {"account.id": "account"}
GRACE_US: Final = 7 * DAY_US
"""Enrolment: in the first days nothing that follows a new device is held against a person."""


class FirstSeen(HourlyBehavior):
    """A value, or a combination of values, that the subject never showed before.

    `device.id` is the device of the session where an audit event tells it, else the client
    fingerprint (application, platform and system families, without versions).
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "source.ip", "source.as.name", "session.id", "event.action",
        "event.category", "object.type",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = SeenTail
    kept_by: ClassVar[tuple[str, ...]] = ("group_by", "fields")

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

    @cached_property
    def of_devices(self) -> bool:
        """Whether the rule looks for new devices of people."""
        return "device.id" in self.fields and self.scope == "person"

    @cached_property
    def scope(self) -> str:
        """For whom a value is new: a person, the whole account, or a group of events."""
        return _SCOPES.get(self.group_by[0], "group")

    @cached_property
    def by_facts(self) -> bool:
        """Whether the facts know what is new; of other values the rule itself remembers them."""
        return len(self.fields) == 1 and self.fields[0] in KIND_OF and self.scope != "group"

    def reads(self) -> frozenset[str]:
        """Event columns that this very rule reads, beside `columns`."""
        named = {*self.group_by, *self.fields, *self.with_any_new}
        return frozenset(named) & frozenset(events.SCHEMA)

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Judge each matching event, and each audit event that names a session's device."""
        if not rows and not self.of_devices and not tail.suspicions:
            return
        judged, opened, told = self._telling(scene, rows, tail)
        sensitive = aftermath.may_follow(tail.suspicions, scene, (*judged, *told))
        value_in, name_in = combining(scene, self.fields), naming(scene, self.group_by[0])
        for row, (matched, opens, tells, follows) in walk(judged, opened, told, sensitive):
            # First, so that nothing follows itself.
            if follows:
                yield from aftermath.followed(tail.suspicions, scene, row, Level.HIGH)
            group, finding = name_in(row), None
            if group is None:
                continue
            if matched:
                tail.count(group, scene.page.times[row], self.learn.most)
            # What names a device is judged by it alone, or one event would be found twice.
            if tells:
                finding = self._device(rule, scene, (row, group, matched), tail)
            elif matched:
                finding = self._first(rule, scene, (row, group, value_in(row)), tail)
            if finding is not None:
                yield finding
            if opens:
                tail.open(
                    scene.text("session.id", row) or "",
                    device_sessions.pending(scene, row, finding),
                )

    def _telling(
        self, scene: Scene, rows: Sequence[int], tail: SeenTail
    ) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """The rows that may find or teach anything, sign-ins that open a session, and who tells devices.

        Of somebody who is known what is known is passed over.
        """
        opened = device_sessions.opening(scene, rows) if self.of_devices else []
        kind, enough = KIND_OF.get(self.fields[0], SLOT), self.learn.most
        if not self.by_facts or kind == SLOT or enough is None or scene.notes is not None:
            return rows, opened, scene.devices if self.of_devices else []
        new = scene.unseen(kind, by_all=self.scope == "account").tolist()
        groups = scene.page.people if self.scope == "person" else scene.page.columns["account.id"]
        counted, start = tail.events.get, scene.start
        judged = [row for row in rows if new[row - start] or counted(groups[row] or "", 0) < enough]
        if not self.of_devices:
            return judged, opened, []
        told = {*judged}.intersection(scene.devices)
        return judged, opened, [*told.union(device_sessions.telling(scene, opened, tail))]

    def _first(
        self, rule: Rule, scene: Scene, at: tuple[int, str, str | None], tail: SeenTail
    ) -> Finding | None:
        """The finding that a row shows a value first; null if it does not."""
        row, group, value = at
        is_new = value is not None and self._is_new(scene, (row, group, value), tail)
        if scene.notes is not None:
            scene.notes.add(self._note(rule, scene, at, is_new))
        if value is None or not is_new:
            return None
        finding = self._found(rule, scene, (row, group, value), tail)
        self._remember(scene, row, finding, tail)
        return finding

    def _note(
        self, rule: Rule, scene: Scene, at: tuple[int, str, str | None], is_new: bool
    ) -> Note:
        """Say which value was shown, and on how many days it was shown before."""
        row, group, shown = at
        whose = {"person": "this person", "account": "anybody"}.get(self.scope, group)
        wants = f"{named(self.fields)}: one that {whose} never showed before"
        if shown is None:
            return Note(rule.id, row, False, wants, "the event does not say it")
        value, kind = value_of(scene, row, self.fields[0])
        sees = f"{shown_as(shown)} is {'new' if is_new else 'known'}"
        if not self.by_facts or kind is None or value is None:
            return Note(rule.id, row, is_new, wants, sees)
        if self.scope == "account":
            count, unit = scene.facts.crowd(kind, value), "people"
        else:
            count, unit = scene.facts.days(group, kind, value), "days"
        sees += f": seen {'with' if unit == 'people' else 'on'} {count:,} {unit} before"
        return Note(rule.id, row, is_new, wants, sees, None if is_new else -float(count), unit)

    @staticmethod
    def _remember(scene: Scene, row: int, finding: Finding, tail: SeenTail) -> None:
        """Suspect the person for an hour, who did not join so lately that everything is new."""
        person = scene.facts.people.get(finding.subject.id)
        if person is not None and scene.page.times[row] - person.first >= GRACE_US:
            aftermath.remember(tail.suspicions, finding, scene.page.values[NETWORK][row])

    def forget(self, tail: Any, clock: int) -> None:
        """Drop suspicions and values that are too old to matter."""
        tail.forget(clock, self.learn.remember_us)

    def _is_new(self, scene: Scene, at: tuple[int, str, str], tail: SeenTail) -> bool:
        """Whether nobody whom the rule looks at has shown the value; the facts know, or the tail."""
        row, group, value = at
        if self.by_facts:
            _, kind = value_of(scene, row, self.fields[0])
            assert kind is not None
            known = (
                scene.facts.crowd(kind, value)
                if self.scope == "account"
                else (scene.facts.days(group, kind, value))
            )
            return known == 0
        time = scene.page.times[row]
        old = tail.show(group, value, time)
        return old is None or time - old >= self.learn.remember_us

    def _found(self, rule: Rule, scene: Scene, at: tuple[int, str, str], tail: SeenTail) -> Finding:
        row, group, key = at
        name = scene.page.people[row] or ""
        also = [field for field in self.with_any_new if is_new(scene, row, field, name)]
        left = self.learn.left(scene.page.times[row] - self._since(scene, row, group, tail),
                               tail.events.get(group, 0))  # fmt: skip
        strong = strong_facts(scene, row)
        value, kind = value_of(scene, row, self.fields[0])
        others = scene.facts.others(name, kind, value) if kind is not None and value else 0
        found = replace(
            one_event(scene, row, rule, subject_of(scene, row, self.group_by[0], group)),
            level=rule.level if also or not self.with_any_new else Level.LOW,
            rarity=min(0.95, 0.3 + 0.3 * len(also)),
            evidence=evidence(scene, row, name, self.fields)
            | {"also_new": also, "value": value, "colleagues": others, "strong": list(strong)}
            | self._actor(scene, row),
        )
        if left is not None and sleeps(strong):
            return replace(found, suppressed_by=LEARNING, margin=left)
        return self._once(rule, found, (group, key), tail)

    def _actor(self, scene: Scene, row: int) -> dict[str, str]:
        """Who it was, where the finding is not about a person."""
        if self.scope == "person":
            return {}
        actor = scene.text("user.email", row) or scene.text("user.id", row) or "somebody"
        return {"actor": actor, "scope": self.scope}

    def _once(self, rule: Rule, found: Finding, what: tuple[str, str], tail: SeenTail) -> Finding:
        """Hold back what was told lately and is no worse now; a guarded value stays new for long."""
        group, key = what
        time, old = workhours.microseconds(found.time), tail.told.get(group, {}).get(key)
        fold_us = rule.fold_for // timedelta(microseconds=1)
        if (
            old is not None
            and fold_us < abs(time - old.time) < TOLD_US
            and found.level.rank <= old.rank
        ):
            left_days = (TOLD_US - abs(time - old.time)) / DAY_US
            return replace(found, suppressed_by="told-before", margin=round(left_days, 1))
        tail.tell(group, key, Telling(time, found.level.rank))
        return found

    def _since(self, scene: Scene, row: int, group: str, tail: SeenTail) -> int:
        """When the subject was first seen; now, if this is the first time."""
        first = tail.first.get(group, scene.page.times[row])
        person = scene.facts.people.get(group) if self.scope == "person" else None
        return person.first if person else first

    def _device(
        self, rule: Rule, scene: Scene, at: tuple[int, str, bool], tail: SeenTail
    ) -> Finding | None:
        """Judge the device that an audit event names; amend the alert of its session.

        An event that no base rule matched counts only for the sign-in of its session.
        """
        row, name, matched = at
        device, session = (
            scene.page.values[DEVICE][row] or "",
            scene.page.columns["session.id"][row],
        )
        waited = tail.sessions.pop(session or "", None)
        if not (matched or waited):
            return None
        days, key = scene.facts.days(name, DEVICE, device), f"device\x1f{device}"
        told = not days and tail.show(name, key, scene.page.times[row]) is not None
        if scene.notes is not None:
            sees = f"device {device} was seen on {days:,} days before" + " and today" * told
            wants = "a device that this person never showed before"
            news = not days and not told
            gap = None if news else -float(days)
            scene.notes.add(Note(rule.id, row, news, wants, sees, gap, "days"))
        if not days and not told:
            found = self._found(rule, scene, (row, name, key), tail)
            self._remember(scene, row, found, tail)
            more = {"device.id": device, "device_new": True}
            return replace(found, evidence=found.evidence | more)
        if days and waited is not None and waited.alerted:
            found = one_event(scene, row, rule, scene.actor(row, name))
            return device_sessions.known_after_all(found, waited, device, days)
        return None

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """What is new, since when the person is known, and what else is new with it."""
        return first_words.tell(who, evidence)
