"""Generated rules on generated rows: polars says what a tiny interpreter in plain Python says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

import polars as pl
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector import events
from detector.rulebook.conditions import (
    And,
    Condition,
    Constant,
    Glob,
    Kind,
    Literal,
    Not,
    Or,
    Test,
    Wildcard,
)
from detector.rulebook.explaining import explain
from detector.rulebook.loading import load
from detector.rulebook.resolving import resolved
from detector.rulebook.schemas import of_feed

RULE_ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001"
TEXTS = {"action": "event.action", "object_type": "object.type", "aux_info": "aux.info"}
LETTERS = "aAbB*?\\.^$[(|- 1éÉßİΣ\n"


def holds(condition: Condition, row: Mapping[str, Any]) -> bool:
    """Whether a resolved condition holds for a row, the slow and simple way."""
    match condition:
        case Constant(answer):
            return answer
        case Not(part):
            return not holds(part, row)
        case And(parts):
            return all(holds(part, row) for part in parts)
        case Or(parts):
            return any(holds(part, row) for part in parts)
        case Test(kind=kind, column=column):
            value = row[column]
            if value is None:
                return kind is Kind.NULL
            if kind in {Kind.NULL, Kind.EXISTS}:
                return kind is Kind.EXISTS
            return any(_answers(condition, value, literal, row) for literal in condition.literals)


def _answers(test: Test, value: Any, literal: Literal, row: Mapping[str, Any]) -> bool:
    if test.kind in {Kind.LT, Kind.LTE, Kind.GT, Kind.GTE}:
        return _compares(test.kind, value, literal)
    if test.kind is Kind.CIDR:
        return _inside(str(value), str(literal))
    if test.kind is Kind.REGEX:
        return re.search(str(literal), value) is not None
    if test.kind is Kind.FIELD_EQUALS:
        other = row[str(literal)]
        return other is not None and str(value).lower() == str(other).lower()
    if isinstance(value, int) and isinstance(literal, int | float):
        return value == literal
    text = str(value) if test.cased else str(value).lower()
    return _like(test, text, literal)


def _like(test: Test, text: str, literal: Literal) -> bool:
    if isinstance(literal, tuple):
        return _globs(literal, text, cased=test.cased)
    word = str(literal) if test.cased else str(literal).lower()
    match test.kind:
        case Kind.CONTAINS:
            return word in text
        case Kind.STARTS:
            return text.startswith(word)
        case Kind.ENDS:
            return text.endswith(word)
    return text == word


def _globs(glob: Glob, text: str, *, cased: bool) -> bool:
    """A glob by trying every cut; no regular expressions here."""
    if not glob:
        return not text
    first, rest = glob[0], glob[1:]
    if first is Wildcard.MANY:
        return any(_globs(rest, text[cut:], cased=cased) for cut in range(len(text) + 1))
    if first is Wildcard.ONE:
        return bool(text) and _globs(rest, text[1:], cased=cased)
    word = str(first) if cased else str(first).lower()
    return text.startswith(word) and _globs(rest, text[len(word) :], cased=cased)


def _compares(kind: Kind, value: Any, literal: Literal) -> bool:
    assert isinstance(literal, int | float)
    try:
        number = float(value)
    except ValueError:
        return False
    orders = {
        Kind.LT: number < literal,
        Kind.LTE: number <= literal,
        Kind.GT: number > literal,
        Kind.GTE: number >= literal,
    }
    return orders[kind]


def _inside(text: str, network: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address in ip_network(network)


words = st.text(LETTERS, max_size=6)
addresses = st.sampled_from(
    ["10.1.2.3", "10.200.0.1", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.1", "10.x", ""]
)
rows = st.fixed_dictionaries(
    {column: st.none() | words for column in TEXTS.values()}
    | {
        "source.ip": st.none() | addresses,
        "aux.number": st.none() | st.integers(-3, 12),
        "user.id": st.none() | st.sampled_from(["A", "a", "b"]),
        "aux.id": st.none() | st.sampled_from(["A", "a", "b"]),
    }
)
shapes = st.sampled_from(["", "|contains", "|startswith", "|endswith", "|contains|all", "|cased"])
text_items = st.tuples(
    st.builds(
        "{}{}{}".format, st.sampled_from(sorted(TEXTS)), shapes, st.sampled_from(["", "|neq"])
    ),
    words | st.lists(words, min_size=1, max_size=4),
)
other_items = st.one_of(
    st.tuples(st.sampled_from(["aux_info|exists", "aux_id|exists"]), st.booleans()),
    st.tuples(st.sampled_from(["aux_info", "aux_id"]), st.none()),
    st.tuples(st.just("aux_info"), st.lists(words | st.integers(0, 12), min_size=1, max_size=3)),
    st.tuples(st.just("aux_info|re"), st.sampled_from(["a+b", "^A", "[aB]$", "a.b", "1|é"])),
    st.tuples(st.just("aux_info|re|i"), st.sampled_from(["a+b", "^a", "[ab]?é"])),
    st.tuples(
        st.builds("aux_id|{}".format, st.sampled_from(["lt", "lte", "gt", "gte"])),
        st.integers(-3, 12) | st.sampled_from([0.5, 7.25]),
    ),
    st.tuples(st.just("aux_id"), st.integers(-3, 12) | st.sampled_from(["1", "x"])),
    st.tuples(
        st.just("session.ip|cidr"),
        st.lists(
            st.sampled_from(["10.0.0.0/8", "10.128.0.0/9", "2001:db8::/32", "0.0.0.0/0"]),
            min_size=1,
        ),
    ),
    st.just(("actor_uuid|fieldref", "aux_uuid")),
)
selections = st.lists(text_items | other_items, min_size=1, max_size=3).map(dict)
conditions = st.sampled_from(
    ["a and b", "a or b", "not a", "not (a and b)", "a and not b", "1 of them", "not (not a or b)"]
)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """The text of a rule of audit events."""
    detection: dict[str, Any] = {"a": draw(selections), "b": draw(selections)}
    detection["condition"] = draw(conditions)
    return yaml.safe_dump(
        {
            "title": "generated",
            "id": RULE_ID,
            "logsource": {"product": "onepassword", "service": events.AUDIT},
            "detection": detection,
        },
        allow_unicode=False,
    )


def frame_of(found: list[dict[str, Any]]) -> pl.DataFrame:
    """A frame of audit events with these values."""
    nothing: dict[str, Any] = dict.fromkeys(events.SCHEMA)
    filled = [nothing | {"event.feed": events.AUDIT} | row for row in found]
    return pl.DataFrame(filled, schema=events.SCHEMA)


steady = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@steady
@given(rules(), st.lists(rows, min_size=1, max_size=12))
def test_polars_says_what_plain_python_says(text: str, found: list[dict[str, Any]]) -> None:
    loaded = load({"r.yml": text})
    assert not loaded.mistakes, (text, [str(mistake) for mistake in loaded.mistakes])
    (match,) = loaded.rulebook.matches
    condition = resolved(match.condition, of_feed(events.AUDIT))

    hits = loaded.rulebook.match(frame_of(found))[RULE_ID].tolist()

    assert hits == [index for index, row in enumerate(found) if holds(condition, row)], text


@steady
@given(rules(), st.lists(rows, min_size=1, max_size=6))
def test_a_frame_matches_as_its_rows_do_one_by_one(text: str, found: list[dict[str, Any]]) -> None:
    book = load({"r.yml": text}).rulebook
    frame = frame_of(found)

    one_by_one = [index for index in range(frame.height) if len(book.match(frame[index])[RULE_ID])]

    assert book.match(frame)[RULE_ID].tolist() == one_by_one


@settings(steady, max_examples=40)
@given(rules(), rows)
def test_an_explanation_begins_with_the_verdict(text: str, row: dict[str, Any]) -> None:
    book = load({"r.yml": text}).rulebook
    hits = book.match(frame_of([row]))[RULE_ID]

    first = explain(book.matches[0], row | {"event.feed": events.AUDIT})[0]

    assert first.startswith("yes") is (len(hits) == 1)
