"""A correlation at work: sightings become entries of groups, groups are judged, findings go out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from detector.correlations import firings, judging
from detector.correlations.definition import MADE, PERSON, VALUES, Base, Definition
from detector.correlations.groups import CorrelationTail, Group, reach_us
from detector.correlations.sightings import Glimpse, Sighting, sightings
from detector.correlations.walks import Entry, number_of, places
from detector.findings import Finding, Subject, SubjectType
from detector.rule import Rule
from detector.rule_types import subjects
from detector.rule_types.base import SUBJECTS, Scene

Key = tuple[str, ...]
"""The values of the fields that events are grouped by."""


@dataclass(frozen=True, slots=True)
class Correlation(Definition):
    """A definition that counts what it is shown."""

    @property
    def tail(self) -> type[CorrelationTail]:
        """Type of the keyed state."""
        return CorrelationTail

    def watch(
        self, rule: Rule, scene: Scene | None, glimpse: Glimpse, tail: CorrelationTail
    ) -> Iterator[Finding]:
        """Count what a stretch of the log shows; yield a finding for each window that holds."""
        for seen in sightings(scene, glimpse):
            for base, key, entry in self._entries(scene, seen, tail):
                group = tail.groups.get("\x1f".join(key))
                if group is None:
                    group = Group(key, self.walk(), _subject(scene, seen, base, key))
                elif self.waits:
                    group.subject = _subject(scene, seen, base, key)
                tail.touch("\x1f".join(key), group)
                for firing in judging.take(self, tail, group, entry):
                    group.subject = _subject(scene, seen, base, key)
                    yield firings.finding(rule, self, firing, seen.seq)

    def close(self, rule: Rule, tail: CorrelationTail, clock: int) -> Iterator[Finding]:
        """Judge the windows whose time for late events is over at that time of the clock."""
        if self.waits:
            for group in tail.groups.values():
                for firing in judging.close(self, group, clock):
                    yield firings.finding(rule, self, firing, 0)

    def forget(self, tail: Any, clock: int) -> None:
        """Drop what no event can reach any more. Once a day of the event clock."""
        tail.forget(clock - reach_us(self.span))

    def _entries(
        self, scene: Scene | None, seen: Sighting, tail: CorrelationTail
    ) -> list[tuple[Base, Key, Entry]]:
        """The entries that a sighting makes: one, unless its rules name different groups."""
        made: dict[tuple[Key, str | float | None], tuple[Base, Entry]] = {}
        for place in places(seen.rules):
            base = self.bases[place]
            key = [_field(scene, seen, base, name) for name in base.keys]
            whole = tuple(str(part) for part in key if part is not None and part != "")
            if len(whole) < len(key):
                tail.ungrouped += 1
                continue
            value = self._value(scene, seen, base)
            if base.values and value is None:
                tail.valueless += 1
                continue
            fresh = Entry(seen.time, 0, value, seen.ids, seen.seqs)
            made.setdefault((whole, value), (base, fresh))[1].rules |= 1 << place
        return [(base, key, entry) for (key, _), (base, entry) in made.items()]

    def _value(self, scene: Scene | None, seen: Sighting, base: Base) -> str | float | None:
        values = [_field(scene, seen, base, name) for name in base.values]
        if not values or None in values:
            return None
        if self.kind == "value_count":
            return VALUES.join(map(str, values))
        return number_of(values[0])


def _field(scene: Scene | None, seen: Sighting, base: Base, name: str) -> Any:
    """What a sighting has in a field: from its event, or from the group of the finding."""
    if base.grouped:
        return seen.echo.evidence["group"].get(name) if seen.echo else None
    assert scene is not None
    assert seen.row is not None
    if name == PERSON:
        return scene.page.people[seen.row]
    if name in MADE:
        return scene.page.values[MADE[name]][seen.row]
    return scene.page.columns[name][seen.row]


def _subject(scene: Scene | None, seen: Sighting, base: Base, key: Key) -> Subject:
    """Whom a sighting is about: the first group field that names somebody or something."""
    if base.grouped and seen.echo is not None:
        typed = [
            Subject(SUBJECTS[name], value)
            for name, value in zip(base.keys, key, strict=True)
            if name in SUBJECTS
        ]
        return typed[0] if typed and base.keys[0] in SUBJECTS else seen.echo.subject
    assert scene is not None
    assert seen.row is not None
    named = (subjects.named_by(scene, seen.row, name) for name in base.keys)
    account = Subject(SubjectType.ACCOUNT, ":".join((scene.account, *key)))
    return next((subject for subject in named if subject), account)
