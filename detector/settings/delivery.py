"""What can be configured about telling: routes, quiet hours, digests, floods, silences."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Literal

from pydantic import Field

from detector.settings.parts import Clock, Part, Span, Wait, Zone

LevelName = Literal["informational", "low", "medium", "high", "critical"]
DayName = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Match(Part):
    """Which alerts a route takes; an empty list takes all."""

    level: tuple[LevelName, ...] = ()
    account: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()


class Route(Part):
    """Where matching alerts go, and whom to tell when nobody acknowledges a high one."""

    match: Match = Match()
    send: tuple[str, ...] = Field(min_length=1)
    escalate: tuple[str, ...] = ()
    escalate_after: Span = timedelta(minutes=60)
    wait: Wait | None = Field(
        default=None, description="Gather for so long before the first message; never high ones."
    )
    mentions: tuple[str, ...] = Field(
        default=(), description="Whom messages about high alerts mention, as '<!here>'."
    )


class DeliveryConfig(Part):
    """How alerts are gathered, said again, and closed."""

    incident_window: Span = timedelta(hours=2)
    medium_wait: Wait = timedelta(seconds=30)
    remind_after: tuple[Span, ...] = (timedelta(minutes=30), timedelta(hours=4))
    expire_after: Span = timedelta(days=14)


class QuietHours(Part):
    """When low and medium alerts wait; what is high never does."""

    begins: Clock = time(0)
    ends: Clock = time(0)
    days: tuple[DayName, ...] = Field(default=(), description="Days that are quiet as a whole.")
    timezone: Zone | None = None


class Inhibition(Part):
    """While an alert of a rule in `by` is open, those of `hides` about the same are not told."""

    by: tuple[str, ...] = Field(min_length=1)
    hides: tuple[str, ...] = Field(min_length=1)
    within: Span = timedelta(hours=2)


class FloodConfig(Part):
    """How many incidents are told one by one within a time; the rest comes in one message."""

    high: int = Field(default=6, ge=1)
    other: int = Field(default=3, ge=1)
    within: Span = timedelta(minutes=5)


class DigestConfig(Part):
    """When digests come, and where they go; without `send` to every destination."""

    at: Clock = time(8, 30)
    weekly: DayName | Literal["never"] = "monday"
    send: tuple[str, ...] = ()


class SilencesConfig(Part):
    """Limits on silences that people make."""

    longest: Span = timedelta(days=30)
    idle: Span = Field(
        default=timedelta(days=14), description="One that holds nothing back for so long ends."
    )
