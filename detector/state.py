"""The kernel's state: memory, the tails of the behaviours, the window, and its plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from detector import matched, triage, weighing
from detector.anomaly import channel as channels
from detector.anomaly import explanation
from detector.anomaly.channel import Channel
from detector.anomaly.declaration import Declaration
from detector.anomaly.hours import Hours
from detector.anomaly.judging import Seen
from detector.anomaly.model import Model
from detector.correlations import wording as correlated
from detector.facts import Facts
from detector.networks import Networks
from detector.people import People
from detector.rule import Rule
from detector.rule_types.base import Tail
from detector.rule_types.notes import Notes
from detector.rulebook.book import Rulebook
from detector.window import Window

Witness = Callable[[Facts, Hours, Seen], None]


class Memory(msgspec.Struct):
    """Everything the kernel knows that is not configuration: what a restart must bring back."""

    account: str
    seq: int = 0
    clock: int = 0
    complete: dict[str, int] = {}
    """Up to which event time all of a feed was seen, as far as anything waits for that."""
    teach_until: int = 0
    facts: Facts = msgspec.field(default_factory=Facts)
    channel: Channel = msgspec.field(default_factory=Channel)
    opened: dict[str, list[triage.Open]] = {}
    """Alerts that still take findings, by fingerprint."""
    contacts: dict[str, tuple[str | None, str | None]] = {}
    newest_contacts: dict[str, tuple[str | None, str | None]] = {}
    warm_up: dict[str, int] = {}
    """Findings of the teaching time, by rule: what the rules would have said."""


@dataclass(frozen=True)
class Plan:
    """What the kernel runs: rules, the model's declaration, and what the organisation stated."""

    rulebook: Rulebook
    declaration: Declaration | None = None
    people: People = field(default_factory=People)
    networks: Networks = field(default_factory=Networks)


@dataclass
class State:
    """Memory, the tails of the behaviours, the window, and the plan at work."""

    memory: Memory
    plan: Plan
    model: Model | None = None
    challenger: Model | None = None
    """A model in the shadow of the one at work."""
    witness: Witness | None = None
    """Sees every open hour that is scored, and the facts at that moment: for evaluation only."""
    notes: Notes | None = None
    """What behaviours say that they compared: for explanations only."""
    window: Window = field(default_factory=lambda: Window(timedelta(days=30)))
    tails: dict[str, Tail] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rulebook = self.plan.rulebook
        for entry in rulebook.stateful:
            self.tails.setdefault(entry.rule.id, entry.logic.tail())
        self.memory.facts.default_zone = self.plan.people.timezone
        self.rules: dict[str, Rule] = dict(rulebook.rules)
        if self.declaration is not None:
            self.rules[self.declaration.id] = self.declaration.rule
        model = None if self.declaration is None else self.declaration.id
        self.audience = weighing.Audience(rulebook.risks, self.tails, self.rules, model)
        self._correlations = {entry.rule.id for entry in rulebook.correlations}
        self._tellers = {entry.rule.id: entry.logic.tell for entry in rulebook.behaviors}
        self._tellers |= {entry.rule.id: entry.logic.tell for entry in rulebook.risks}
        read = {
            *matched.COLUMNS,
            "source.latitude",
            "source.longitude",
            "source.kind",
            "source.radius_km",
        }
        for entry in rulebook.stateful:
            read |= entry.reads
        if self.declaration is not None:
            read |= {name for feature in self.declaration.own for name in feature.columns}
            if channels.declare(self.memory.channel, self.declaration):
                self.model = self.challenger = None
        self.columns = tuple(sorted(read))

    @property
    def rulebook(self) -> Rulebook:
        """The rules at work."""
        return self.plan.rulebook

    @property
    def declaration(self) -> Declaration | None:
        """The model's declaration."""
        return self.plan.declaration

    def end_trial(self, day: int) -> None:
        """At midnight `day`: let a challenger that has passed its trial take over."""
        if self.declaration is None:
            return
        trial = channels.end_trial(
            self.memory.channel, self.model, self.challenger, self.declaration, day
        )
        if trial is None:
            return
        if trial.passed and self.challenger is not None:
            self.model = self.challenger
            channels.adopt(self.memory.channel, self.model, self.declaration)
        self.challenger = None

    def introduce(self, person: str, contact: tuple[str | None, str | None]) -> None:
        """Note a person's e-mail and name, and the zone that the organisation states."""
        self.memory.contacts[person] = contact
        colleague = self.plan.people.find(contact[0])
        if colleague is not None and colleague.timezone:
            self.memory.facts.stated_zones[person] = colleague.timezone

    def tell(self, rule: Rule, who: str, evidence: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
        """The words for evidence of any rule."""
        if self.declaration is not None and rule.id == self.declaration.id:
            return explanation.tell(who, evidence)
        if rule.id in self._correlations:
            told = correlated.tell(rule, who, evidence)
        elif rule.id in self._tellers:
            told = self._tellers[rule.id](who, evidence)
        else:
            told = matched.tell(rule, who, evidence)
        return told.summary, told.why
