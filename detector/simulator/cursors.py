"""The API's cursors: opaque, stateless, and with limit, start and end inside.

Like the real ones (a Go gob of limit, times and a keyset), they cannot change their limit.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from typing import Final

NEVER: Final = 2**62
_LAYOUT: Final = struct.Struct(">BHqqq")
_FEEDS: Final = ("auditevents", "signinattempts", "itemusages")
_CHECK_BYTES: Final = 4


class BadCursor(ValueError):
    """The text is no cursor of this feed."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the arrival order of a feed; times are microseconds of event time."""

    feed: str
    limit: int
    start: int
    end: int
    at: int


def encode(position: Position) -> str:
    """A position as the opaque text that clients send back."""
    body = _LAYOUT.pack(
        _FEEDS.index(position.feed), position.limit, position.start, position.end, position.at
    )
    return base64.urlsafe_b64encode(_check(body) + body).decode("ascii").rstrip("=")


def decode(feed: str, text: str) -> Position:
    """The position that `encode` hid in the text; BadCursor if it never did.

    >>> decode("itemusages", encode(Position("itemusages", 10, 0, NEVER, 5))).at
    5
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadCursor(text) from error
    check, body = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    if len(body) != _LAYOUT.size or check != _check(body):
        raise BadCursor(text)
    index, limit, start, end, at = _LAYOUT.unpack(body)
    if _FEEDS[index] != feed:
        raise BadCursor(text)
    return Position(feed, limit, start, end, at)


def _check(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECK_BYTES).digest()
