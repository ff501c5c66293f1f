"""The rulebook: every rule that loaded, ready to be matched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from detector.correlations.correlation import Correlation
from detector.rule import Rule
from detector.rule_types.base import Behavior
from detector.rule_types.entity_risk import EntityRisk
from detector.rulebook.bits import Rows
from detector.rulebook.conditions import Condition
from detector.rulebook.logsources import LogSource
from detector.rulebook.matching import Plan, matches, plans


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that is decided by one event: its condition, and the feeds it can hold in.

    A rule about another product's events has no feeds; `source` says whose they are. `exceptions`
    are what filters ask beside its own condition, by the filter's title; `condition` has them all.
    `written` is the detection as the file has it, for other engines.
    """

    rule: Rule
    condition: Condition
    feeds: tuple[str, ...]
    source: LogSource
    own: Condition
    """What the rule itself asks, without its exceptions."""
    exceptions: tuple[tuple[str, Condition], ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BehaviorRule:
    """A rule about what is usual, and the ids of the rules whose matches it looks at."""

    rule: Rule
    behavior: Behavior
    bases: tuple[str, ...]

    @property
    def logic(self) -> Behavior:
        """What it does: the same name for every rule that keeps a state."""
        return self.behavior

    @property
    def key(self) -> tuple[object, ...]:
        """What its state is kept by, and of whose events it is: another key, another state."""
        return (self.behavior.key, frozenset(self.bases))

    @property
    def reads(self) -> frozenset[str]:
        """Event columns that it reads."""
        return frozenset(self.behavior.columns) | self.behavior.reads()


@dataclass(frozen=True, slots=True)
class CorrelationRule:
    """A rule about what several events say together; `bases` by the places of its rules.

    `generate`: its base rules go on alerting by themselves. `foreign`: it looks at events of
    other products, which do not come here.
    """

    rule: Rule
    logic: Correlation
    bases: tuple[str, ...]
    generate: bool = False
    foreign: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What it counts: the state of another count means nothing."""
        return (self.logic,)

    @property
    def reads(self) -> frozenset[str]:
        """Event columns that it reads."""
        return self.logic.reads


@dataclass(frozen=True, slots=True)
class RiskRule:
    """A rule about what findings add up to, and the ids of the rules whose findings it hears."""

    rule: Rule
    logic: EntityRisk
    bases: tuple[str, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What its state is kept by: that a further rule is heard is no reason to begin anew."""
        return self.logic.key

    @property
    def reads(self) -> frozenset[str]:
        """Event columns that it reads."""
        return self.logic.reads()


@dataclass(frozen=True)
class Rulebook:
    """All rules by id. `version` changes if, and only if, what they detect or tell changes."""

    matches: tuple[Match, ...] = ()
    behaviors: tuple[BehaviorRule, ...] = ()
    correlations: tuple[CorrelationRule, ...] = ()
    """Each behind those that it looks at."""
    version: str = ""
    risks: tuple[RiskRule, ...] = ()

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        """How the events of each feed are matched; made when the first are."""
        return plans((entry.rule.id, entry.condition, entry.feeds) for entry in self.matches)

    @property
    def rules(self) -> Mapping[str, Rule]:
        """Every rule by its id."""
        every = [entry.rule for entry in self.matches]
        every += [entry.rule for entry in self.behaviors]
        every += [entry.rule for entry in self.correlations]
        every += [entry.rule for entry in self.risks]
        return {rule.id: rule for rule in every}

    @property
    def on_trial(self) -> frozenset[str]:
        """Ids of the rules with `status: test`: they run and reach only the digest."""
        return frozenset(name for name, rule in self.rules.items() if rule.status == "test")

    @property
    def stateful(self) -> tuple[BehaviorRule | CorrelationRule | RiskRule, ...]:
        """The rules that keep a state of our own events, each behind those that it looks at."""
        own = (entry for entry in self.correlations if not entry.foreign)
        return (*self.behaviors, *own, *self.risks)

    @property
    def of_our_own(self) -> tuple[Rule, ...]:
        """The rules that know our events only: behaviours and risks."""
        return (*(each.rule for each in self.behaviors), *(each.rule for each in self.risks))

    @cached_property
    def waiting(self) -> tuple[BehaviorRule, ...]:
        """The behaviours that find something because time passes."""
        return tuple(entry for entry in self.behaviors if entry.behavior.waits)

    @cached_property
    def learns_peers(self) -> bool:
        """Whether any behaviour compares people with peers whom nobody stated."""
        return any(entry.behavior.learns_peers for entry in self.behaviors)

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
