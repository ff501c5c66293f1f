"""The journal of delivery: who changed what, when and how; appended only, each record sealed.

The seal of a record covers the seal of the one before it, so that a record that was changed,
taken out or put in later shows itself and all that follow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

FIRST: Final = ""
"""What the first record is sealed upon."""


class How(StrEnum):
    """By which way a change came."""

    CLI = "cli"
    SLACK = "slack"
    FILE = "file"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `about` is the id of an alert or a silence, `what` its new state.

    Nothing but text and the time of day, in UTC; `who` and `note` may be anybody's words.
    """

    at: datetime
    about: str
    what: str
    who: str
    how: How
    note: str = ""


def seal(before: str, change: Change) -> str:
    """The seal of a change that follows the one sealed `before`: SHA-256 in hexadecimal."""
    when = change.at.astimezone(UTC).isoformat(timespec="microseconds")
    fields = [before, when, change.about, change.what, change.who, change.how, change.note]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def broken(records: Iterable[tuple[int, Change, str]], head: tuple[int, str]) -> int | None:
    """The number of the first record that is not what was written there; null if all are.

    `records` are numbers from 1, changes and seals, in order; `head` is the number and the seal
    of the last, noted apart from them: without it a journal that lost its end looks whole.
    """
    before, last = FIRST, 0
    for expected, (number, change, sealed) in enumerate(records, 1):
        if number != expected or sealed != seal(before, change):
            return expected
        before, last = sealed, expected
    return None if (last, before) == head else min(last, head[0]) + 1
