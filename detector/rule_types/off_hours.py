"""Off hours: something done outside the person's usual hours, in the person's own zone."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from detector.rule_types.base import Behavior

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SCHEDULE = re.compile(
    r"(?P<first>[A-Z][a-z]{2})(?:-(?P<last>[A-Z][a-z]{2}))?\s+"
    r"(?P<from>[01]\d|2[0-3]):(?P<from_minute>[0-5]\d)-(?P<to>[01]\d|2[0-4]):(?P<to_minute>[0-5]\d)"
)


class OffHours(Behavior):
    """Something done outside the working hours of the person who did it.

    Until the person's own hours are known (20 events on 10 days), `schedule` decides.
    """

    type: Literal["off_hours"]
    schedule: str = Field(
        default="Mon-Fri 07:00-20:00",
        description="Working hours until the person's own are learned, like 'Mon-Fri 07:00-20:00'.",
    )
    timezone: str = Field(
        default="user, UTC",
        description="'user, ZONE': the person's own zone if known, else ZONE; or just ZONE.",
    )
    learned: bool = Field(default=True, description="Use the person's own hours once known.")

    @field_validator("schedule")
    @classmethod
    def _readable(cls, text: str) -> str:
        match = _SCHEDULE.fullmatch(text)
        if not match or match["first"] not in DAYS or (match["last"] or "Mon") not in DAYS:
            msg = "write it like 'Mon-Fri 07:00-20:00'"
            raise ValueError(msg)
        return text
