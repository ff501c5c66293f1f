"""What a plan remembers between pages changes no answer, and is bounded; its parts by their laws."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.rulebook import bits
from detector.rulebook.conditions import (
    ANY_TEXT,
    And,
    Condition,
    Glob,
    Kind,
    Not,
    Or,
    Test,
    Wildcard,
)
from detector.rulebook.globs import shaped
from detector.rulebook.groups import numbered
from detector.rulebook.matching import SLICE, Plan
from detector.rulebook.memories import MOST, MOST_KINDS, Memory, Verdict
from detector.rulebook.regexes import Unsupported, compiled
from detector.rulebook.schemas import Schema

SCHEMA = Schema(
    "other",
    {name: name for name in ("text", "list", "number", "time")},
    {
        "text": pl.String(),
        "list": pl.List(pl.String()),
        "number": pl.Float64(),
        "time": pl.Datetime("us", "UTC"),
    },
    ("text", "list", "number"),
)
letters = st.text("abAB-é\0", max_size=4)
texts = st.one_of(
    st.builds(
        Test,
        st.just("text"),
        st.sampled_from([Kind.EQUALS, Kind.CONTAINS, Kind.STARTS, Kind.ENDS]),
        st.lists(letters, min_size=1, max_size=2).map(tuple),
        st.booleans(),
        column=st.sampled_from(["text", "list", ANY_TEXT]),
    ),
    st.builds(
        Test,
        st.just("text"),
        st.just(Kind.REGEX),
        st.sampled_from([("a+b",), ("^A",), ("-.*-",), ("(?i)é|b$",)]),
        column=st.sampled_from(["text", "list", ANY_TEXT]),
    ),
    st.builds(
        Test,
        st.just("text"),
        st.sampled_from([Kind.NULL, Kind.EXISTS]),
        column=st.sampled_from(["text", "list", "number", "time"]),
    ),
    st.builds(Test, st.just("n"), st.just(Kind.EQUALS), st.just((2.5,)), column=st.just("number")),
    st.builds(Test, st.just("n"), st.just(Kind.GT), st.just((1,)), column=st.just("number")),
)
conditions = st.recursive(
    texts,
    lambda parts: (
        st.lists(parts, min_size=2, max_size=3).map(lambda each: And(tuple(each)))
        | st.lists(parts, min_size=2, max_size=3).map(lambda each: Or(tuple(each)))
        | parts.map(Not)
    ),
    max_leaves=5,
)
pages = st.lists(
    st.lists(
        st.fixed_dictionaries(
            {
                "text": st.none() | letters,
                "list": st.none() | st.lists(st.none() | letters, max_size=3),
                "number": st.none() | st.sampled_from([0.0, 2.5, 7.0]),
            }
        ),
        max_size=6,
    ),
    max_size=4,
)


def hits(plan: Plan, rows: list[dict[str, Any]]) -> dict[str, list[int]]:
    """The rows that each rule matches."""
    frame = pl.DataFrame(rows, schema=dict(SCHEMA.dtypes))
    return {rule: found.tolist() for rule, found in plan.hits(frame)}


@settings(deadline=None)
@given(st.lists(conditions, min_size=1, max_size=4), pages, st.data())
def test_a_plan_that_saw_other_pages_answers_as_a_new_one(
    asked: list[Condition], found: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    rules = {str(number): condition for number, condition in enumerate(asked)}
    plan = Plan(SCHEMA, rules)

    for rows in found:
        assert hits(plan, rows) == hits(Plan(SCHEMA, rules), rows)
        if data.draw(st.booleans(), label="forget the values"):
            plan.memory.grow(["x" * (MOST + 1)])


def test_values_are_forgotten_when_they_are_too_many_and_known_while_they_are_not() -> None:
    memory = Memory()
    known = memory.values([0])

    memory.grow(["abc"])
    assert memory.values([0]) is known
    memory.grow(["x" * MOST])
    assert memory.values([0]) is not known


def test_a_plan_begins_anew_when_it_knows_too_many_kinds_of_rows() -> None:
    plan = Plan(SCHEMA, {"rule": Test("text", Kind.EQUALS, ("abc",), column="text")})
    before = plan.memory
    for number in range(MOST_KINDS + 1):
        before.decide(str(number).encode(), Verdict())

    assert hits(plan, [{"text": "abc"}]) == {"rule": [0]}
    assert plan.memory is not before


def test_a_test_of_nearly_every_row_is_asked_once_of_each_value_and_wakes_its_rule() -> None:
    expression = Test("text", Kind.REGEX, ("a.c",), column="text")
    behind = And((Test("list", Kind.EQUALS, ("word",), column="list"), expression))

    open_plan, guarded = Plan(SCHEMA, {"rule": expression}), Plan(SCHEMA, {"rule": behind})

    assert open_plan.always == []
    assert open_plan.gates.costs[open_plan.outputs[0]] == 0
    assert guarded.gates.costs[guarded.outputs[0]] == 1
    assert hits(open_plan, [{"text": "abc"}, {"text": "ac"}, {"text": None}]) == {"rule": [0]}


def test_rows_of_later_slices_are_where_they_are() -> None:
    rows = [{"text": "no"}] * (SLICE + 3)
    rows[1] = rows[SLICE + 1] = {"text": "abc"}
    plan = Plan(SCHEMA, {"rule": Test("text", Kind.EQUALS, ("abc",), column="text")})

    assert hits(plan, rows) == {"rule": [1, SLICE + 1]}


@given(st.sets(st.integers(0, 300)))
def test_bits_are_the_rows_that_they_were_made_of(rows: set[int]) -> None:
    number = bits.of(np.array(sorted(rows), dtype=np.int64))

    assert number == sum(1 << row for row in rows)
    assert bits.rows(number).tolist() == sorted(rows)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 70))))
def test_the_places_of_a_key_are_its_bits(pairs: list[tuple[int, int]]) -> None:
    keys, places = (np.array([pair[at] for pair in pairs], dtype=np.int64) for at in (0, 1))

    assert bits.by_key(keys, places) == {
        key: sum(1 << place for place in {place for each, place in pairs if each == key})
        for key, _ in pairs
    }


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 3))))
def test_groups_have_one_number_if_and_only_if_they_are_equal(pairs: set[tuple[int, int]]) -> None:
    order = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    known: dict[tuple[int, ...], int] = {}

    places, numbers = numbered(
        order[:, 0], order[:, 1], lambda group: known.setdefault(tuple(group.tolist()), len(known))
    )

    groups = {place: tuple(sorted(m for p, m in pairs if p == place)) for place, _ in pairs}
    assert dict(zip(places.tolist(), numbers.tolist(), strict=True)) == {
        place: known[group] for place, group in groups.items()
    }


parts = st.lists(
    st.sampled_from([Wildcard.MANY, Wildcard.ONE]) | st.text("ab\n", min_size=1, max_size=2)
)


@given(parts.map(tuple), st.text("ab\n", max_size=8))
def test_a_glob_is_the_regular_expression_that_one_would_write_for_it(
    glob: Glob, text: str
) -> None:
    signs = {Wildcard.MANY: ".*", Wildcard.ONE: "."}
    written = "".join(
        signs[part] if isinstance(part, Wildcard) else re.escape(part) for part in glob
    )

    assert shaped(glob)(text) is bool(re.fullmatch(written, text, re.DOTALL))


EXPRESSIONS = [
    r"\d+\s\w", r"(?i)straße|K", r"^a.b$", r"[[:alpha:]&&[^b]]", r"\bé\b", r"a{2,3}?", r"(?m)^b$",
    r"\p{Greek}", r"a++", r"(?s)a.b", r"[^\S\n]x", r"\x{41}", r"(?x) a b # c", "",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(st.text("abAKk\u017f\u00df\u00e94\u0663 \n\x0b_\u03a9x", max_size=6))
def test_expressions_are_those_that_polars_knows(expression: str, text: str) -> None:
    assert compiled(expression)(text) is bool(pl.Series([text]).str.contains(expression)[0])


@pytest.mark.parametrize("expression", ["a(?=b)", "(", r"(a)\1", "((a{1,100}){1,100}){1,100}"])
def test_what_polars_refuses_is_not_supported(expression: str) -> None:
    with pytest.raises(pl.exceptions.ComputeError):
        pl.Series([""]).str.contains(expression, strict=True)
    with pytest.raises(Unsupported):
        compiled(expression)
