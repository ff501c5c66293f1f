"""Why SQLite may read an item of a detection in another way than we do: the known reasons."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final


class Reason(StrEnum):
    """A difference between the engines that is understood; `MEANING` says what it is."""

    BOOLEANS = "true and false"
    CASE = "case"
    KEYWORDS = "keywords"
    NETWORKS = "networks"
    NUMBERS = "numbers and text"
    PATTERNS = "regular expressions"
    TIES = "equal times"
    TIMES = "times"


MEANING: Final = {
    Reason.BOOLEANS: "SQLite takes the numbers and texts 1 and 0 for true and false as well",
    Reason.CASE: "lower case beyond ASCII: SQLite folds only A to Z",
    Reason.KEYWORDS: "it looks in the joined texts of an event, so one keyword may span two fields",
    Reason.NETWORKS: "it compares the beginnings of texts, so 10.x is in 10.0.0.0/8, and an IPv6 "
    "address in another spelling is in none",
    Reason.NUMBERS: "it puts every text behind every number, an empty one before, and takes the "
    "number 1.0 for the text 1",
    Reason.PATTERNS: "Python's regular expressions in place of Rust's",
    Reason.TIES: "events of one time: which comes first, and whether that is an order",
    Reason.TIMES: "weeks are not those of ISO 8601, and a time of day alone is a time",
}
_BY_MODIFIER: Final = {
    "cidr": Reason.NETWORKS,
    "re": Reason.PATTERNS,
    **dict.fromkeys(("minute", "hour", "day", "week", "month", "year"), Reason.TIMES),
}
_ORDER: Final = frozenset({"lt", "lte", "gt", "gte"})


def reason_of(key: str, part: Any, value: Any) -> str:
    """The reason why an item (`Image|endswith`) is read differently; empty if none is known.

    `part` is the item as a selection of its own, `value` what the event has in its field.
    """
    field, *modifiers = key.split("|")
    asked = list(_flat(part))
    if not field:
        beyond = not all(str(each).isascii() for each in asked)
        return Reason.CASE if beyond else Reason.KEYWORDS
    named = next((_BY_MODIFIER[each] for each in modifiers if each in _BY_MODIFIER), None)
    if named is not None:
        return named
    if _ORDER & set(modifiers):
        return Reason.NUMBERS if isinstance(value, str) else ""
    return _of_values(modifiers, asked, value)


def _of_values(modifiers: list[str], asked: list[Any], value: Any) -> str:
    if not (str(value).isascii() and all(str(each).isascii() for each in asked)):
        return "" if "cased" in modifiers else Reason.CASE
    if any(isinstance(each, bool) for each in asked):
        return Reason.BOOLEANS if str(value) in {"0", "1", "0.0", "1.0"} else ""
    numbers = [_is_number(each) for each in asked]
    if value is not None and (any(numbers) or _is_number(value)):
        return "" if all(numbers) and _is_number(value) else Reason.NUMBERS
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flat(part: Any) -> Iterable[Any]:
    if isinstance(part, dict):
        for value in part.values():
            yield from _flat(value)
    elif isinstance(part, list):
        for each in part:
            yield from _flat(each)
    else:
        yield part
