"""The label of an attack: what happened, to whom, when, and by which events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

TIERS: Final = ("noisy", "careful", "mimicry")


@dataclass(frozen=True, slots=True)
class Attack:
    """One labelled attack. `swapped` events exist in the twin without attacks, as somebody else's."""

    id: str
    kind: str
    tier: str
    people: tuple[str, ...]
    first_time: datetime
    last_time: datetime
    event_uuids: tuple[str, ...]
    summary: str
    swapped: bool = False
