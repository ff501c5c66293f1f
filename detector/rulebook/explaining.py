"""Why a rule matched an event, or why not: its condition, line by line, with the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from detector import events
from detector.rulebook.book import Match
from detector.rulebook.conditions import (
    FIELD_KINDS,
    And,
    Condition,
    Constant,
    Kind,
    Literal,
    Not,
    Or,
    Test,
    Wildcard,
)
from detector.rulebook.matching import plan
from detector.rulebook.schemas import of_feed

MOST_WORDS: Final = 5
"""Literals of one test that a line shows."""
_INDENT: Final = "    "


@dataclass(frozen=True, slots=True)
class Answer:
    """One part of a condition: whether it holds for an event, what it asks, what the event has."""

    holds: bool
    depth: int
    asked: str
    has: str


def explain(match: Match, row: Mapping[str, Any]) -> list[str]:
    """One line for each part of the condition: `yes` or `no`, what was asked, what the event has.

    `row` has the columns of `events.SCHEMA` as keys; those left out are missing values.
    """
    feed = str(row.get("event.feed") or match.feeds[0])
    lines = [] if feed in match.feeds else [f"no   the rule does not look at {feed}"]
    for each in answers(match.condition, row, feed):
        answer = "yes" if each.holds else "no "
        has = f" (here {each.has})" if each.has else ""
        lines.append(f"{answer}  {_INDENT * each.depth}{each.asked}{has}")
    return lines


def answers(condition: Condition, row: Mapping[str, Any], feed: str) -> list[Answer]:
    """The answer to each part of a condition about one event, from the outermost inwards."""
    nodes = list(_nodes(condition, 0))
    known = {name: row.get(name) for name in events.SCHEMA} | {"event.feed": feed}
    frame = pl.DataFrame([known], schema=events.SCHEMA)
    step = plan(of_feed(feed), {str(index): node for index, (_, node) in enumerate(nodes)})
    held = {name for name, _ in step.hits(frame)} if step else set()
    return [
        Answer(str(index) in held, depth, _asked(node), _has(node, feed, known))
        for index, (depth, node) in enumerate(nodes)
    ]


def _nodes(condition: Condition, depth: int) -> Iterator[tuple[int, Condition]]:
    yield depth, condition
    match condition:
        case Not(part):
            yield from _nodes(part, depth + 1)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _nodes(part, depth + 1)


def _asked(node: Condition) -> str:
    match node:
        case Test():
            where = f"{node.selection}: " if node.selection else ""
            return where + question(node)
        case Constant(holds):
            return "always" if holds else "never"
        case Not():
            return "not:"
        case And():
            return "all of:"
        case Or():
            return "any of:"


def question(test: Test) -> str:
    """What a test asks, in words."""
    return f"{test.field or 'any text'} {test.kind}{_words(test)}"


def sentence(condition: Condition) -> str:
    """A whole condition in words, on one line."""
    match condition:
        case Test():
            return question(condition)
        case Constant(holds):
            return "always" if holds else "never"
        case Not(part):
            return f"not {_part(part)}"
        case And(parts):
            return " and ".join(map(_part, parts))
        case Or(parts):
            return " or ".join(map(_part, parts))


def _part(condition: Condition) -> str:
    text = sentence(condition)
    many = isinstance(condition, And | Or) or " or " in text
    return f"({text})" if many else text


def _words(test: Test) -> str:
    if not test.literals:
        return ""
    shown = [_word(literal, test) for literal in test.literals[:MOST_WORDS]]
    more = len(test.literals) - len(shown)
    return " " + " or ".join(shown) + (f" or one of {more} more" if more else "")


def _word(literal: Literal, test: Test) -> str:
    if test.kind in FIELD_KINDS:
        return str(literal)
    if isinstance(literal, tuple):
        signs = {Wildcard.MANY: "*", Wildcard.ONE: "?"}
        parts = (signs[part] if isinstance(part, Wildcard) else part for part in literal)
        return repr("".join(parts))
    return repr(literal)


def _has(node: Condition, feed: str, row: Mapping[str, Any]) -> str:
    """What the event has where a test looks."""
    if not isinstance(node, Test) or not node.field or node.kind in {Kind.NULL, Kind.EXISTS}:
        return ""
    names = [node.field]
    if node.kind in FIELD_KINDS:
        names += map(str, node.literals)
    columns = events.fields(feed)
    values = [row.get(columns.get(name, "")) for name in names]
    shown = ["nothing" if value is None else repr(str(value)) for value in values]
    return " and ".join(shown)
