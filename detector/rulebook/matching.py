"""Which rows match which rules: one look for all literals, then only the rules that these wake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from ipaddress import ip_network
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
from msgspec.structs import replace

from detector import events
from detector.rulebook.addresses import Addresses
from detector.rulebook.circuits import All, Any, Asked, Circuit, Index, Nor, Words, inner
from detector.rulebook.conditions import FIELD_KINDS, Condition, Constant, Kind, Test
from detector.rulebook.expressions import field_expression, value_expression
from detector.rulebook.literals import LiteralIndex
from detector.rulebook.resolving import resolved
from detector.rulebook.schemas import Schema, of_feed
from detector.rulebook.views import Mask, View, missing, quick, view

Rows = npt.NDArray[np.int64]
SLICE: Final = 32_768
"""Rows that are matched at once; more would leave the caches."""
_FEED: Final = "event.feed"
_WORTH: Final = 4
"""A test is asked of single rows where these are not more than one of so many."""


class Plan:
    """How the events of one schema are matched against all rules that can hold for them."""

    def __init__(self, schema: Schema, conditions: Mapping[str, Condition]) -> None:
        """Take resolved conditions by rule id."""
        self.schema = schema
        self.circuit = Circuit(schema)
        self.rules = tuple(conditions)
        self.outputs = [self.circuit.add(condition) for condition in conditions.values()]
        self.wakes: list[list[int]] = [[] for _ in self.circuit.patterns]
        self.always: list[int] = []
        for place, output in enumerate(self.outputs):
            needs = self.circuit.needs[output]
            if needs is None:
                self.always.append(place)
            for number in needs or ():
                self.wakes[number].append(place)
        self.indexes: dict[Index, tuple[LiteralIndex, list[int]]] = {
            index: (
                LiteralIndex([text for text, _ in found], cased=index[1]),
                [number for _, number in found],
            )
            for index, found in self.circuit.by_index().items()
        }

    def hits(self, frame: pl.DataFrame) -> Iterator[tuple[str, Rows]]:
        """The rules that match any row of `frame` (events of this schema), and those rows."""
        found: dict[int, list[Rows]] = {}
        for start in range(0, frame.height, SLICE):
            for place, rows in _Round(self, frame[start : start + SLICE]).hits():
                found.setdefault(place, []).append(rows + start)
        for place in sorted(found):
            yield self.rules[place], np.concatenate(found[place])


class _Round:
    """One pass over a piece of a frame; null stands for a gate that holds nowhere."""

    def __init__(self, plan: Plan, frame: pl.DataFrame) -> None:
        self._plan = plan
        self._frame = frame
        self._views: dict[str, View] = {}
        self._addresses: dict[str, Addresses] = {}
        self._nothing: dict[str, Mask] = {}
        self._found: dict[int, tuple[View, Rows]] = {}
        self._made: dict[int, Mask | None] = {}

    def hits(self) -> Iterator[tuple[int, Rows]]:
        """The places of rules that match, and the rows."""
        for place in self._awake():
            mask = self._gate(self._plan.outputs[place])
            if mask is not None:
                rows = np.flatnonzero(mask)
                if len(rows):
                    yield place, rows

    def _awake(self) -> list[int]:
        awake = set(self._plan.always)
        for (column, _), (index, numbers) in self._plan.indexes.items():
            looked = self._view(column)
            for at, places in index.find(looked.cased.to_list()):
                number = numbers[at]
                self._found[number] = (looked, places)
                awake.update(self._plan.wakes[number])
        return sorted(awake)

    def _view(self, column: str) -> View:
        found = self._views.get(column)
        if found is None:
            found = self._views[column] = view(self._frame, column, self._plan.schema)
        return found

    def _gate(self, number: int, among: Mask | None = None) -> Mask | None:
        """Where a gate holds. With `among`, what it says about other rows does not count."""
        if number in self._made:
            return self._made[number]
        if among is not None and self._plan.circuit.costs[number]:
            return self._make(number, among)
        made = self._made[number] = self._make(number, None)
        return made

    def _make(self, number: int, among: Mask | None) -> Mask | None:
        gate = self._plan.circuit.gates[number]
        match gate:
            case Words(patterns):
                return self._words(patterns)
            case Asked(test):
                return self._ask(test, among)
            case All(inputs):
                return self._all(inputs, among)
            case Any(inputs):
                held = [mask for each in inputs if (mask := self._gate(each, among)) is not None]
                return reduce(np.logical_or, held) if held else None
            case Nor(source):
                mask = self._gate(source, among)
                return self._everywhere() if mask is None else ~mask
            case Constant(holds):
                return self._everywhere() if holds else None

    def _everywhere(self) -> Mask:
        return np.ones(self._frame.height, dtype=np.bool_)

    def _all(self, inputs: tuple[int, ...], among: Mask | None) -> Mask | None:
        held = among
        for each in inputs:
            mask = self._gate(each, self._few(held))
            if mask is None:
                return None
            held = mask if held is None else held & mask
            if not held.any():
                return None
        return held

    def _few(self, rows: Mask | None) -> Mask | None:
        """The rows, if they are so few that looking at them alone is worth it."""
        if rows is None or np.count_nonzero(rows) * _WORTH > len(rows):
            return None
        return rows

    def _words(self, patterns: tuple[int, ...]) -> Mask | None:
        found = [self._found[number] for number in patterns if number in self._found]
        if not found:
            return None
        looked = found[0][0]
        return looked.having(np.concatenate([places for _, places in found]))

    def _ask(self, test: Test, among: Mask | None) -> Mask:
        if test.kind in FIELD_KINDS:
            return self._fields(test)
        if test.kind in {Kind.NULL, Kind.EXISTS}:
            nothing = self._missing(test.column)
            return nothing if test.kind is Kind.NULL else ~nothing
        looked = self._view(test.column)
        if test.kind is Kind.CIDR:
            if test.column not in self._addresses:
                self._addresses[test.column] = Addresses(looked.cased.to_list())
            networks = [ip_network(str(literal)) for literal in test.literals]
            return looked.spread(self._addresses[test.column].inside(networks))
        asked = value_expression(test, inner(self._plan.schema, test.column))
        return looked.answers(asked, among)

    def _missing(self, column: str) -> Mask:
        if column not in self._plan.schema.dtypes:
            # A keyword that any text answers: the row has no text at all.
            texts = [self._missing(each) for each in self._plan.schema.texts]
            return reduce(np.logical_and, texts) if texts else self._everywhere()
        if column not in self._nothing:
            self._nothing[column] = missing(self._frame, column)
        return self._nothing[column]

    def _fields(self, test: Test) -> Mask:
        """A test against other fields, with each value of a list taken for itself."""
        others = [str(name) for name in test.literals]
        names = list(dict.fromkeys((test.column, *others)))
        # Names of columns that look like patterns would mean others to polars.
        plain = {name: f"field{at}" for at, name in enumerate(names)}
        frame = pl.DataFrame([self._frame[name].alias(new) for name, new in plain.items()])
        frame = frame.with_row_index("row")
        for name in plain.values():
            if isinstance(frame[name].dtype, pl.List):
                frame = frame.explode(name)
        texts = [pl.col(name).cast(pl.String) for name in plain.values()]
        if not test.cased:
            texts = [text.str.to_lowercase() for text in texts]
        asked = replace(
            test, column=plain[test.column], literals=tuple(plain[name] for name in others)
        )
        steps = frame.lazy().with_columns(texts)
        steps = steps.filter(field_expression(asked).fill_null(value=False)).select("row")
        mask = np.zeros(self._frame.height, dtype=np.bool_)
        mask[quick(steps).to_series().to_numpy()] = True
        return mask


def plan(schema: Schema, conditions: Mapping[str, Condition]) -> Plan | None:
    """The plan for the rules (id to condition) of a schema; null if none can hold."""
    able = {
        rule: part
        for rule, condition in conditions.items()
        if (part := resolved(condition, schema)) != Constant(holds=False)
    }
    return Plan(schema, able) if able else None


def plans(conditions: Iterable[tuple[str, Condition, tuple[str, ...]]]) -> tuple[Plan, ...]:
    """One plan for each feed that any rule (id, condition, feeds) looks at."""
    rules = tuple(conditions)
    made = (
        plan(of_feed(feed), {rule: condition for rule, condition, feeds in rules if feed in feeds})
        for feed in events.FEEDS
    )
    return tuple(found for found in made if found)


def matches(frame: pl.DataFrame, by_plans: Iterable[Plan]) -> dict[str, Rows]:
    """The matching rows of every rule that matches any, in ascending order."""
    feeds = frame[_FEED]
    found: dict[str, list[Rows]] = {}
    for step in by_plans:
        rows = (feeds == step.schema.name).arg_true()
        if not len(rows):
            continue
        whole = len(rows) == frame.height
        part = frame if whole else frame[rows]
        places = None if whole else rows.to_numpy().astype(np.int64)
        for rule, hits in step.hits(part):
            found.setdefault(rule, []).append(hits if places is None else places[hits])
    return {
        rule: parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
        for rule, parts in found.items()
    }
