"""Impossible travel: two sign-ins of one person too far apart for the time between them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from detector.rule_types.base import Behavior


class ImpossibleTravel(Behavior):
    """Two sign-ins of one person that no aircraft could connect.

    The distance is the great circle between the two places, less the radius of error of each.
    """

    type: Literal["impossible_travel"]
    sensitivity: Literal["low", "medium", "high"] = Field(
        default="medium",
        description="low and medium: 500 km at 1,000 km/h; high: 300 km at 800 km/h. "
        "low also wants the far place to be new for the person and in another country.",
    )
