"""First seen: a value that this person (or group, or tenant) never showed before."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from detector.rule_types.base import Behavior

_UNTIL = re.compile(r"(?:(?P<days>\d+)d)?(?:\s*or\s*)?(?:(?P<events>\d+) events)?")


class Learn(BaseModel):
    """How long a person is learned before the rule speaks, and how long values are remembered."""

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
    def days(self) -> int | None:
        """Days after which learning ends; null if it never ends by days."""
        return self._part("days")

    @property
    def events(self) -> int | None:
        """Events after which learning ends; null if it never ends by events."""
        return self._part("events")

    def _part(self, name: str) -> int | None:
        match = _UNTIL.fullmatch(self.until)
        value = match[name] if match else None
        return int(value) if value else None


class FirstSeen(Behavior):
    """A value, or a combination of values, that the subject never showed before.

    `device.id` is the device of the session where an audit event tells it, else the client
    fingerprint (application, platform and system families, without versions).
    """

    type: Literal["first_seen"]
    fields: tuple[str, ...] = Field(
        min_length=1, description="Fields whose combination must be new for the subject."
    )
    with_any_new: tuple[str, ...] = Field(
        default=(),
        alias="with-any-new",
        description="Corroboration: the level falls to low unless one of these is new, too.",
    )
    learn: Learn = Field(default=Learn(), description="When learning ends and what is forgotten.")
