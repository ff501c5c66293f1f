"""Which rows match which rules: per feed one pass over the columns, one select of all verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from detector import events
from detector.rulebook.conditions import Condition, Constant, Test, tests
from detector.rulebook.expressions import bare, caseless, columns, expression, lowered
from detector.rulebook.resolving import resolved

Rows = npt.NDArray[np.int64]
_FEED: Final = "event.feed"


@dataclass(frozen=True)
class Plan:
    """How one feed is matched: columns read, lower-cased copies, shared tests, verdicts."""

    feed: str
    reads: tuple[str, ...]
    lower: tuple[pl.Expr, ...]
    shared: tuple[pl.Expr, ...]
    verdicts: tuple[pl.Expr, ...]

    def verdict(self, part: pl.DataFrame) -> pl.DataFrame:
        """One boolean column for each rule (null is false), one row for each event."""
        steps = part.lazy().select(self.reads)
        for made in filter(None, (self.lower, self.shared)):
            steps = steps.with_columns(made)
        # The plan is as short as it can be; the optimizer would cost more than it saves.
        return steps.select(self.verdicts).collect(
            engine="in-memory", optimizations=pl.QueryOptFlags.none()
        )


def plan(feed: str, conditions: Mapping[str, Condition]) -> Plan | None:
    """The plan for the rules (id to condition) that look at `feed`; null if none can hold."""
    folded = {rule: resolved(condition, feed) for rule, condition in conditions.items()}
    able = {rule: part for rule, part in folded.items() if part != Constant(holds=False)}
    if not able:
        return None
    lower = sorted(frozenset().union(*map(caseless, able.values())))
    shared = _shared(able.values())
    return Plan(
        feed,
        tuple(sorted({_FEED}.union(*map(columns, able.values())))),
        tuple(pl.col(name).str.to_lowercase().alias(lowered(name)) for name in lower),
        tuple(expression(test).alias(name) for test, name in shared.items()),
        tuple(_verdict(part, shared).alias(rule) for rule, part in able.items()),
    )


def _shared(conditions: Iterable[Condition]) -> dict[Test, str]:
    """The tests that several rules ask, each with the name of the column for its answers."""
    asked = Counter(bare(test) for condition in conditions for test in tests(condition))
    often = [test for test, times in asked.items() if times > 1]
    return {test: f"/test{index}" for index, test in enumerate(often)}


def _verdict(part: Condition, shared: Mapping[Test, str]) -> pl.Expr:
    # A literal alone would make one row; the feed's name is always there.
    if part == Constant(holds=True):
        return pl.col(_FEED).is_not_null()
    return expression(part, shared)


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
        for verdict in step.verdict(part):
            if verdict.any():
                hits = verdict.arg_true().to_numpy().astype(np.int64)
                found.setdefault(verdict.name, []).append(hits if places is None else places[hits])
    return {
        rule: parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
        for rule, parts in found.items()
    }
