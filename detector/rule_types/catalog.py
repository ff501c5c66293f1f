"""Every behaviour there is: one explicit union, and the way from a mapping to a behaviour."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from detector.rule_types.absence import Absence
from detector.rule_types.base import Document
from detector.rule_types.change_of_value import ChangeOfValue
from detector.rule_types.dormant_return import DormantReturn
from detector.rule_types.entity_risk import EntityRisk
from detector.rule_types.first_seen import FirstSeen
from detector.rule_types.impossible_travel import ImpossibleTravel
from detector.rule_types.off_hours import OffHours
from detector.rule_types.rare_value import RareValue
from detector.rule_types.session_hijack import SessionHijack
from detector.rule_types.volume import Volume

BEHAVIORS: Final[tuple[type[Document], ...]] = (
    Absence,
    ChangeOfValue,
    DormantReturn,
    EntityRisk,
    FirstSeen,
    ImpossibleTravel,
    OffHours,
    RareValue,
    SessionHijack,
    Volume,
)

adapter: TypeAdapter[Document] = TypeAdapter(
    Annotated[
        Absence
        | ChangeOfValue
        | DormantReturn
        | EntityRisk
        | FirstSeen
        | ImpossibleTravel
        | OffHours
        | RareValue
        | SessionHijack
        | Volume,
        Field(discriminator="type"),
    ]
)
"""Validates the mapping under `behavior:`; its errors carry the path of the field."""
