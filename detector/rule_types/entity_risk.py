"""Entity risk: weak signs of many kinds about one person (or device, address ...) that add up.

It looks at no events. It hears what the other rules found and triage let pass, so what an exception, a
rung of a ladder or the teaching time holds back adds nothing. What woke somebody already counts, but
is no news: see `alarms.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from detector import workhours
from detector.findings import Finding, Level, Subject
from detector.observations import LATEST_US
from detector.rule import Rule
from detector.rule_types import risk_words, subjects
from detector.rule_types.base import Document, Tail, Told
from detector.rule_types.signs import (
    MOST_NAMED,
    Entity,
    Fading,
    RiskTail,
    Sign,
    Sum,
    half_life_us,
)

NOTICED: Final = 0.05
"""A rule is one of those that contribute as long as it adds this part of the threshold."""
POINTS: Final[Mapping[str, float]] = {
    Level.INFORMATIONAL: 5.0,
    Level.LOW: 20.0,
    Level.MEDIUM: 40.0,
    Level.HIGH: 60.0,
    Level.CRITICAL: 80.0,
}
"""What a finding is worth by its level if the rule says nothing: about the alert's own score."""
Named = Literal[
    "user.id", "target.id", "device.id", "session.id", "source.ip", "vault.id", "account.id"
]


