"""The label of an attack: what happened, to whom, when, and by which events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

TIERS: Final = ("noisy", "careful", "mimicry")
"""How hard an attacker tries not to be seen, from not at all to very much."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One labelled attack.

    `swapped`: its events also exist in the twin without attacks, as those of somebody else.
    """

    id: str
    kind: str
    tier: str
    people: tuple[str, ...]
    first_time: datetime
    last_time: datetime
    event_uuids: tuple[str, ...]
    summary: str
    swapped: bool = False
