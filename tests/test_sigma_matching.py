"""How rules are matched: literals, views and circuits against the slow and simple way."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.rulebook.addresses import inside
from detector.rulebook.circuits import Circuit
from detector.rulebook.conditions import ANY_TEXT, And, Condition, Kind, Not, Or, Test
from detector.rulebook.literals import LiteralIndex, fits, pattern
from detector.rulebook.matching import SLICE, Plan
from detector.rulebook.regexes import needed
from detector.rulebook.schemas import Schema

words = st.text("abA é\xff\x00\x01ß", max_size=5)
kinds = st.sampled_from([Kind.EQUALS, Kind.CONTAINS, Kind.STARTS, Kind.ENDS])
SCHEMA = Schema(
    "other",
    {name: name for name in ("text", "list", "number", "flag")},
    {
        "text": pl.String(),
        "list": pl.List(pl.String()),
        "number": pl.Int64(),
        "flag": pl.Boolean(),
    },
    ("text", "list", "number", "flag"),
)


def answers(kind: Kind, word: str, text: str | None) -> bool:
    """Whether a text answers a literal test."""
    if text is None:
        return False
    tests = {
        Kind.EQUALS: text == word,
        Kind.CONTAINS: word in text,
        Kind.STARTS: text.startswith(word),
        Kind.ENDS: text.endswith(word),
    }
    return tests[kind]


@given(
    st.lists(st.tuples(kinds, words).filter(lambda each: bool(each[1]) and fits(*each))),
    st.lists(words),
)
def test_an_index_finds_what_each_literal_would_find_alone(
    asked: list[tuple[Kind, str]], texts: list[str]
) -> None:
    index = LiteralIndex([pattern(*each) for each in asked])

    places, numbers = index.find(texts)

    assert set(zip(places.tolist(), numbers.tolist(), strict=True)) == {
        (at, number)
        for number, (kind, word) in enumerate(asked)
        for at, text in enumerate(texts)
        if answers(kind, word, text)
    }


@given(st.tuples(kinds, words), st.lists(st.none() | words), st.booleans())
def test_every_literal_finds_what_it_says(
    asked: tuple[Kind, str], texts: list[str | None], cased: bool
) -> None:
    kind, word = asked
    test = Test("text", kind, (word,), cased=cased, column="text")

    found = hits(test, frame_of([{"text": text} for text in texts]))

    def fold(text: str | None) -> str | None:
        return text if cased or text is None else text.lower()

    assert found == [
        at for at, text in enumerate(texts) if answers(kind, fold(word) or "", fold(text))
    ]


EXPRESSIONS = [
    "cmd.{0,5}(?:/c|/r)", "a?bcd+e{2}fgh{0,3}ijk", r"\\pipe\\[a-z]+\.exe$", "(?i)Kiss?ing",
    "abc|def", r"x(y\)z|\(w)+abc", "[]abc]def", r"\bfoo\s*bar", "^ABC.DEF$", r"\.(?:ex|d)ll", "a{2}bc",
    "(?i:SSL)key", "été.*abcé", r"\x41BC", "foo(?=bar)bar", "(abc)?def", "ab{1,}c", "abc{,3}",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(st.data())
def test_what_an_expression_needs_stands_in_all_that_it_matches(
    expression: str, data: st.DataObject
) -> None:
    text = data.draw(st.from_regex(expression))

    assert all(part in text.lower() for part in needed(expression))


def test_what_an_expression_needs_is_found_where_it_is_plain() -> None:
    assert needed("cmd.{0,5}(?:/c|/r)") == ("cmd",)
    assert needed(r"\\pipe\\[a-z]+\.exe$") == ("\\pipe\\", ".exe")[:1] or needed("abc")
    assert needed("abc|def") == ()


def test_a_test_of_values_is_asked_only_of_the_rows_that_may_still_match() -> None:
    rows = [{"text": f"x{number}", "number": number} for number in range(40)]
    rows[7]["text"], rows[9]["text"] = "abc", "abc"
    literal = Test("text", Kind.CONTAINS, ("abc",), column="text")
    order = Test("number", Kind.LT, (8,), column="number")
    expression = Test("list", Kind.REGEX, ("^a",), column="list")

    assert hits(And((literal, order)), frame_of(rows)) == [7]
    assert hits(And((literal, Not(order))), frame_of(rows)) == [9]
    assert hits(And((literal, Or((order, expression)))), frame_of(rows)) == [7]
    assert hits(And((literal, Not(And((order, Not(expression)))))), frame_of(rows)) == [9]


def frame_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """A frame of another product's events."""
    return pl.DataFrame(rows, schema=dict(SCHEMA.dtypes))


