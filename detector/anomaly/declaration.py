"""The declaration of a model: `models/isolation_forest.yaml` as a checked value."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
)

from detector.anomaly.own_features import Count, OwnFeature, Rarity, kind_of
from detector.findings import Level
from detector.rule import Rule

FEATURES: Final = (
    "country", "place", "network", "device", "client", "deed", "deeds", "vault", "vaults",
    "hour", "new_items", "new_items_day", "new_items_week", "extracted", "volume",
    "failed", "failures", "cracked", "privileged", "sensitive", "networks", "ratio", "dormancy",
)  # fmt: skip
"""All features there are, in column order of the matrix."""
MEANING: Final = 3
"""Raised when a feature comes to mean something else, so that older models are refused."""

FeatureName = Literal[
    "country", "place", "network", "device", "client", "deed", "deeds", "vault", "vaults",
    "hour", "new_items", "new_items_day", "new_items_week", "extracted", "volume",
    "failed", "failures", "cracked", "privileged", "sensitive", "networks", "ratio", "dormancy",
]  # fmt: skip

Feature = Annotated[
    Annotated[FeatureName, Tag("a feature")]
    | Annotated[Rarity, Tag("a rarity")]
    | Annotated[Count, Tag("a count")],
    Discriminator(
        kind_of,
        custom_error_type="feature",
        custom_error_message="is neither a feature's name nor a mapping with 'rarity' or 'count'",
    ),
]

_SPAN: Final = re.compile(r"(\d+)([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: object) -> object:
    """A span like '60s', '5m', '24h' or '28d'; anything else is left for the validator."""
    if isinstance(text, str) and (match := _SPAN.fullmatch(text.strip())):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    if isinstance(text, str):
        msg = f"{text!r} is not a span; write it like '60s', '5m', '24h' or '28d'"
        raise ValueError(msg)
    return text


Span = Annotated[timedelta, BeforeValidator(span)]


class Declaration(BaseModel):
    """What the model looks at, how it is trained and how many alerts it may raise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(description="What an alert is called.")
    id: str = Field(description="UUID of the model as a rule; keep it.")
    name: str = Field(default="isolation_forest", description="Its name, as rules have one.")
    level: Level = Field(default=Level.MEDIUM, description="Level of its alerts.")
    description: str = Field(default="", description="What it is for.")
    tags: tuple[str, ...] = Field(default=(), description="ATT&CK techniques, as in rules.")
    falsepositives: tuple[str, ...] = Field(default=(), description="What looks like it.")
    runbook: tuple[str, ...] = Field(default=(), description="What to do, step by step.")
    group: Literal["actor-hour"] = Field(
        default="actor-hour", description="What is scored: a person's hour."
    )
    step: Span = Field(
        default=timedelta(minutes=5), description="How often an open hour is scored."
    )
    train_on: Span = Field(default=timedelta(days=28), description="Guarded days before now.")
    retrain_every: Span = Field(
        default=timedelta(days=7), description="Time between two trainings."
    )
    shadow: Span = Field(
        default=timedelta(days=1),
        description="How long a new model is tried in the shadow of the one at work.",
    )
    first_training_after: Span = Field(
        default=timedelta(days=14), description="Time before the first training without a history."
    )
    cold_start: Span = Field(
        default=timedelta(days=7), description="Age under which a person is not alerted."
    )
    budget: float = Field(
        default=5.0, gt=0, description="Alerts a day and 1,000 active people, on average."
    )
    most: float = Field(
        default=10.0, gt=0, description="Alerts a day and account, on average, however many people."
    )
    trees: int = Field(default=100, ge=10, le=1000, description="Trees of the forest.")
    sample: int = Field(default=256, ge=16, le=4096, description="Hours that a tree is grown on.")
    seed: int = Field(default=1, description="The same hours and seed give the same model.")
    features: tuple[Feature, ...] = Field(
        default=FEATURES,
        min_length=1,
        description="Names of features, and further ones by the fields that they look at.",
    )

    @field_validator("features")
    @classmethod
    def _told_apart(cls, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        names = [each if isinstance(each, str) else each.label for each in features]
        for place, name in enumerate(names):
            own = not isinstance(features[place], str)
            if name in names[:place] or (own and name in FEATURES):
                msg = f"two features are called {name!r}; give one another 'name'"
                raise ValueError(msg)
        return features

    @property
    def own(self) -> tuple[OwnFeature, ...]:
        """The features that were declared by field names."""
        return tuple(each for each in self.features if not isinstance(each, str))

    @property
    def names(self) -> tuple[str, ...]:
        """The features in use, by name."""
        return tuple(each if isinstance(each, str) else each.label for each in self.features)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the matrix, by name: those there are, then those that were declared."""
        return (*FEATURES, *(each.label for each in self.own))

    @property
    def cold_us(self) -> int:
        """The cold start in microseconds."""
        return self.cold_start // timedelta(microseconds=1)

    def alerts_a_day(self, people: int) -> float:
        """What the budget allows an account of so many active people."""
        return min(self.most, self.budget * max(1, people) / 1000)

    @property
    def rule(self) -> Rule:
        """The model as a rule: who it is, how bad, what to do."""
        return Rule(
            id=self.id,
            name=self.name,
            title=self.title,
            level=self.level,
            description=self.description,
            tags=self.tags,
            falsepositives=self.falsepositives,
            runbook=self.runbook,
            group_by=("user.id",),
            fold_for=timedelta(days=1),
        )
