"""Hints at what 1Password does not send, and at values that ask something else than they look like.

Its lists are open and Sigma allows all of it, so a hint is no mistake; but a rule that never fires is
worse than one that does not load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, Final

from detector import events, geo
from detector.rulebook import sections
from detector.rulebook.documents import Path
from detector.rulebook.mistakes import quoted
from detector.rulebook.reports import Report
from detector.rulebook.schemas import of_feed
from detector.rulebook.vocabulary import DEEDS, WORDS

Values = Sequence[tuple[Path, Any]]
"""Values of an item and where they stand."""
MOST_TOLD: Final = 10
"""Odd values of one item that are told of one by one."""
_WHOLE: Final = frozenset({"all", "cased", "neq"})
"""Modifiers under which a value is still a whole word."""
_PARTS: Final = ("contains", "startswith", "endswith")
_SLASHES: Final = re.compile(r"/(.+)/([ims]*)")


def hint_at_item(report: Report, path: Path, value: Any, feeds: tuple[str, ...]) -> None:
    """Warn of an item that is sound, and probably not meant."""
    field, *modifiers = str(path[-1]).split("|")
    if len(feeds) == 1 and of_feed(feeds[0]).column(field) is None:
        report.odd(path, f"events of {feeds[0]} carry no {quoted(field)}", about=sections.FIELDS)
    if len(told := [part for part in _PARTS if part in modifiers]) > 1:
        text = f"{' and '.join(told)} together ask for 'contains'"
        report.odd(path, text, f"leave one: {field}|{told[0]}", about=sections.MODIFIERS)
    if value == []:
        text = "an empty list asks for a missing field"
        report.odd(path, text, "write 'null' if that is meant", about=sections.VALUES)
    sound = [(place, each) for place, each in values_of(path, value) if not report.spoilt(place)]
    _hint_at_values(report, sound, (field, modifiers))
    if set(modifiers) <= _WHOLE:
        _hint_at_words(report, sound, (field, feeds))


def hint_at_deed(report: Report, path: Path, selection: Mapping[str, Any]) -> None:
    """Warn of an action that audit events of this kind of object never have."""
    words: dict[str, list[str]] = {}
    for key, value in selection.items():
        field, *modifiers = key.split("|")
        column = of_feed(events.AUDIT).column(field)
        if column and set(modifiers) <= {"cased"}:
            words[column] = [str(each).lower() for _, each in values_of((), value)]
    kinds, actions = words.get("object.type", []), words.get("event.action", [])
    known = frozenset().union(*DEEDS.values())
    if not kinds or not actions or not (set(kinds) <= set(DEEDS) and set(actions) <= known):
        return
    if not any(action in DEEDS[kind] for kind in kinds for action in actions):
        has = "; ".join(f"{kind}: {', '.join(sorted(DEEDS[kind]))}" for kind in kinds)
        text = f"1Password sends no {quoted(actions[0])} of {quoted(kinds[0])}, as far as is known"
        report.odd(path, text, f"it sends {has}" if len(kinds) < 4 else "", about=sections.WORDS)


def hint_at_keyword(report: Report, path: Path, value: Any, feeds: tuple[str, ...]) -> None:
    """Warn of a keyword that was to be a field and its value."""
    field, colon, rest = str(value).partition(":")
    if not colon:
        field, _, rest = str(value).partition(" ")
    known = frozenset().union(*(events.fields(feed) for feed in feeds))
    if rest.strip() and field.split("|")[0] in known:
        text = f"{quoted(value)} is looked for as a keyword in all texts"
        fix = f"for the field write '{field}: {rest.strip()}'"
        report.odd(path, text, fix, about=sections.SELECTIONS)


def values_of(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """Each value of an item and where it stands."""
    if isinstance(value, list):
        yield from (((*path, index), each) for index, each in enumerate(value))
    else:
        yield path, value


def _hint_at_values(report: Report, values: Values, item: tuple[str, list[str]]) -> None:
    """Warn of values that ask something else than they look like."""
    field, modifiers = item
    hint = None
    if "re" in modifiers:
        hint = _of_slashes
    elif not modifiers:
        hint = _of_country if events.fields().get(field) == "source.country" else _of_network
    literals = report.document.literals
    odd: list[tuple[Path, tuple[str, str, str]]] = []
    for place, value in values:
        if value is None and literals.get(place) == "":
            text = "nothing is written here, which asks for a missing field"
            odd.append((place, (text, "write 'null' if that is meant", sections.VALUES)))
        elif hint is not None and isinstance(value, str) and (told := hint(field, value)):
            odd.append((place, told))
    _tell(report, odd)


def _of_slashes(field: str, value: str) -> tuple[str, str, str] | None:
    slashes = _SLASHES.fullmatch(value)
    if not slashes:
        return None
    flags = "".join(f"|{flag}" for flag in slashes[2])
    fix = f"write '{field}|re{flags}: {slashes[1]}'"
    return "the slashes are looked for, too", fix, sections.MODIFIERS


def _of_network(field: str, value: str) -> tuple[str, str, str] | None:
    if "/" not in value or not _is_network(value):
        return None
    return f"{quoted(value)} is compared as a text", f"write '{field}|cidr'", sections.MODIFIERS


def _of_country(field: str, value: str) -> tuple[str, str, str] | None:
    if network := _of_network(field, value):
        return network
    code = geo.country_code(value)
    if "*" in value or code == value.upper():
        return None
    fix = f"write {code}" if code else "write it like FR"
    return f"{quoted(value)} is no ISO 3166 code of a country", fix, sections.FIELDS


def _hint_at_words(report: Report, values: Values, where: tuple[str, tuple[str, ...]]) -> None:
    """Warn of words that the feeds are not known to send in this field."""
    field, feeds = where
    words = _words(field, feeds)
    if not words:
        return
    unknown: dict[str, Path] = {}
    for place, value in values:
        if isinstance(value, str) and value.lower() not in words and not set("*?") & set(value):
            unknown.setdefault(value, place)
    found = list(unknown.items())
    told = [(place, _of_word(report, word, where)) for word, place in found[:MOST_TOLD]]
    _tell(report, told, [place for _, place in found[MOST_TOLD:]])


def _of_word(report: Report, word: str, where: tuple[str, tuple[str, ...]]) -> tuple[str, str, str]:
    field, feeds = where
    others = [feed for feed in events.FEEDS if word.lower() in _words(field, (feed,))]
    fix = f"{others[0]} has it" if others else report.guess(word, _words(field, feeds))
    action, dot, kind = word.partition(".")
    if dot and action in DEEDS.get(kind, ()):
        # So Datadog's `evt.name` joins the two.
        fix = f"write 'action: {action}' and 'object_type: {kind}'"
    if word.startswith("-"):
        fix = "write '- value' on a line of its own, with a space behind the dash"
    return f"1Password sends no {quoted(word)} here, as far as is known", fix, sections.WORDS


def _tell(
    report: Report, odd: Sequence[tuple[Path, tuple[str, str, str]]], more: Sequence[Path] = ()
) -> None:
    """Warn of the first of an item's odd values, each with text, fix and section, and of how many more."""
    for place, (text, fix, about) in odd[:MOST_TOLD]:
        report.odd(place, text, fix, about=about)
    rest = [*(place for place, _ in odd[MOST_TOLD:]), *more]
    if rest:
        report.odd(rest[0], f"and {len(rest):,} more such values", about=odd[0][1][2])


@lru_cache(maxsize=1_024)
def _words(field: str, feeds: tuple[str, ...]) -> frozenset[str]:
    """All that is known to stand in `field`; nothing if any feed has no list for it."""
    lists = [
        WORDS.get((feed, column), frozenset())
        for feed in feeds
        if (column := of_feed(feed).column(field))
    ]
    return frozenset().union(*lists) if all(lists) else frozenset()


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
