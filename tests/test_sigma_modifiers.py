"""What each modifier means: the sentence of the Sigma specification beside its cases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
import yaml

from detector import events
from detector.rulebook.loading import load

AUDIT = "logsource: {product: onepassword, service: auditevents}"
RULE_ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001"


def matching(detection: str, *rows: dict[str, Any]) -> list[int]:
    """The rows that a rule of audit events with this detection matches."""
    text = f"title: t\nid: {RULE_ID}\n{AUDIT}\ndetection: {detection}\n"
    loaded = load({"r.yml": text})
    assert not loaded.mistakes, [str(mistake) for mistake in loaded.mistakes]
    nothing: dict[str, Any] = dict.fromkeys(events.SCHEMA)
    frame = pl.DataFrame(
        [nothing | {"event.feed": events.AUDIT} | row for row in rows], schema=events.SCHEMA
    )
    return [int(row) for row in loaded.rulebook.match(frame)[RULE_ID]]


def holds(item: dict[str, Any], row: dict[str, Any]) -> bool:
    """True if a rule with this one item matches the row."""
    detection = yaml.safe_dump({"s": item, "condition": "s"}, default_flow_style=True, width=9999)
    return matching(detection, row) == [0]


CASES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    # "All values are treated as case-insensitive strings."
    ("case does not matter", {"action": "GRANT"}, {"event.action": "grant"}, True),
    ("nor beyond ASCII", {"aux_info": "ÉCOLE"}, {"aux.info": "école"}, True),
    ("a Turkish capital", {"aux_info": "İ"}, {"aux.info": "i̇"}, True),
    ("a whole value", {"action": "gran"}, {"event.action": "grant"}, False),
    ("spaces count", {"action": "grant "}, {"event.action": "grant"}, False),
    ("an alias is the same field", {"event.action": "grant"}, {"event.action": "grant"}, True),
    # "Lists: any of the values must match."
    ("any of a list", {"action": ["a", "grant"]}, {"event.action": "grant"}, True),
    ("none of a list", {"action": ["a", "b"]}, {"event.action": "grant"}, False),
    # "Wildcard characters: ? and * replace one single and an unbounded number of characters."
    ("star", {"action": "gr*nt"}, {"event.action": "grant"}, True),
    ("star may be empty", {"action": "gra*nt"}, {"event.action": "grant"}, True),
    ("star crosses lines", {"aux_info": "a*b"}, {"aux.info": "a\nb"}, True),
    ("question mark", {"action": "gr?nt"}, {"event.action": "grant"}, True),
    ("question mark is one", {"action": "gra?nt"}, {"event.action": "grant"}, False),
    ("a glob is the whole value", {"action": "g?a"}, {"event.action": "grant"}, False),
    ("glob minds no case", {"action": "G*A?T"}, {"event.action": "grant"}, True),
    ("a star alone wants a value", {"action": "*"}, {"event.action": ""}, True),
    ("a star alone and nothing", {"action": "*"}, {}, False),
    # "If the wildcard is part of the search, it must be escaped with a backslash."
    ("an escaped star is a star", {"aux_info": r"a\*b"}, {"aux.info": "a*b"}, True),
    ("and nothing else", {"aux_info": r"a\*b"}, {"aux.info": "axb"}, False),
    ("an escaped backslash, then star", {"aux_info": r"a\\*"}, {"aux.info": "a\\z"}, True),
    ("a plain backslash", {"aux_info": r"a\b"}, {"aux.info": r"a\b"}, True),
    ("signs of expressions are plain", {"aux_info": "a.c*"}, {"aux.info": "abc"}, False),
    ("percent and underscore are plain", {"aux_info": "a%_"}, {"aux.info": "abc"}, False),
    # "null: the field must not exist or be empty" / "''": an empty string"
    ("null", {"aux_info": None}, {}, True),
    ("null and a value", {"aux_info": None}, {"aux.info": "x"}, False),
    ("null is not empty", {"aux_info": None}, {"aux.info": ""}, False),
    ("empty is not null", {"aux_info": ""}, {}, False),
    ("empty", {"aux_info": ""}, {"aux.info": ""}, True),
    # contains, startswith, endswith: "puts * wildcards around / at the end / before the values"
    ("contains", {"aux_info|contains": "LL"}, {"aux.info": "hello"}, True),
    ("contains, three words", {"aux_info|contains": ["x", "y", "LL"]}, {"aux.info": "hll"}, True),
    ("contains with a wildcard", {"aux_info|contains": "h?l"}, {"aux.info": "xhelx"}, True),
    ("startswith", {"aux_info|startswith": "HE"}, {"aux.info": "hello"}, True),
    ("startswith is at the start", {"aux_info|startswith": "el"}, {"aux.info": "hello"}, False),
    ("endswith", {"aux_info|endswith": "LO"}, {"aux.info": "hello"}, True),
    ("endswith is at the end", {"aux_info|endswith": "l"}, {"aux.info": "hello"}, False),
    # "all: all values must match"
    ("all", {"aux_info|contains|all": ["he", "lo"]}, {"aux.info": "hello"}, True),
    ("all but one", {"aux_info|contains|all": ["he", "x"]}, {"aux.info": "hello"}, False),
    # "cased: values are applied case-sensitively"
    ("cased", {"aux_info|cased": "Ab"}, {"aux.info": "Ab"}, True),
    ("cased minds case", {"aux_info|cased": "Ab"}, {"aux.info": "ab"}, False),
    ("cased contains", {"aux_info|contains|cased": "Bc"}, {"aux.info": "abc"}, False),
    ("cased glob", {"aux_info|cased": "A?c"}, {"aux.info": "Abc"}, True),
    # "neq: the field is different from the values"
    ("neq", {"aux_info|neq": "a"}, {"aux.info": "b"}, True),
    ("neq of the same", {"aux_info|neq": "a"}, {"aux.info": "A"}, False),
    ("neq of nothing", {"aux_info|neq": "a"}, {}, True),
    ("neq of a list is none of it", {"aux_info|neq": ["a", "b"]}, {"aux.info": "b"}, False),
    # "re: the value is a regular expression", "case-sensitive by default"; flags i, m, s
    ("re is not anchored", {"aux_info|re": "b+"}, {"aux.info": "abbc"}, True),
    ("re minds case", {"aux_info|re": "B+"}, {"aux.info": "abbc"}, False),
    ("re with i", {"aux_info|re|i": "B+"}, {"aux.info": "abbc"}, True),
    ("re anchored", {"aux_info|re": "^b"}, {"aux.info": "ab"}, False),
    ("re with m", {"aux_info|re|m": "^b"}, {"aux.info": "a\nb"}, True),
    ("re without s", {"aux_info|re": "a.b"}, {"aux.info": "a\nb"}, False),
    ("re with s", {"aux_info|re|s": "a.b"}, {"aux.info": "a\nb"}, True),
    ("re and a star of its own", {"aux_info|re": r"a\*"}, {"aux.info": "a*"}, True),
    ("re on a name like a column's", {"aux_info|re": "^.*$"}, {"aux.info": "x"}, True),
    # "cidr: the value is an IPv4 or IPv6 network in CIDR notation"
    ("cidr", {"session.ip|cidr": "10.0.0.0/8"}, {"source.ip": "10.2.3.4"}, True),
    ("cidr, odd border", {"session.ip|cidr": "10.0.0.0/9"}, {"source.ip": "10.128.0.1"}, False),
    ("cidr and junk", {"session.ip|cidr": "10.0.0.0/8"}, {"source.ip": "10.x"}, False),
    ("cidr and nothing", {"session.ip|cidr": "10.0.0.0/8"}, {}, False),
    ("cidr v6", {"session.ip|cidr": "2001:db8::/32"}, {"source.ip": "2001:db8::1"}, True),
    (
        "cidr v6, long form",
        {"session.ip|cidr": "2001:db8::/32"},
        {"source.ip": "2001:0DB8:0::9"},
        True,
    ),
    ("cidr, mapped", {"session.ip|cidr": "10.0.0.0/8"}, {"source.ip": "::ffff:10.1.1.1"}, True),
    ("cidr, a list", {"session.ip|cidr": ["10.0.0.0/8", "::/0"]}, {"source.ip": "::1"}, True),
    # "exists: the field must exist (true) or not (false)"
    ("exists", {"aux_info|exists": True}, {"aux.info": ""}, True),
    ("exists not", {"aux_info|exists": True}, {}, False),
    ("exists false", {"aux_info|exists": False}, {}, True),
    # "lt, lte, gt, gte: numeric comparison"
    ("lt", {"aux_id|lt": 5}, {"aux.number": 4}, True),
    ("lt is strict", {"aux_id|lt": 5}, {"aux.number": 5}, False),
    ("lte", {"aux_id|lte": 5}, {"aux.number": 5}, True),
    ("gt", {"aux_id|gt": 5}, {"aux.number": 6}, True),
    ("gt of nothing", {"aux_id|gt": 5}, {}, False),
    ("gte, a fraction", {"aux_id|gte": 4.5}, {"aux.number": 4}, False),
    ("gt of a text number", {"aux_info|gt": 9}, {"aux.info": "10"}, True),
    ("gt of a word", {"aux_info|gt": 9}, {"aux.info": "zebra"}, False),
    ("nan is no number", {"aux_info|gt": 9}, {"aux.info": "nan"}, False),
    ("a number beyond 64 bits", {"aux_id|lt": 10**30}, {"aux.number": 4}, True),
    # "fieldref: compares with the value of another field"
    ("fieldref", {"actor_uuid|fieldref": "aux_uuid"}, {"user.id": "A", "aux.id": "a"}, True),
    (
        "fieldref differs",
        {"actor_uuid|fieldref": "aux_uuid"},
        {"user.id": "A", "aux.id": "B"},
        False,
    ),
    ("fieldref of nothing", {"actor_uuid|fieldref": "aux_uuid"}, {}, False),
    (
        "fieldref startswith",
        {"aux_info|fieldref|startswith": "action"},
        {"aux.info": "Grant x", "event.action": "grant"},
        True,
    ),
    (
        "fieldref startswith, elsewhere",
        {"aux_info|fieldref|startswith": "action"},
        {"aux.info": "x grant", "event.action": "grant"},
        False,
    ),
    (
        "fieldref endswith",
        {"aux_info|fieldref|endswith": "action"},
        {"aux.info": "x GRANT", "event.action": "grant"},
        True,
    ),
    (
        "fieldref endswith, elsewhere",
        {"aux_info|fieldref|endswith": "action"},
        {"aux.info": "grant x", "event.action": "grant"},
        False,
    ),
    (
        "fieldref contains",
        {"aux_info|fieldref|contains": "action"},
        {"aux.info": "xGRANTx", "event.action": "grant"},
        True,
    ),
    (
        "fieldref contains a part only",
        {"aux_info|fieldref|contains": "action"},
        {"aux.info": "xgranx", "event.action": "grant"},
        False,
    ),
    # Numbers and texts: "a number matches the number"; JSON may bring either.
    ("a number", {"aux_id": 5}, {"aux.number": 5}, True),
    ("a number as text", {"aux_id": "5"}, {"aux.number": 5}, True),
    ("a whole float", {"aux_id": 5.0}, {"aux.number": 5}, True),
    ("a number where text stands", {"aux_info": 5}, {"aux.info": "5"}, True),
    ("true where text stands", {"aux_info": True}, {"aux.info": "True"}, True),
    # base64, base64offset, wide: "the value is encoded, and looked for"
    ("base64", {"aux_info|base64": "foo"}, {"aux.info": "Zm9v"}, True),
    ("base64offset", {"aux_info|base64offset|contains": "bar"}, {"aux.info": "Zm9vYmFy"}, True),
    ("offset one", {"aux_info|base64offset|contains": "ooba"}, {"aux.info": "Zm9vYmFy"}, True),
    ("wide", {"aux_info|wide|base64offset|contains": "ab"}, {"aux.info": "YQBiAA=="}, True),
    # "utf16le: transforms value to UTF16-LE encoding", of which "wide" is an alias;
    # "utf16: prepends a byte order mark and encodes UTF16"
    ("utf16le alone", {"aux_info|utf16le": "ab"}, {"aux.info": "a\0b\0"}, True),
    ("wide alone", {"aux_info|wide": "ab"}, {"aux.info": "a\0b\0"}, True),
    ("utf16be alone", {"aux_info|utf16be": "ab"}, {"aux.info": "\0a\0b"}, True),
    ("utf16be is not utf16le", {"aux_info|utf16be": "ab"}, {"aux.info": "a\0b\0"}, False),
    # In a text the byte order mark is its character.
    ("utf16 alone", {"aux_info|utf16": "ab"}, {"aux.info": "\ufeffa\0b\0"}, True),
    ("utf16 is not utf16le", {"aux_info|utf16": "ab"}, {"aux.info": "a\0b\0"}, False),
    ("utf16le, base64", {"aux_info|utf16le|base64": "ab"}, {"aux.info": "YQBiAA=="}, True),
    ("utf16be, base64", {"aux_info|utf16be|base64": "ab"}, {"aux.info": "AGEAYg=="}, True),
    ("utf16, base64", {"aux_info|utf16|base64": "ab"}, {"aux.info": "//5hAGIA"}, True),
    # "windash: - and / are interchangeable"
    ("windash", {"aux_info|windash|contains": " -f"}, {"aux.info": "x /f"}, True),
    ("windash, en dash", {"aux_info|windash": "-f"}, {"aux.info": "\u2013f"}, True),
]


@pytest.mark.parametrize(
    ("item", "row", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_modifier_means_what_the_specification_says(
    item: dict[str, Any], row: dict[str, Any], expected: bool
) -> None:
    assert holds(item, row) is expected


NOON = {"event.time": datetime(2026, 3, 14, 12, 59, 59, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("part", "value", "other"),
    [
        ("minute", 59, 58),
        ("hour", 12, 13),
        ("day", 14, 3),
        ("week", 11, 12),
        ("month", 3, 4),
        ("year", 2026, 2025),
    ],
)
def test_parts_of_a_time_are_those_of_utc(part: str, value: int, other: int) -> None:
    assert holds({f"timestamp|{part}": value}, NOON)
    assert holds({f"timestamp|{part}": [other, value]}, NOON)
    assert not holds({f"timestamp|{part}": other}, NOON)


def test_a_missing_field_does_not_silence_a_negation() -> None:
    detection = "{a: {action: grant}, b: {aux_info: x}, condition: a and not b}"

    assert matching(detection, {"event.action": "grant"}) == [0]


def test_a_missing_field_inside_a_negated_group_does_not_silence_it() -> None:
    detection = "{a: {action: grant}, b: {aux_info: x, object_type: y}, condition: not (a and b)}"

    assert matching(detection, {"event.action": "grant", "object.type": "y"}) == [0]


def test_a_keyword_is_found_in_any_text_that_came_with_the_event() -> None:
    detection = "{k: ['needle', 'hay*stack'], condition: k}"
    rows = [{"aux.info": "a NEEDLE"}, {"user.name": "hay in a stack"}, {"aux.info": "none"}]

    assert matching(detection, *rows, {}) == [0, 1]


def test_all_keywords_may_stand_in_different_fields() -> None:
    detection = "{k: {'|all': ['one', 'two']}, condition: k}"

    assert matching(detection, {"aux.info": "one", "user.name": "two"}, {"aux.info": "one"}) == [0]


def test_a_list_of_mappings_is_any_of_them_and_a_mapping_is_all_of_it() -> None:
    detection = "{s: [{action: a, object_type: x}, {action: b}], condition: s}"
    rows = [{"event.action": "a"}, {"event.action": "a", "object.type": "x"}, {"event.action": "b"}]

    assert matching(detection, *rows) == [1, 2]


def test_selectors_count_selections_by_name() -> None:
    detection = "{s_a: {action: a}, s_b: {object_type: b}, other: {action: z}, condition: %s}"
    rows = [{"event.action": "a"}, {"event.action": "a", "object.type": "b"}]

    assert matching(detection % "1 of s_*", *rows) == [0, 1]
    assert matching(detection % "all of s_*", *rows) == [1]
    assert matching(detection % "not 1 of them", *rows) == []


def test_two_conditions_are_either() -> None:
    detection = "{a: {action: a}, b: {action: b}, condition: [a, b]}"

    assert matching(detection, {"event.action": "a"}, {"event.action": "b"}) == [0, 1]


@pytest.mark.parametrize("tail", ["count() > 5", "count(action) by actor_uuid > 5"])
def test_an_aggregation_behind_a_pipe_is_refused_with_what_took_its_place(tail: str) -> None:
    """ "Aggregations are deprecated": correlations took their place."""
    detection = f"{{s: {{action: grant}}, condition: 's | {tail}'}}"
    text = f"title: t\nid: {RULE_ID}\n{AUDIT}\ndetection: {detection}\n"
    (mistake,) = load({"r.yml": text}).mistakes
    assert (mistake.line, mistake.column) == (4, 44)
    assert "an aggregation behind '|' is old Sigma" in mistake.text
    assert mistake.fix.startswith("write a correlation document")