class Least(BaseModel):
    """How many different things must come together, however high the sum is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: int = Field(default=3, ge=1, le=50, description="So many different rules contribute.")
    tactics: int = Field(
        default=3,
        ge=0,
        le=14,
        description="Their first tactics of ATT&CK (`tags:`) are so many different ones.",
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """A finding that counts, its rule and that one's first tactic, and what triage made of it.

    `told` is the rank of its alert's level if that woke somebody, else -1.
    """

    finding: Finding
    rule: Rule
    entity: Subject
    tactic: str | None
    alert: str
    told: int


class EntityRisk(Document):
    """Findings of many rules about one entity that add up, each fading by half in every half-life.

    It hears all rules that alert, also those whose level is too low to wake anybody, and the model. It
    alerts where the sum reaches the threshold and enough different rules and tactics contribute. Further
    findings of one rule count less and less. What somebody was told of already counts as well, but alone
    it opens no alert of the same level. A verdict that an alert was harmless takes its points back; a
    verdict on the alert of the risk itself ends the sum, and the next begins at nothing.
    """

    tail: ClassVar[type[Tail]] = RiskTail

    type: Literal["entity_risk"]
    rules: tuple[str, ...] = Field(
        default=(),
        description="Names or ids of the only rules that are heard; none: all that alert.",
    )
    group_by: tuple[Named] = Field(
        default=("user.id",),
        alias="group-by",
        description="Field that names the entity: whom the finding is about, else the event's own.",
    )
    threshold: float = Field(
        default=50, validate_default=True, gt=0, le=10_000, description="A sum that alerts."
    )
    half_life: str = Field(
        default="2d",
        alias="half-life",
        pattern=r"^(?:[1-9]\d?d|[1-9]\d{0,2}h)$",
        description="Half of a finding's points are gone after this time; ten of it is the end.",
    )
    least: Least = Field(default=Least(), description="What must come together beside the sum.")
    raise_at: float = Field(
        default=4,
        validate_default=True,
        alias="raise-at",
        gt=1,
        le=100,
        description="At so many times the threshold the alert is one level higher, and told again.",
    )
    release: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="An alarm is over when the sum falls below this part of the threshold; until then "
        "it is one alert, told again only where it is worse.",
    )
    again: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="Each further finding of one rule counts for so much of the one before.",
    )
    weights: dict[str, Annotated[float, Field(ge=0, le=10_000)]] = Field(
        default={},
        description="Points by level (informational 5, low 20, medium 40, high 60, critical 80), by tag, "
        "or by a rule's name; the rule's name wins, then its highest tag. 0 leaves it out.",
    )
    model: bool = Field(
        default=True, description="Whether the model is heard, where `rules` names none."
    )
    trial: bool = Field(
        default=False, description="Whether rules on trial (`status: test`) are heard."
    )

    @cached_property
    def fading(self) -> Fading:
        """How the points of findings fade."""
        return Fading(half_life_us(self.half_life), self.again)

    @property
    def asked(self) -> dict[str, Any]:
        """What an alert says that it was measured by."""
        return {
            "threshold": self.threshold,
            "least_rules": self.least.rules,
            "least_tactics": self.least.tactics,
            "half_life": self.half_life,
        }

    def reads(self) -> frozenset[str]:
        """Event columns that it reads to find the entity."""
        return subjects.COLUMNS | set(self.group_by) - {"user.id"}

    def worth(self, rule: Rule, level: Level) -> float:
        """Points of a finding of that rule and level."""
        named = [self.weights[name] for name in (rule.name, rule.id) if name in self.weights]
        tagged = [self.weights[tag] for tag in rule.tags if tag in self.weights]
        if named or tagged:
            return named[0] if named else max(tagged)
        return self.weights.get(level, POINTS[level])

    def sign(self, heard: Heard) -> Sign | None:
        """A finding as it counts; null if it is worth nothing."""
        finding, points = heard.finding, self.worth(heard.rule, heard.finding.level)
        if points <= 0:
            return None
        return Sign(
            time=workhours.microseconds(finding.time),
            points=points,
            level=heard.finding.level,
            tactic=heard.tactic,
            ids=finding.fresh_ids[-MOST_NAMED:],
            seqs=finding.fresh_seqs[-MOST_NAMED:],
            alert=heard.alert,
            told=heard.told,
            session=finding.session,
        )

    def weigh_again(self, heard: Heard, tail: RiskTail) -> Entity | None:
        """A finding sets right what its session was said to be: its signs are worth that now."""
        entity, finding = tail.entities.get(heard.entity.id), heard.finding
        signs = entity.signs.get(finding.rule_id, ()) if entity else ()
        mine = [each for each in signs if each.session == finding.session]
        for sign in mine:
            sign.points, sign.level = self.worth(heard.rule, finding.level), finding.level
            sign.told = heard.told
        return entity if mine else None

    def take_back(self, finding: Finding, tail: RiskTail) -> list[Entity]:
        """Drop the signs of a finding that a late event has made untrue; whose they were."""
        time = workhours.microseconds(finding.time)
        return [
            entity
            for entity in tail.entities.values()
            if finding.rule_id in entity.signs
            and entity.drop(lambda rule, sign: rule == finding.rule_id and sign.time == time)
        ]

    def hear_verdict(self, alert: str, tail: Any, *, harmless: bool) -> None:
        """What a person said of an alert: of the risk's own, the sum ends; what is harmless is none."""
        for key, entity in list(tail.entities.items()):
            if entity.alert == alert:
                del tail.entities[key]
            elif harmless:
                entity.drop(lambda _, sign: sign.alert == alert)

    def holds(self, found: Sum) -> bool:
        """Whether a sum is enough, and of enough different rules and tactics."""
        return all(gap >= 0 for gap, _, _ in self.gaps(found))

    def gaps(self, found: Sum) -> tuple[tuple[float, str, float], ...]:
        """For each thing that is asked: by how much it is there (below 0: missing), in which unit, and
        how much is there."""
        least = NOTICED * self.threshold
        asked = (
            (self.threshold, "points", found.score),
            (self.least.rules, "rules", len(found.rules(least))),
            (self.least.tactics, "tactics", len(found.tactics(least))),
        )
        return tuple((has - needs, unit, has) for needs, unit, has in asked)

    def forget(self, tail: Any, clock: int) -> None:
        """Drop the signs that count no more, even for what comes late."""
        before = clock - self.fading.horizon - LATEST_US
        for key, entity in list(tail.entities.items()):
            if any(sign.time < before for signs in entity.signs.values() for sign in signs):
                entity.drop(lambda _, sign: sign.time < before)
            if not entity.signs:
                del tail.entities[key]

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """How much has come together about whom, of how many rules, and what that is measured by."""
        return risk_words.tell(who, evidence)