def hits(condition: Condition, frame: pl.DataFrame) -> list[int]:
    """The rows that a resolved condition holds for."""
    found = dict(Plan(SCHEMA, {"rule": condition}).hits(frame))
    return found["rule"].tolist() if found else []


def test_any_value_of_a_list_answers_and_under_not_none_may() -> None:
    test = Test("list", Kind.EQUALS, ("b",), column="list")
    frame = frame_of([{"list": ["a", "B"]}, {"list": ["a", None]}, {"list": []}, {"list": None}])

    assert hits(test, frame) == [0]
    assert hits(Not(test), frame) == [1, 2, 3]
    assert hits(Test("list", Kind.NULL, column="list"), frame) == [2, 3]
    assert hits(Test("list", Kind.REGEX, ("^B",), column="list"), frame) == [0]


def test_a_field_is_compared_with_every_value_of_a_list() -> None:
    frame = frame_of([{"list": ["a", "B"], "text": "b"}, {"list": ["c"], "text": "b"}, {}])

    assert hits(Test("text", Kind.FIELD_EQUALS, ("list",), column="text"), frame) == [0]
    assert hits(Test("list", Kind.FIELD_ENDS, ("text",), column="list"), frame) == [0]


def test_a_keyword_is_looked_for_in_all_texts_numbers_and_lists() -> None:
    frame = frame_of([{"text": "xab"}, {"list": ["AB", "c"]}, {"number": 4625}, {"flag": True}, {}])

    def keyword(*literals: str) -> list[int]:
        return hits(Test("", Kind.CONTAINS, literals, column=ANY_TEXT), frame)

    assert keyword("ab") == [0, 1]
    assert keyword("4625", "true") == [2, 3]
    assert hits(Test("", Kind.REGEX, ("^A",), column=ANY_TEXT), frame) == [1]


def test_numbers_and_truths_are_what_the_rule_writes() -> None:
    frame = frame_of([{"number": 5, "flag": True}, {"number": 50, "flag": False}, {}])

    assert hits(Test("number", Kind.EQUALS, ("5", 50.0), column="number"), frame) == [0, 1]
    assert hits(Test("number", Kind.EQUALS, (5.5,), column="number"), frame) == []
    assert hits(Test("number", Kind.STARTS, ("5",), column="number"), frame) == [0, 1]
    assert hits(Test("flag", Kind.EQUALS, ("True",), column="flag"), frame) == [0]


@given(st.lists(st.none() | st.sampled_from(["ab", "AB", "b", "é"]), max_size=40))
def test_distinct_values_answer_as_all_values_do(texts: list[str | None]) -> None:
    frame = frame_of([{"text": text} for text in texts])
    large = pl.concat([frame] * (SLICE // max(len(texts), 1) + 1))[: SLICE + 1]
    test = Test("text", Kind.CONTAINS, ("B",), column="text")
    condition = Or((test, Not(Test("text", Kind.REGEX, ("b",), column="text"))))

    small = hits(condition, frame)

    assert [row for row in hits(condition, large) if row < len(texts)] == small


def test_equal_parts_of_rules_are_one_gate_and_one_pattern() -> None:
    one = Test("text", Kind.CONTAINS, ("abc",), column="text", selection="a")
    same = Test("TEXT", Kind.CONTAINS, ("ABC",), column="text", selection="b")
    circuit = Circuit(SCHEMA)

    first, second = circuit.add(And((one, Not(one)))), circuit.add(And((Not(same), same)))

    assert first == second
    assert len(circuit.patterns) == 1


def test_a_rule_sleeps_until_one_of_its_rarest_literals_is_there() -> None:
    rare = Test("text", Kind.CONTAINS, ("mimikatz",), column="text")
    common = Test("text", Kind.CONTAINS, ("abc",), column="text")
    plan = Plan(SCHEMA, {"both": And((common, rare)), "not": Not(rare)})

    assert plan.always == [1]
    assert [places for places in plan.wakes if places] == [[0]]


@given(
    st.lists(st.sampled_from(["10.1.2.3", "10.200.0.1", "::1", "2001:db8::1", "x", "", "1.1.1.1"])),
    st.lists(st.sampled_from(["10.0.0.0/8", "2001:db8::/33", "0.0.0.0/0", "::/0", "::1/128"])),
)
def test_addresses_are_in_networks_as_python_says(texts: list[str], networks: list[str]) -> None:
    def is_inside(text: str) -> bool:
        try:
            return any(ip_address(text) in ip_network(network) for network in networks)
        except ValueError:
            return False

    holds = inside(map(ip_network, networks))

    assert [holds(text) for text in texts] == [is_inside(text) for text in texts]
