"""What nearly reached what a rule asks: windows, volumes, silences and risks in a state.

Counted by the engine's own walks and windows, over what the state still holds: a week and more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from detector import workhours
from detector.correlations.correlation import Correlation
from detector.correlations.groups import CorrelationTail, Group
from detector.delivery.nearness import Below
from detector.findings import Subject
from detector.kernel import State
from detector.rule_types.absence import Absence
from detector.rule_types.cadence import AbsenceTail
from detector.rule_types.entity_risk import EntityRisk
from detector.rule_types.paces import VolumeTail
from detector.rule_types.signs import RiskTail, Sum
from detector.rule_types.volume import Volume

NEARLY: Final = 0.7
"""So much of what is asked is near."""


def below(state: State, since: int) -> list[Below]:
    """For each rule and group the fullest window since a time (microseconds) that nearly fired.

    The nearest come first. Groups that fired are none of them.
    """
    found = [*_correlations(state, since), *_volumes(state, since)]
    found += [*_silences(state, since), *_risks(state, since)]
    return sorted(found, key=lambda each: (-each.counted / each.asked, each.rule, each.who))


def _correlations(state: State, since: int) -> Iterator[Below]:
    for entry in state.rulebook.correlations:
        tail, least = state.tails.get(entry.rule.id), entry.logic.asked.least
        if least is None or not entry.logic.asked.rising or not isinstance(tail, CorrelationTail):
            continue
        for group in tail.groups.values():
            most, time = _fullest(entry.logic, group, since)
            if NEARLY * least <= most < least:
                at = workhours.instant(time)
                yield Below(entry.rule.name, _who(state, group.subject), most, least, at)


def _fullest(logic: Correlation, group: Group, since: int) -> tuple[float, int]:
    """The highest number that a window of the group held since a time, and when."""
    at = group.first_since(since)
    if at == len(group.entries):
        return 0.0, since
    low = group.first_since(group.entries[at].time - logic.span)
    walk, most, time = logic.walk(low), 0.0, since
    for place in range(low, len(group.entries)):
        walk.step(group.entries, place, logic.span)
        if place >= at and walk.value(place) > most:
            most, time = walk.value(place), group.entries[place].time
    return most, time


def _volumes(state: State, since: int) -> Iterator[Below]:
    """People whose count was far above usual and yet below the least that the rule asks."""
    for entry in state.rulebook.behaviors:
        tail = state.tails.get(entry.rule.id)
        if not isinstance(entry.behavior, Volume) or not isinstance(tail, VolumeTail):
            continue
        asked = entry.behavior.asked
        for name, pace in tail.people.items():
            kept = {
                day: max(each.time for each in seen.values()) for day, seen in pace.seen.items()
            }
            newest = {day: time for day, time in kept.items() if time >= since}
            near = [
                (excess.count / needs, excess.count, needs, time)
                for day, time in newest.items()
                for needs, excess in asked.looked(
                    pace, entry.behavior.usual(state.memory.facts, tail, name, day), time
                )
                if excess.chance < asked.chance and NEARLY * needs <= excess.count < needs
            ]
            if near:
                _, count, needs, time = max(near)
                who = _named(state, name)
                yield Below(entry.rule.name, who, count, needs, workhours.instant(time))


def _silences(state: State, since: int) -> Iterator[Below]:
    """What has not been seen for nearly too long, by now."""
    for entry in state.rulebook.waiting:
        behavior, tail = entry.behavior, state.tails.get(entry.rule.id)
        if not isinstance(behavior, Absence) or not isinstance(tail, AbsenceTail):
            continue
        for name, present in tail.present.items():
            if present.cadence is None or present.told or state.memory.clock < since:
                continue
            hours, limit = behavior.silence(present, present.cadence)
            if NEARLY * limit <= hours < limit:
                at = workhours.instant(present.last)
                yield Below(entry.rule.name, _named(state, name), hours, limit, at)


def _risks(state: State, since: int) -> Iterator[Below]:
    """Entities of which enough rules found something, and the sum came near to what is enough."""
    for entry in state.rulebook.risks:
        tail, risk = state.tails.get(entry.rule.id), entry.logic
        assert isinstance(tail, RiskTail)
        for entity in tail.entities.values():
            times = sorted({sign.time for _, sign in entity.every() if sign.time >= since})
            sums = [(risk.fading.sum(entity, at), at) for at in times]
            broad = [(each.score, at) for each, at in sums if _is_broad(risk, each)]
            most, at = max(broad, default=(0.0, since))
            if NEARLY * risk.threshold <= most < risk.threshold:
                who, when = _who(state, entity.subject), workhours.instant(at)
                yield Below(entry.rule.name, who, round(most, 1), risk.threshold, when)


def _is_broad(risk: EntityRisk, seen: Sum) -> bool:
    """Whether nothing but points can be missing."""
    return all(gap >= 0 for gap, unit, _ in risk.gaps(seen) if unit != "points")


def _who(state: State, subject: Subject) -> str:
    return subject.name or subject.email or _named(state, subject.id)


def _named(state: State, person: str) -> str:
    email, name = state.memory.contacts.get(person, (None, None))
    return name or email or person
