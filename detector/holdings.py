"""Holdings: how much each rule keeps in memory between events, so that its bounds can be watched."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from detector import arrays
from detector.rule_types.base import Tail
from detector.state import State

FACTS = "facts"
"""The name under which what all rules know together is listed."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one rule keeps: entries of its tables (people, sessions, addresses ...), bytes as stored."""

    rule: str
    entries: int
    bytes: int


def held(state: State) -> list[Held]:
    """Every rule that keeps something, and the facts; the largest first."""
    names = {
        entry.rule.id: entry.rule.name or entry.rule.title for entry in state.rulebook.stateful
    }
    tails = [
        Held(names[rule], _entries(tail), len(arrays.encode(tail)))
        for rule, tail in state.tails.items()
        if rule in names
    ]
    facts = state.memory.facts
    known = Held(FACTS, len(facts.people), len(arrays.encode(facts)))
    return sorted([known, *tails], key=lambda each: (-each.bytes, each.rule))


def _entries(tail: Tail) -> int:
    tables = (getattr(tail, each.name) for each in msgspec.structs.fields(tail))
    return sum(len(table) for table in tables if isinstance(table, dict))
