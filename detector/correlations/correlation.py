"""A correlation at work: sightings become entries of groups, groups are judged, findings go out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from detector.correlations import firings, judging
from detector.correlations.definition import Base, Definition
from detector.correlations.groups import FORGET_DAYS, CorrelationTail, Group, reach_us
from detector.correlations.lenses import Key, Lens
from detector.correlations.resting import Stretch
from detector.correlations.sightings import Glimpse, Sighting, of_row, sightings
from detector.correlations.walks import Entry, places
from detector.findings import Finding, Subject, SubjectType
from detector.rule import Rule
from detector.rule_types import subjects
from detector.rule_types.base import SUBJECTS, Scene
from detector.workhours import DAY_US


@dataclass(frozen=True)
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
        lenses = [Lens.of(base, scene) for base in self.bases]
        if scene is None or glimpse.echoes:
            for seen in sightings(scene, glimpse):
                yield from self._take(rule, scene, (lenses, seen), tail)
            return
        hits = [*zip(glimpse.rows, glimpse.masks, strict=True)]
        for row, mask in Stretch(self, scene, lenses).awake(hits, tail):
            yield from self._take(rule, scene, (lenses, of_row(scene, row, mask)), tail)

    def _take(
        self,
        rule: Rule,
        scene: Scene | None,
        at: tuple[Sequence[Lens], Sighting],
        tail: CorrelationTail,
    ) -> Iterator[Finding]:
        """Add a sighting to its groups, and judge these."""
        lenses, seen = at
        for lens, name, entry in self._entries(lenses, seen, tail):
            group = tail.groups.get(name)
            if group is None:
                key = lens.key(seen)
                subject = _subject(scene, seen, lens.base, key)
                group = Group(key, self.walk(), subject, rules=0)
            elif self.waits:
                group.subject = _subject(scene, seen, lens.base, group.key)
            tail.touch(name, group)
            for firing in judging.take(self, tail, group, entry):
                group.subject = _subject(scene, seen, lens.base, group.key)
                yield firings.finding(rule, self, firing, seen.seq)

    def close(self, rule: Rule, tail: CorrelationTail, clock: int) -> Iterator[Finding]:
        """Judge the windows whose time for late events is over at that time of the clock."""
        if self.waits:
            for group in tail.groups.values():
                for firing in judging.close(self, group, clock):
                    yield firings.finding(rule, self, firing, 0)

    def forget(self, tail: Any, clock: int) -> None:
        """Drop what no event can reach any more. Called once a day of the event clock."""
        if clock // DAY_US % FORGET_DAYS == 0:
            tail.forget(clock - reach_us(self.span))

    def _entries(
        self, lenses: Sequence[Lens], seen: Sighting, tail: CorrelationTail
    ) -> Iterable[tuple[Lens, str, Entry]]:
        """The entries that a sighting makes: one, unless its rules name different groups."""
        if seen.rules.bit_count() == 1:
            made = self._entry(lenses[seen.rules.bit_length() - 1], seen.rules, seen, tail)
            return () if made is None else (made,)
        merged: dict[tuple[str, str | float | None], tuple[Lens, str, Entry]] = {}
        for place in places(seen.rules):
            made = self._entry(lenses[place], 1 << place, seen, tail)
            if made is not None:
                _, name, entry = made
                merged.setdefault((name, entry.value), made)[2].rules |= 1 << place
        return merged.values()

    def _entry(
        self, lens: Lens, rule: int, seen: Sighting, tail: CorrelationTail
    ) -> tuple[Lens, str, Entry] | None:
        """The entry that a sighting makes for one base rule; null if a field is missing."""
        name, value = lens.name(seen), None
        if name is None:
            tail.ungrouped += 1
            return None
        if lens.base.values:
            value = self.value_of(lens.counted(seen))
            if value is None:
                tail.valueless += 1
                return None
        return lens, name, Entry(seen.time, rule, value, seen.ids, seen.seqs)


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
