"""The rulebook: every rule that loaded, ready to be matched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detector.rule import Rule
from detector.rule_types.base import Behavior
from detector.rulebook.conditions import Condition
from detector.rulebook.logsources import LogSource
from detector.rulebook.matching import Plan, Rows, matches, plans


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that is decided by one event: its condition, and the feeds it can hold in.

    A rule about another product's events has no feeds; `source` says whose they are.
    """

    rule: Rule
    condition: Condition
    feeds: tuple[str, ...]
    source: LogSource


@dataclass(frozen=True, slots=True)
class BehaviorRule:
    """A rule about what is usual, and the ids of the rules whose matches it looks at."""

    rule: Rule
    behavior: Behavior
    bases: tuple[str, ...]


@dataclass(frozen=True)
class Rulebook:
    """All rules by id. `version` changes if, and only if, what they detect or tell changes."""

    matches: tuple[Match, ...] = ()
    behaviors: tuple[BehaviorRule, ...] = ()
    version: str = ""
    plans: tuple[Plan, ...] = field(default=(), repr=False)

    @property
    def rules(self) -> Mapping[str, Rule]:
        """Every rule by its id."""
        every = [entry.rule for entry in self.matches]
        every += [entry.rule for entry in self.behaviors]
        return {rule.id: rule for rule in every}

    def named(self, name: str) -> Rule | None:
        """The rule of that name or id."""
        return next((rule for rule in self.rules.values() if name in {rule.name, rule.id}), None)

    def match(self, frame: pl.DataFrame) -> dict[str, Rows]:
        """The rows of `frame` (columns of `events.SCHEMA`) that each rule matches, ascending.

        Every rule of `matches` has an entry, also where nothing matches.
        """
        found = matches(frame, self.plans)
        nothing = np.empty(0, dtype=np.int64)
        return {entry.rule.id: found.get(entry.rule.id, nothing) for entry in self.matches}


def bind(entries: tuple[Match, ...], behaviors: tuple[BehaviorRule, ...], version: str) -> Rulebook:
    """The rulebook of these rules, with its plans made."""
    made = plans((entry.rule.id, entry.condition, entry.feeds) for entry in entries)
    return Rulebook(entries, behaviors, version, made)
