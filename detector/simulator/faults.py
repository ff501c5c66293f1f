"""Faults that the API can be told to have, written as short words.

`FEED:WHEN:FAULT[=VALUE]`. FEED is a feed, `introspect` or `*`. WHEN is a request of that feed
(`3`), a range (`2-5`, `3+`, `*`), every n-th (`every=4`) or a probability (`p=0.05`).

>>> parse_faults(["signinattempts:3:status=500", "*:p=0.05:reset"]).rules[0].fault
Fault(word='status', value='500')
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from detector.events import FEEDS

INTROSPECT: Final = "introspect"
TRANSPORT: Final = {
    "status": "answer with a status; 429/30 or 429/date add Retry-After",
    "timeout": "say nothing for so many seconds (30), then close",
    "reset": "reset the connection",
    "truncated": "close in the middle of the body",
    "invalid-json": "a body that is not JSON",
    "html": "a page of HTML with status 200",
    "wrong-length": "a Content-Length that is too small",
    "drip": "send the body at so many bytes a second (200)",
    "oversized": "a valid page blown up to so many megabytes (32)",
    "gzip-bomb": "a gzip body that unfolds to so many megabytes (100)",
}
PAGES: Final = {
    "more-empty": "has_more without items, and the cursor stays",
    "same-cursor": "has_more with the cursor that was asked for",
    "empty-cursor": "has_more with an empty cursor",
    "repeat-page": "the page before once more",
    "duplicates": "every item twice in a page",
    "duplicates-across": "the last items of the page before once more, then the page",
    "wrong-types": "numbers, lists and booleans in place of strings and objects",
    "missing-uuid": "items without uuid",
    "huge-strings": "strings of so many characters (100000)",
    "null-objects": "null in place of objects",
    "future": "timestamps so many hours (72) in the future",
    "extra-fields": "fields that nobody has documented",
    "unknown-enums": "actions, categories and types that nobody has documented",
    "shuffled": "the items of a page in random order",
    "keyset": "cursors follow event time: what syncs late is passed over (whenever it is named)",
}
FAULTS: Final = TRANSPORT | PAGES
"""Every fault with its meaning."""

_STATUSES: Final = frozenset({400, 401, 403, 404, 429, 500, 502, 503, 504})


class FaultError(ValueError):
    """A fault that could not be read; the text names the nearest valid word."""


@dataclass(frozen=True, slots=True)
class When:
    """The requests that a fault hits, counted from 1 for each feed."""

    first: int = 1
    last: int | None = None
    every: int = 1
    chance: float = 1.0

    def holds(self, count: int, draw: float) -> bool:
        """Whether request number `count` is hit; `draw` is a random number below one."""
        inside = self.first <= count and (self.last is None or count <= self.last)
        return inside and (count - self.first) % self.every == 0 and draw < self.chance


@dataclass(frozen=True, slots=True)
class Fault:
    """A word and its value, which may be empty."""

    word: str
    value: str = ""

    def number(self, default: float) -> float:
        """The value as a number."""
        return float(self.value) if self.value else default


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A fault, the feed that has it (or `*`), and when."""

    feed: str
    when: When
    fault: Fault


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults of a server; the first that holds is the one that happens.

    `keyset` is no fault of one request but the order of all feeds.
    """

    rules: tuple[FaultRule, ...] = ()
    seed: int = 0
    keyset: bool = False


def parse_faults(texts: Sequence[str], *, seed: int = 0) -> FaultPlan:
    """Read faults from their short form. Raises FaultError."""
    rules = tuple(_rule(text) for text in texts)
    single = tuple(rule for rule in rules if rule.fault.word != "keyset")
    return FaultPlan(single, seed, keyset=len(single) < len(rules))


def _rule(text: str) -> FaultRule:
    parts = text.split(":", 2)
    if len(parts) != 3:
        raise FaultError(f"{text!r}: expected FEED:WHEN:FAULT, as in 'itemusages:3:status=500'")
    feed, when, fault = parts
    _known(text, feed, ("*", INTROSPECT, *FEEDS), "feed")
    return FaultRule(feed, _when(text, when), _fault(text, fault))


def _when(text: str, when: str) -> When:
    try:
        if when == "*":
            return When()
        if when.startswith("p="):
            return When(chance=_between(float(when[2:]), 0.0, 1.0))
        if when.startswith("every="):
            every = int(_between(int(when[6:]), 1))
            return When(first=every, every=every)
        if when.endswith("+"):
            return When(first=int(_between(int(when[:-1]), 1)))
        first, dash, last = when.partition("-")
        begin = int(_between(int(first), 1))
        return When(first=begin, last=int(_between(int(last), begin)) if dash else begin)
    except ValueError as error:
        raise FaultError(
            f"{text!r}: {when!r} is not a request; use 3, 2-5, 3+, *, every=4 or p=0.05"
        ) from error


def _fault(text: str, fault: str) -> Fault:
    word, _, value = fault.partition("=")
    _known(text, word, tuple(FAULTS), "fault")
    if word == "status":
        code, _, after = value.partition("/")
        if not code.isdigit() or int(code) not in _STATUSES:
            raise FaultError(f"{text!r}: {code!r} is not one of {sorted(_STATUSES)}")
        if after and after != "date" and not after.isdigit():
            raise FaultError(f"{text!r}: Retry-After is a number of seconds or 'date'")
    elif value:
        try:
            _between(float(value), 0.0)
        except ValueError as error:
            raise FaultError(f"{text!r}: {value!r} is not a positive number") from error
    return Fault(word, value)


def _between(number: float, low: float, high: float = 1e9) -> float:
    if not low <= number <= high:
        raise ValueError(f"{number} is not between {low} and {high}")
    return number


def _known(text: str, word: str, valid: tuple[str, ...], what: str) -> None:
    if word in valid:
        return
    near = difflib.get_close_matches(word, valid, n=1, cutoff=0.0)
    raise FaultError(f"{text!r}: {word!r} is not a {what}; did you mean {near[0]!r}?")
