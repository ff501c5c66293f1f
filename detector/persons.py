"""What the facts are made of: what one person is known for, and what the open hour adds."""

from __future__ import annotations

import msgspec

from detector.observations import KINDS


class Known(msgspec.Struct, gc=False):
    """A fact: a value that a person has shown since then (microseconds of UTC), on `days` days."""

    since: int
    first_seq: int
    last_day: int
    days: int = 1


class Guard(msgspec.Struct, gc=False):
    """A value that is not learned because it came under an alert."""

    since: int
    last_day: int
    further_days: int = 0


class Person(msgspec.Struct):
    """What is known of one person; `known[kind][value]` with kinds as in `observations.KINDS`."""

    first: int
    last: int
    known: list[dict[str, Known]] = msgspec.field(default_factory=lambda: [{} for _ in KINDS])
    days: int = 0
    events: int = 0
    home: str | None = None
    zone: str | None = None
    """Zone inferred from the place of most days."""
    guards: dict[str, Guard] = {}


class Suspect(msgspec.Struct, gc=False):
    """Somebody about whom nothing new is learned until then."""

    until: int
    high: int = 0
    """Time of the last alert of level high or above, 0 if there was none."""


class OpenHour(msgspec.Struct):
    """What one person has shown since the last settlement.

    `lessons` are the values that settling may learn from, as (kind, value, seq, time): what was
    not known, and what was not yet seen on that day. `slots` are the hours of the local week;
    `seen[kind]` are the other values, noted at the end of a page while the hour goes on.
    """

    first: int
    seen: list[dict[str, None]] = []
    slots: list[str] = []
    lessons: list[tuple[int, str, int, int]] = []
    events: int = 0
    last: int = 0
