"""Events of each log source under the names that rules use, and the rules that look at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.foreign.mapping import EventMapping, Fields, Source
from detector.foreign.reading import FILE, LINE, first
from detector.rulebook.bits import Rows
from detector.rulebook.book import Match
from detector.rulebook.conditions import tests
from detector.rulebook.matching import plan
from detector.rulebook.schemas import Schema


@dataclass(frozen=True)
class Stage:
    """The events of one log source: their rows in the whole frame, and their schema."""

    source: Source
    rows: Rows
    frame: pl.DataFrame
    schema: Schema

    def takes(self, match: Match) -> bool:
        """True if a rule looks at events of this log source."""
        mine = self.source.logsources
        return not mine or any(match.source.covers(each) for each in mine)


def stages(frame: pl.DataFrame, mapping: EventMapping) -> tuple[Stage, ...]:
    """The events of every log source that the mapping names and that has any."""
    made = (_stage(frame, mapping, source) for source in mapping.sources)
    return tuple(stage for stage in made if len(stage.rows))


def hits(matches: Iterable[Match], on: Iterable[Stage]) -> Iterator[tuple[Match, Stage, Rows]]:
    """For each log source the rules that match any event, and the rows of its frame."""
    rules = {each.rule.id: each for each in matches}
    for stage in on:
        able = {key: each.condition for key, each in rules.items() if stage.takes(each)}
        made = plan(stage.schema, able)
        for rule, rows in made.hits(stage.frame) if made else ():
            yield rules[rule], stage, rows


def together(found: Iterable[tuple[Match, Stage, Rows]]) -> dict[str, Rows]:
    """The rows of the whole frame that each rule (by id) matches, ascending."""
    parts: dict[str, list[Rows]] = {}
    for match, stage, rows in found:
        parts.setdefault(match.rule.id, []).append(stage.rows[rows])
    return {rule: np.unique(np.concatenate(each)) for rule, each in parts.items()}


def evidence(match: Match, stage: Stage, rows: Rows) -> list[dict[str, object]]:
    """For each of the rows the fields that a rule asks for, as the event has them."""
    columns: dict[str, str] = {}
    for test in tests(match.condition):
        column = stage.schema.column(test.field) if test.field else None
        if column is not None:
            columns[test.field] = column
    part = pl.DataFrame([stage.frame[column].alias(f) for f, column in columns.items()])
    if not columns:
        return [{} for _ in rows]
    return [
        {field: value for field, value in row.items() if value is not None}
        for row in part[rows].to_dicts()
    ]


def _stage(frame: pl.DataFrame, mapping: EventMapping, source: Source) -> Stage:
    rows = np.arange(frame.height)
    part, schema = _named(frame, {**mapping.fields, **source.fields})
    if source.when is not None:
        made = plan(schema, {"when": source.when})
        rows = next((hit for _, hit in made.hits(part)), rows[:0]) if made else rows[:0]
        part = part[rows]
    # What no event of this log source has, no rule can find in it.
    part = pl.DataFrame(
        [each for each in part if each.null_count() < part.height or each.name == LINE]
    )
    dtypes = {name: dtype for name, dtype in schema.dtypes.items() if name in part.columns}
    texts = tuple(name for name in schema.texts if name in dtypes)
    return Stage(source, rows, part, Schema(source.name, schema.fields, dtypes, texts))


def _named(frame: pl.DataFrame, fields: Fields) -> tuple[pl.DataFrame, Schema]:
    """The frame with what several names may hold put together, and the names of its columns."""
    own = [name for name in frame.columns if name not in {FILE, LINE}]
    # Sigma's taxonomy writes fields without the spaces that a product may give them.
    told = {name.replace(" ", ""): name for name in own} | {name: name for name in own}
    names = dict(told)
    series: dict[str, pl.Series] = {}
    for name, candidates in fields.items():
        there = list(dict.fromkeys(told[each] for each in candidates if each in told))
        if len(there) == 1:
            names[name] = there[0]
        elif there:
            series[f"\0{name}"] = first(frame[each] for each in there)
            names[name] = f"\0{name}"
    columns = [frame[name] for name in own] + [each.alias(name) for name, each in series.items()]
    dtypes = {each.name: each.dtype for each in columns}
    return pl.DataFrame([frame[LINE], *columns]), Schema("", names, dtypes, tuple(own))
