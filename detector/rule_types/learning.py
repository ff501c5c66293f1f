"""Learning: when enough is known, and the strong facts for which learning does not sleep."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from detector.observations import COUNTRY
from detector.rule_types.base import Scene
from detector.workhours import DAY_US

LEARNING: Final = "learning"
"""The rung of people, groups and accounts that are not known well enough yet."""
ENOUGH_STRONG: Final = 2
"""So many strong facts together alert also while learning."""
LEAST_PEOPLE: Final = 5
"""Of fewer known people nothing can be said about where nobody ever is."""
_UNTIL: Final = re.compile(r"(?:(?P<days>\d+)d)?(?:\s*or\s*)?(?:(?P<events>\d+) events)?")

STRONG: Final = {
    "hosting": "the network belongs to a hosting company",
    "anonymiser": "the network hides where its users are",
    "country-of-nobody": "nobody of the organisation was ever seen in the country",
    "reported-by-firewall": "a firewall rule reported the sign-in",
    "sensitive": "it weakens the account or takes secrets out of it",
    "impossible-travel": "no aircraft could bring the person there",
    "volume": "it is far more than is usual",
}
"""Strong facts in words."""


class Learn(BaseModel):
    """How long a subject is learned before the rule speaks, and how long values are remembered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: str = Field(
        default="14d or 10 events", description="The earlier of the two ends learning."
    )
    remember: str = Field(
        default="90d", pattern=r"^\d+d$", description="A value not seen for this long is forgotten."
    )

    @field_validator("until")
    @classmethod
    def _readable(cls, text: str) -> str:
        if not text or not _UNTIL.fullmatch(text):
            msg = "write it like '14d', '10 events' or '14d or 10 events'"
            raise ValueError(msg)
        return text

    @property
    def remember_us(self) -> int:
        """Microseconds for which a value is remembered."""
        return int(self.remember[:-1]) * DAY_US

    @cached_property
    def most(self) -> int | None:
        """After so many events learning is over, whatever the age; null if age alone ends it."""
        match = _UNTIL.fullmatch(self.until)
        return int(match["events"]) if match and match["events"] else None

    def left(self, age_us: int, events: int) -> float | None:
        """How much learning is left, in days or events, whichever is less; null if it is over."""
        match = _UNTIL.fullmatch(self.until)
        days, most = (match["days"], match["events"]) if match else (None, None)
        left = [int(days) - age_us / DAY_US] if days else []
        left += [float(int(most) - events)] if most else []
        return round(min(left), 1) if left and min(left) > 0 else None


def strong_facts(scene: Scene, row: int, *more: str) -> tuple[str, ...]:
    """What is suspicious about an event whoever the person is; `more` is known already."""
    found, facts = list(more), scene.facts
    kind, country = scene.network_kind(row), scene.page.values[COUNTRY][row]
    if kind == "hosting":
        found.append("hosting")
    if kind in {"relay", "tor"}:
        found.append("anonymiser")
    if country and len(facts.people) >= LEAST_PEOPLE and not facts.crowd(COUNTRY, country):
        found.append("country-of-nobody")
    if scene.page.columns["event.category"][row] == "firewall_reported_success":
        found.append("reported-by-firewall")
    if row in scene.sensitive:
        found.append("sensitive")
    return tuple(found)


def sleeps(strong: tuple[str, ...]) -> bool:
    """Whether learning holds a finding back that has these strong facts."""
    return len(strong) < ENOUGH_STRONG
