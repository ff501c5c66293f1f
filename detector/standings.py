"""How risky everybody is at a moment: the entities of the risk scores of a state, and their parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from detector import workhours
from detector.findings import Subject
from detector.rule_types import risk_words
from detector.rule_types.signs import Entity, RiskTail
from detector.rulebook.book import RiskRule
from detector.state import State

LEAST: Final = 0.5
"""Points below which somebody is not at risk at all."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One entity of one risk score: its sum, and what each rule adds to it, the heaviest first.

    `alert` is the open alert that tells of it, null if there is none.
    """

    rule: str
    subject: Subject
    risk: float
    threshold: float
    findings: int
    tactics: tuple[str, ...]
    parts: tuple[dict[str, Any], ...]
    alert: str | None


def standings(state: State, at: datetime) -> list[Standing]:
    """Every entity at that time, the one nearest to its threshold, or furthest beyond it, first."""
    time = workhours.microseconds(at)
    every = [
        _standing(state, entry, entity, time)
        for entry, tail in _tails(state)
        for entity in tail.entities.values()
    ]
    found = [each for each in every if each.risk >= LEAST]
    return sorted(found, key=lambda each: (-each.risk / each.threshold, each.rule, each.subject.id))


def _tails(state: State) -> Iterator[tuple[RiskRule, RiskTail]]:
    for entry in state.rulebook.risks:
        tail = state.tails[entry.rule.id]
        assert isinstance(tail, RiskTail)
        yield entry, tail


def _standing(state: State, entry: RiskRule, entity: Entity, time: int) -> Standing:
    seen = entry.logic.fading.sum(entity, time)
    said = risk_words.evidence(seen, state.rules)
    return Standing(
        rule=entry.rule.name,
        subject=entity.subject,
        risk=said["risk"],
        threshold=entry.logic.threshold,
        findings=said["findings"],
        tactics=tuple(said["tactics"]),
        parts=tuple(said["contributions"]),
        alert=entity.alert if entity.alarm else None,
    )
