"""What a person may ask for: the verbs of the command line and of buttons, and their words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from detector.delivery.journal import How


class Verb(StrEnum):
    """What can be done to an incident or to one alert, and to silences."""

    ACK = "ack"
    SNOOZE = "snooze"
    RESOLVE = "resolve"
    FALSE_POSITIVE = "false-positive"
    BENIGN = "benign"
    SILENCE = "silence"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that a person asks for. `jobs.obey` does it, or raises Refused.

    `target` is the id of an incident or alert, or how it begins; of a silence for EXPIRE; for
    SILENCE it may be an alert whose rule and subject are meant, or empty with `matchers`.
    `until` is needed to snooze and to silence. `who` is a name that the way `how` vouches for.
    """

    verb: Verb
    target: str
    who: str
    how: How
    note: str = ""
    until: datetime | None = None
    matchers: tuple[str, ...] = ()


class Refused(Exception):
    """A command that cannot be done; the text says why and what to do, in one line."""
