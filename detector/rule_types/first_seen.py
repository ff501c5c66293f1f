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
from detector.facts import Facts
from detector.findings import Finding, Level, Subject, SubjectType
from detector.observations import DEVICE, NETWORK, SLOT
from detector.rule import Rule
from detector.rule_types import aftermath
from detector.rule_types.base import KIND_OF, SUBJECTS, Behavior, Scene, Tail, Told, one_event
from detector.rule_types.learning import LEARNING, STRONG, Learn, sleeps, strong_facts
from detector.rule_types.notes import Note
from detector.rule_types.novelty import (
    NAMES,
    evidence,
    is_new,
    shown_as,
    value_of,
    whose,
    words_of,
)
from detector.rule_types.seen import TOLD_US, Pending, SeenTail, Telling
from detector.rule_types.subjects import PEOPLE
from detector.wording import plural
from detector.workhours import DAY_US

_SCOPES: Final = {"user.id": "person", "person": "person", "account.id": "account"}
GRACE_US: Final = 7 * DAY_US
"""Enrolment: in the first days nothing that follows a new device is held against a person."""


class FirstSeen(Behavior):
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

    def reads(self) -> frozenset[str]:
        """Event columns that this very rule reads, beside `columns`."""
        named = {*self.group_by, *self.fields, *self.with_any_new}
        return frozenset(named) & frozenset(events.SCHEMA)

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Judge each matching event, and each audit event that names a session's device."""
        for row, matched, device, sensitive in scene.walk(rows, self._telling(scene, rows, tail)):
            # First, so that nothing follows itself.
            if sensitive:
                yield from aftermath.followed(tail.suspicions, scene, row, Level.HIGH)
            group = self._group(scene, row)
            if group is None:
                continue
            if matched:
                tail.count(group, scene.page.times[row], self.learn.most)
            # What names a device is judged by it alone, or one event would be found twice.
            if device and self.of_devices:
                yield from self._device(rule, scene, (row, group, matched), tail)
            elif matched:
                yield from self._first(rule, scene, (row, group), tail)

    def _telling(self, scene: Scene, rows: Sequence[int], tail: SeenTail) -> set[int] | None:
        """The rows that may tell or change anything; null if that is not quickly seen.

        What is known, of somebody who is known, is passed over.
        """
        kind, enough = KIND_OF.get(self.fields[0]), self.learn.most
        plain = len(self.fields) == 1 and self.scope != "group" and scene.notes is None
        if not plain or kind in {None, SLOT} or enough is None:
            return None
        new = scene.unseen(kind, by_all=self.scope == "account")
        counted, found = tail.events.get, set[int]()
        groups = scene.page.people if self.scope == "person" else scene.page.columns["account.id"]
        for row in rows:
            if new[row - scene.start] or counted(groups[row] or "", 0) < enough:
                found.add(row)
        if self.of_devices:
            found |= self._sessions(scene, rows, tail)
        if found or tail.suspicions:
            found.update(scene.sensitive)
        return found

    @staticmethod
    def _sessions(scene: Scene, rows: Sequence[int], tail: SeenTail) -> set[int]:
        """Sign-ins whose session waits for its device, and the audit events that tell it."""
        sessions, devices = scene.page.columns["session.id"], scene.page.values[DEVICE]
        opening = {row for row in rows if devices[row] is None and sessions[row]}
        waiting = {sessions[row] for row in opening}
        return opening.union(
            row
            for row in scene.devices
            if sessions[row] in waiting or sessions[row] in tail.sessions
        )

    def _group(self, scene: Scene, row: int) -> str | None:
        if self.scope == "person":
            return scene.page.people[row]
        return scene.text(self.group_by[0], row)

    def _first(
        self, rule: Rule, scene: Scene, at: tuple[int, str], tail: SeenTail
    ) -> Iterator[Finding]:
        (row, group), finding = at, None
        shown = self._key(scene, row, group, tail)
        if scene.notes is not None:
            scene.notes.add(self._note(rule, scene, (row, group), shown))
        if shown is not None and shown[1]:
            finding = self._found(rule, scene, (row, group, shown[0]), tail)
            self._remember(scene, row, finding, tail)
            yield finding
        session = scene.text("session.id", row)
        if self.of_devices and session and scene.page.values[DEVICE][row] is None:
            tail.open(session, _pending(scene, row, finding))

    def _note(
        self, rule: Rule, scene: Scene, at: tuple[int, str], shown: tuple[str, bool] | None
    ) -> Note:
        """Say which value was shown, and on how many days it was shown before."""
        row, group = at
        named = " with ".join(NAMES.get(field, field) for field in self.fields)
        whose = {"person": "this person", "account": "anybody"}.get(self.scope, group)
        wants = f"{named}: one that {whose} never showed before"
        if shown is None:
            return Note(rule.id, row, False, wants, "the event does not say it")
        said = shown_as(shown[0])
        value, kind = value_of(scene, row, self.fields[0])
        sees = f"{said} is {'new' if shown[1] else 'known'}"
        if len(self.fields) > 1 or kind is None or value is None or self.scope == "group":
            return Note(rule.id, row, shown[1], wants, sees)
        if self.scope == "account":
            count, unit = scene.facts.crowd(kind, value), "people"
        else:
            count, unit = scene.facts.days(group, kind, value), "days"
        sees += f": seen {'with' if unit == 'people' else 'on'} {count:,} {unit} before"
        gap = None if shown[1] else -float(count)
        return Note(rule.id, row, shown[1], wants, sees, gap, unit)

    @staticmethod
    def _remember(scene: Scene, row: int, finding: Finding, tail: SeenTail) -> None:
        """Suspect the person for an hour, who did not join so lately that everything is new."""
        person = scene.facts.people.get(finding.subject.id)
        if person is not None and scene.page.times[row] - person.first >= GRACE_US:
            aftermath.remember(tail.suspicions, finding, scene.page.values[NETWORK][row])

    def forget(self, tail: Any, clock: int) -> None:
        """Drop suspicions and values that are too old to matter."""
        tail.forget(clock, self.learn.remember_us)

    def _key(self, scene: Scene, row: int, group: str, tail: SeenTail) -> tuple[str, bool] | None:
        """The value or combination of a row, and whether it is new; null if a field is missing."""
        found = [value_of(scene, row, field) for field in self.fields]
        values = [value for value, _ in found if value is not None]
        if len(values) < len(found):
            return None
        key, kind = "\x1f".join(values), found[0][1]
        if kind is not None and len(found) == 1 and self.scope != "group":
            if self.scope == "person":
                return key, scene.facts.days(group, kind, key) == 0
            return key, not scene.facts.crowd(kind, key)
        time = scene.page.times[row]
        old = tail.show(group, key, time)
        return key, old is None or time - old >= self.learn.remember_us

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
            one_event(scene, row, rule, self._subject(scene, row, group)),
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

    def _subject(self, scene: Scene, row: int, group: str) -> Subject:
        if self.scope == "person":
            return scene.actor(row, group)
        return Subject(SUBJECTS.get(self.group_by[0], SubjectType.GROUP), group)

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
        told = is_new and tail.show(name, key, scene.page.times[row]) is not None
        if scene.notes is not None:
            days = _days(scene.facts, name, device)
            sees = f"device {device} was seen on {days:,} days before" + " and today" * told
            wants = "a device that this person never showed before"
            news = is_new and not told
            gap = None if news else -float(days)
            scene.notes.add(Note(rule.id, row, news, wants, sees, gap, "days"))
        if is_new and not told:
            found = self._found(rule, scene, (row, name, key), tail)
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
        what = words_of(evidence)
        where = f" from {evidence['place']}" if evidence.get("place") else ""
        summary = f"{who} used {what} for the first time{where}"
        if evidence.get("device_known"):
            summary = f"{who} signed in with {what}, on a device used before after all"
        days = plural(evidence["known_days"], "active day")
        why = [f"+ never seen in {days} of this person"]
        if "actor" in evidence:
            did = "did so" if evidence["fields"][0] in PEOPLE else f"used {what}"
            whole = "this account" if evidence["scope"] == "account" else who
            summary = f"{evidence['actor']} {did}{where}, for the first time in {whole}"
            why = [f"+ never seen before in {whole}"]
        why += [
            f"+ also new for this person: {NAMES.get(each, each)}" for each in evidence["also_new"]
        ]
        why += whose(evidence)
        why += [f"+ {STRONG[each]}" for each in evidence.get("strong", ())]
        if evidence.get("colleagues"):
            why.append(f"- {plural(evidence['colleagues'], 'colleague')} known to use the same")
        if (
            not evidence["also_new"]
            and not evidence.get("device_known")
            and "actor" not in evidence
        ):
            why.append("- network and country are usual for this person")
        if evidence.get("device_known"):
            why.append(f"- the device is known: seen on {plural(evidence['device_days'], 'day')}")
        if "followed_by" in evidence:
            minutes = plural(evidence["followed_after_min"], "minute")
            why.insert(
                0, f"+ followed after {minutes} by a sensitive action: {evidence['followed_by']}"
            )
        return Told(summary, tuple(why))


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


def _pending(scene: Scene, row: int, finding: Finding | None) -> Pending:
    alerted = finding is not None and finding.suppressed_by is None
    said = finding.evidence if finding else {}
    page = scene.page
    return Pending(page.times[row], page.ids[row], page.seqs[row], alerted, said)
