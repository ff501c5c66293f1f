"""What a correlation is: which rules it looks at, by what it groups, what it asks of a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, reduce
from math import ceil
from operator import and_
from typing import Any, Final

from detector.correlations.bounds import Bounds, Masks
from detector.correlations.walks import (
    AnyWalk,
    Average,
    Count,
    Distinct,
    Ordered,
    Percentile,
    Sum,
    Together,
    number_of,
)
from detector.observations import CLIENT, NETWORK, PROMPT_US
from detector.rule_types import subjects

WALKS: Final[dict[str, type[AnyWalk]]] = {
    "event_count": Count,
    "value_count": Distinct,
    "temporal": Together,
    "temporal_ordered": Ordered,
    "value_sum": Sum,
    "value_avg": Average,
    "value_percentile": Percentile,
    "value_median": Percentile,
}
"""The types of correlations, and how each counts."""
MADE: Final = {"client.fingerprint": CLIENT, "source.network": NETWORK}
"""Fields that the engine makes, and where the observations have them."""
PERSON: Final = "person"
VALUES: Final = ", "
"""Between the parts of a value that several fields make together."""
ALLOWANCE_US: Final = PROMPT_US
"""How long conditions that more events can undo wait for late events after their window."""
_WHOLE: Final = frozenset({"event_count", "value_count", "temporal", "temporal_ordered"})
_FROM_NOTHING: Final = frozenset({"event_count", "value_count", "value_sum"})


@dataclass(frozen=True, slots=True)
class Base:
    """One rule that a correlation looks at: where its events have the group and the values.

    `grouped`: it is a correlation, so that its findings have no fields but those of its group.
    `phrase` is what its events are called in a sentence.
    """

    rule_id: str
    keys: tuple[str, ...]
    values: tuple[str, ...] = ()
    grouped: bool = False
    phrase: str = field(default="", compare=False)


@dataclass(frozen=True)
class Definition:
    """What is counted over which span (microseconds), by what, and when it holds."""

    kind: str
    bases: tuple[Base, ...]
    span: int
    asked: Bounds | Masks
    keys: tuple[str, ...] = ()
    """What the group's fields are called in the rule."""
    counted: str | None = None
    """What the field that is counted or summed is called in the rule."""
    percent: float = 50

    @property
    def reads(self) -> frozenset[str]:
        """Event columns that it reads."""
        plain = [base for base in self.bases if not base.grouped]
        named = {name for base in plain for name in (*base.keys, *base.values)}
        return frozenset(named - MADE.keys() - {PERSON}) | subjects.COLUMNS

    @cached_property
    def waits(self) -> bool:
        """Whether more events can undo what holds, so that a window must be closed first."""
        return WALKS[self.kind] in {Average, Percentile} or not self.asked.rising

    @cached_property
    def only_grows(self) -> bool:
        """Whether a window that holds can never be undone; a sum can, by a negative value."""
        return self.asked.rising and self.kind in _WHOLE

    @cached_property
    def hears_silence(self) -> bool:
        """Whether it holds as well where nothing happens for a whole span."""
        return self.kind in _FROM_NOTHING and self.asked.hold(0)

    @cached_property
    def fewest(self) -> int:
        """A window of fewer entries cannot hold."""
        counts = self.kind in {"event_count", "value_count"} and not self.waits
        return max(1, ceil(self.asked.least or 0)) if counts else 1

    @cached_property
    def needs(self) -> int:
        """Mask of the rules without which no window can hold."""
        whole = (1 << len(self.bases)) - 1
        if isinstance(self.asked, Masks) and not self.waits:
            return reduce(and_, self.asked.accepted, whole)
        every = self.kind == "temporal_ordered" and (self.asked.least or 0) >= len(self.bases)
        return whole if every and not self.waits else 0

    @property
    def patience(self) -> timedelta:
        """How long after its last event the last window is judged at the latest."""
        return timedelta(microseconds=self.span + ALLOWANCE_US) + timedelta(hours=1)

    def value_of(self, values: Sequence[Any]) -> str | float | None:
        """What an event adds whose fields have these values; null if one of them is missing."""
        if not values or None in values:
            return None
        return VALUES.join(map(str, values)) if self.kind == "value_count" else number_of(values[0])

    def walk(self, left: int = 0) -> AnyWalk:
        """A walk whose first step is at that place."""
        kind = WALKS[self.kind]
        return Percentile(left, self.percent) if kind is Percentile else kind(left)
