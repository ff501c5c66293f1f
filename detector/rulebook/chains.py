"""Correlations in their order: each behind the rules that it looks at, its fields looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import Final

from detector import events
from detector.correlations.correlation import Correlation
from detector.correlations.definition import MADE, PERSON, Base
from detector.rulebook.book import CorrelationRule
from detector.rulebook.correlations import Sketch
from detector.rulebook.documents import Path
from detector.rulebook.items import where_else
from detector.rulebook.mistakes import did_you_mean, quoted
from detector.rulebook.references import Draft, Register
from detector.rulebook.schemas import of_feed

KINDS: Final = ("detection", "behavior", "correlation")
MOST_NAMED: Final = 8
"""Rules of a circle that a mistake names."""
Feeds = Mapping[str, tuple[str, ...]]
"""The feeds of each detection and behaviour, by the rule's id."""


def chained(
    sketches: Sequence[tuple[Draft, Sketch]], feeds: Feeds, register: Register
) -> list[CorrelationRule]:
    """The correlations, each behind those that it looks at; cycles are mistakes."""
    waiting = {draft.head.rule.id: (draft, sketch) for draft, sketch in sketches}
    looked = {rule: _looks_at(sketch, register, waiting) for rule, (_, sketch) in waiting.items()}
    cycles = _cycles(looked)
    for cycle in cycles:
        names = [quoted(waiting[each][0].head.rule.title) for each in cycle]
        if len(names) > MOST_NAMED:
            names[MOST_NAMED:] = [f"{len(names) - MOST_NAMED} more"]
        text = f"looks at itself: {' -> '.join(names)}"
        for rule in cycle:
            waiting[rule][0].report.wrong(("correlation", "rules"), text, "break the circle")
    made: dict[str, CorrelationRule] = {}
    groups = {rule: _keys(sketch) for rule, (_, sketch) in waiting.items()}
    circling = frozenset(rule for cycle in cycles for rule in cycle)
    ordered = (*_in_order(looked), *_led_astray(looked, waiting))
    for rule in dict.fromkeys((*ordered, *sorted(circling))):
        draft, sketch = waiting[rule]
        among = circling if rule in circling else frozenset()
        entry = _Fields(draft, sketch, feeds, groups, among).bound(register)
        if entry is not None:
            made[rule] = entry
    return list(made.values())


def _led_astray(
    looked: Mapping[str, Sequence[str]], waiting: Mapping[str, tuple[Draft, Sketch]]
) -> Iterator[str]:
    """Rules that lead into a circle, each behind the broken one that it looks at."""
    stuck = set(looked) - set(_in_order(looked))
    looking: dict[str, list[str]] = {}
    for rule in sorted(stuck):
        for each in looked[rule]:
            looking.setdefault(each, []).append(rule)
    broken = [rule for rule in sorted(stuck) if waiting[rule][0].report.broken]
    met = set(broken)
    while broken:
        for rule in looking.get(broken.pop(), ()):
            if rule not in met:
                yield rule
                met.add(rule)
                broken.append(rule)


def _looks_at(sketch: Sketch, register: Register, among: Mapping[str, object]) -> tuple[str, ...]:
    """The ids of the correlations that a sketch names."""
    drafts = (register.named(name) for name in sketch.rules)
    ids = (draft.head.rule.id for draft in drafts if draft is not None)
    return tuple(rule for rule in dict.fromkeys(ids) if rule in among)


