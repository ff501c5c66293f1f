"""Every behaviour there is: one explicit union, and the way from a mapping to a behaviour."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from detector.rule_types.first_seen import FirstSeen
from detector.rule_types.impossible_travel import ImpossibleTravel
from detector.rule_types.off_hours import OffHours

AnyBehavior = Annotated[
    FirstSeen | ImpossibleTravel | OffHours,
    Field(discriminator="type"),
]
BEHAVIORS: tuple[type[FirstSeen] | type[ImpossibleTravel] | type[OffHours], ...] = (
    FirstSeen,
    ImpossibleTravel,
    OffHours,
)

adapter: TypeAdapter[FirstSeen | ImpossibleTravel | OffHours] = TypeAdapter(AnyBehavior)
"""Validates the mapping under `behavior:`; its errors carry the path of the field."""
