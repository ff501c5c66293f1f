"""Which rows match which rules: per feed one pass over the columns, one select of all verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from detector import events
from detector.rulebook.conditions import And, Condition, Constant, Not, Or, Test
from detector.rulebook.expressions import bare, caseless, columns, expression, lowered
from detector.rulebook.resolving import resolved
from detector.rulebook.tables import Table, grouped, table_of

Rows = npt.NDArray[np.int64]
_FEED: Final = "event.feed"


@dataclass(frozen=True)
class Plan:
    """How one feed is matched: columns read, lower-cased copies, a table, and the rest.

    `whole` are rules that the table answers (with its line), `halves` the lines that the
    verdicts of other rules read, `shared` the tests that several of them ask.
    """

    feed: str
    reads: tuple[str, ...]
    lower: tuple[pl.Expr, ...]
    table: Table | None
    whole: tuple[tuple[str, int], ...]
    halves: tuple[tuple[str, int], ...]
    shared: tuple[pl.Expr, ...]
    verdicts: tuple[pl.Expr, ...]

    def hits(self, part: pl.DataFrame) -> Iterator[tuple[str, Rows]]:
        """The rules that match any row of `part` (events of this feed), and those rows."""
        frame = _quick(part.lazy().select(self.reads).with_columns(self.lower))
        if self.table:
            answers = self.table.answers(frame)
            for rule, line in self.whole:
                rows = np.flatnonzero(answers[line])
                if len(rows):
                    yield rule, rows
            frame = frame.with_columns(pl.Series(name, answers[at]) for name, at in self.halves)
        if self.verdicts:
            for verdict in _quick(frame.lazy().with_columns(self.shared).select(self.verdicts)):
                if verdict.any():
                    yield verdict.name, verdict.arg_true().to_numpy().astype(np.int64)


def _quick(steps: pl.LazyFrame) -> pl.DataFrame:
    # The steps are as short as they can be; the optimizer would cost more than it saves.
    return steps.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())


def plan(feed: str, conditions: Mapping[str, Condition]) -> Plan | None:
    """The plan for the rules (id to condition) that look at `feed`; null if none can hold."""
    able = {
        rule: grouped(part)
        for rule, condition in conditions.items()
        if (part := resolved(condition, feed)) != Constant(holds=False)
    }
    if not able:
        return None
    table = table_of(able.values())
    lines = {part: line for line, part in enumerate(table.parts)} if table else {}
    rest = {rule: part for rule, part in able.items() if part not in lines}
    halves = {part: line for part, line in lines.items() if part not in able.values()}
    made: dict[Condition, str] = {part: f"/part{line}" for part, line in halves.items()}
    shared = _shared(rest.values(), made)
    lower = sorted(frozenset().union(*map(caseless, able.values())))
    return Plan(
        feed,
        tuple(sorted({_FEED}.union(*map(columns, able.values())))),
        tuple(pl.col(name).str.to_lowercase().alias(lowered(name)) for name in lower),
        table,
        tuple((rule, lines[part]) for rule, part in able.items() if part in lines),
        tuple((made[part], line) for part, line in halves.items()),
        tuple(expression(test).alias(name) for test, name in shared.items()),
        tuple(_verdict(part, made | shared).alias(rule) for rule, part in rest.items()),
    )


def _shared(conditions: Iterable[Condition], made: Mapping[Condition, str]) -> dict[Condition, str]:
    """The tests that several rules ask, each with the name of the column for its answers."""
    asked = Counter(bare(test) for part in conditions for test in _asked(part, made))
    often = [test for test, times in asked.items() if times > 1]
    return {test: f"/test{index}" for index, test in enumerate(often)}


def _asked(condition: Condition, made: Mapping[Condition, str]) -> Iterator[Test]:
    """The tests of a condition outside of the parts that are made already."""
    if condition in made:
        return
    match condition:
        case Test():
            yield condition
        case Not(part):
            yield from _asked(part, made)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _asked(part, made)


def _verdict(part: Condition, made: Mapping[Condition, str]) -> pl.Expr:
    # A literal alone would make one row; the feed's name is always there.
    if part == Constant(holds=True):
        return pl.col(_FEED).is_not_null()
    return expression(part, made)


def plans(conditions: Iterable[tuple[str, Condition, tuple[str, ...]]]) -> tuple[Plan, ...]:
    """One plan for each feed that any rule (id, condition, feeds) looks at."""
    rules = tuple(conditions)
    made = (
        plan(feed, {rule: condition for rule, condition, feeds in rules if feed in feeds})
        for feed in events.FEEDS
    )
    return tuple(found for found in made if found)


def matches(frame: pl.DataFrame, by_plans: Iterable[Plan]) -> dict[str, Rows]:
    """The matching rows of every rule that matches any, in ascending order."""
    feeds = frame[_FEED]
    found: dict[str, list[Rows]] = {}
    for step in by_plans:
        rows = (feeds == step.feed).arg_true()
        if not len(rows):
            continue
        whole = len(rows) == frame.height
        part = frame if whole else frame.select(step.reads)[rows]
        places = None if whole else rows.to_numpy().astype(np.int64)
        for rule, hits in step.hits(part):
            found.setdefault(rule, []).append(hits if places is None else places[hits])
    return {
        rule: parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
        for rule, parts in found.items()
    }