def _in_order(looked: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Every rule behind those that it looks at; what is in a cycle never comes."""
    places = {rule: place for place, rule in enumerate(looked)}
    sorter = TopologicalSorter(looked)
    with suppress(CycleError):
        sorter.prepare()
    while ready := sorted(sorter.get_ready(), key=places.__getitem__):
        sorter.done(*ready)
        yield from ready


def _cycles(looked: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """The circles, each once; a rule that only leads into one is no part of it."""
    stuck = set(looked) - set(_in_order(looked))
    cycles: list[tuple[str, ...]] = []
    met: set[str] = set()
    for start in sorted(stuck):
        way: list[str] = []
        rule = start
        while rule not in met:
            met.add(rule)
            way.append(rule)
            rule = next(each for each in looked[rule] if each in stuck)
        if rule in way:
            cycles.append(tuple(way[way.index(rule) :]))
    return cycles


@dataclass(frozen=True, slots=True)
class _Fields:
    """Looks up the rules and fields of one correlation; what is wrong goes to its report."""

    draft: Draft
    sketch: Sketch
    feeds: Feeds
    groups: Mapping[str, tuple[str, ...]]
    """What each correlation groups by, as it is called in evidence."""
    circling: frozenset[str]
    """The rules that look at each other, if this is one of them: that they are broken is told."""

    def bound(self, register: Register) -> CorrelationRule | None:
        """The correlation with its rules and fields; null, and mistakes, if any is missing."""
        report, sketch = self.draft.report, self.sketch
        found = [self._found(register, name, place)
                 for name, place in zip(sketch.rules, sketch.places, strict=True)]  # fmt: skip
        bases = [draft for draft in found if draft is not None]
        self._check_aliases(bases)
        built = [self._base(draft) for draft in bases]
        if report.broken:
            return None
        logic = Correlation(
            kind=sketch.kind,
            bases=tuple(built),
            span=sketch.span // timedelta(microseconds=1),
            asked=sketch.asked,
            keys=_keys(sketch),
            counted=", ".join(_called(sketch, name) for name in sketch.fields) or None,
            percent=sketch.percent,
        )
        foreign = any(not self.feeds.get(base.rule_id, ("",)) for base in built)
        ids = tuple(base.rule_id for base in built)
        return CorrelationRule(self.draft.head.rule, logic, ids, sketch.generate, foreign)

    def _found(self, register: Register, name: str, place: Path) -> Draft | None:
        draft = register.named(name)
        if draft is not None and draft.head.rule.id in self.circling:
            return draft
        return register.find(self.draft.report, place, KINDS, name=name)

    def _check_aliases(self, bases: Sequence[Draft]) -> None:
        path: Path = ("correlation", "aliases")
        known = {name for draft in bases for name in draft.names} | set(self.sketch.rules)
        for alias, fields in self.sketch.aliases.items():
            for rule in fields:
                if rule not in known:
                    text = f"{quoted(rule)} is not one of its rules"
                    fix = did_you_mean(rule, known)
                    self.draft.report.wrong((*path, alias, rule), text, fix, key=True)
            for draft in bases:
                if not set(draft.names) & set(fields):
                    name = quoted(draft.names[0])
                    text = f"says nothing about {name}"
                    self.draft.report.wrong((*path, alias), text, "name its field, too", key=True)

    def _base(self, draft: Draft) -> Base:
        path: Path = ("correlation", "group-by")
        told = self.draft.report.at(path)
        places = [(*path, at) if isinstance(told, list) else path for at in range(99)]
        keys = [
            self._field(draft, field, place)
            for field, place in zip(self.sketch.group_by, places, strict=False)
        ]
        where: Path = ("correlation", "condition", "field")
        values = [self._field(draft, field, where) for field in self.sketch.fields]
        return Base(
            draft.head.rule.id,
            tuple(keys),
            tuple(values),
            grouped=draft.kind == "correlation",
            phrase=draft.head.counted_as or quoted(draft.head.rule.title),
        )

    def _field(self, draft: Draft, field: str, place: Path) -> str:
        """Where the events or findings of a base rule have a field, and a mistake if nowhere."""
        alias = self.sketch.aliases.get(field, {})
        if field in self.sketch.aliases and not alias.keys() & set(draft.names):
            return field
        name = next((alias[each] for each in draft.names if each in alias), field)
        known = self._known(draft)
        if known is None or name in known:
            return name if known is None else known[name]
        whose = "the group of" if draft.kind == "correlation" else "events of"
        text = f"{quoted(name)} is not a field of {whose} {quoted(draft.head.rule.title)}"
        if draft.kind == "correlation":
            # Sigma leaves open where any other field would come from.
            near = did_you_mean(name, events.ours(known))
            fix = near or f"add it to the 'group-by:' of {quoted(draft.head.rule.title)}"
        else:
            fix = where_else(name, known) or did_you_mean(name, events.ours(known))
        self.draft.report.wrong(place, text, fix)
        return name

    def _known(self, draft: Draft) -> Mapping[str, str] | None:
        """The names of fields and where they are read; null if the events are not ours."""
        if draft.kind == "correlation":
            keys = self.groups.get(draft.head.rule.id)
            if keys is None:
                return None
            raw = {name: column for name, column in events.fields().items() if column in keys}
            return raw | {key: key for key in keys}
        feeds = self.feeds.get(draft.head.rule.id, ())
        if not feeds:
            return None
        known = {name: name for name in MADE}
        for feed in feeds:
            schema = of_feed(feed)
            known |= {name: column for name in schema.fields if (column := schema.column(name))}
        return {name: PERSON if column == "user.id" else column for name, column in known.items()}


def _keys(sketch: Sketch) -> tuple[str, ...]:
    return tuple(_called(sketch, name) for name in sketch.group_by)


def _called(sketch: Sketch, name: str) -> str:
    """What a field is called in evidence: its column, or the alias."""
    return name if name in sketch.aliases else events.fields().get(name, name)
