"""Which rows match which rules: rows that are alike to all patterns are decided once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from threading import Lock
from typing import Final

import numpy as np
import polars as pl

from detector import events
from detector.rulebook import bits
from detector.rulebook.answers import Answers
from detector.rulebook.asking import Asker, Questions
from detector.rulebook.bits import Rows
from detector.rulebook.circuits import Circuit
from detector.rulebook.conditions import Condition, Constant
from detector.rulebook.marks import Marker
from detector.rulebook.memories import Memory, Verdict
from detector.rulebook.resolving import resolved
from detector.rulebook.schemas import Schema, of_feed
from detector.rulebook.values import Marks

SLICE: Final = 16_384
"""Rows that are matched at once: more is hardly cheaper, and takes more memory."""
_FEED: Final = "event.feed"


class Plan:
    """How the events of one schema are matched against all rules that can hold for them.

    It remembers what it saw, which changes no answer; accounts in other threads may share it.
    """

    def __init__(self, schema: Schema, conditions: Mapping[str, Condition]) -> None:
        """Take resolved conditions by rule id."""
        self.schema = schema
        circuit = Circuit(schema)
        self.rules = tuple(conditions)
        self.outputs = [circuit.add(condition) for condition in conditions.values()]
        self.gates = circuit.gates
        self.gates.watch(self.outputs)
        self.wakes: list[list[int]] = [[] for _ in range(len(circuit.patterns))]
        self.always: list[int] = []
        for place, output in enumerate(self.outputs):
            needs = self.gates.needs[output]
            if needs is None:
                self.always.append(place)
            for number in needs or ():
                self.wakes[number].append(place)
        self._marker = Marker(circuit.patterns.columns(), schema)
        self._questions = Questions()
        self.memory = Memory()
        self._lock = Lock()

    def hits(self, frame: pl.DataFrame) -> Iterator[tuple[str, Rows]]:
        """The rules that match any row of `frame` (events of this schema), and those rows."""
        found: dict[int, list[Rows]] = {}
        for start in range(0, frame.height, SLICE):
            with self._lock:
                hits = self._hits(frame[start : start + SLICE])
            for place, rows in hits.items():
                found.setdefault(place, []).append(rows + start)
        for place in sorted(found):
            yield self.rules[place], np.concatenate(found[place])

    def _hits(self, page: pl.DataFrame) -> dict[int, Rows]:
        """The places of rules that match, and the rows."""
        if self.memory.full:
            self.memory = Memory()
        memory = self.memory
        marks = self._marker.marks(page, memory)
        keys = _keys(marks)
        verdicts = list(map(memory.rows.get, keys))
        if None in verdicts:
            new = {keys[row]: row for row, known in enumerate(verdicts) if known is None}
            self._decide(list(new), marks[list(new.values())])
            verdicts = list(map(memory.rows.get, keys))
        rows = _grouped(np.array(verdicts))
        found = _by_rule((memory.verdicts[number].sure, each) for number, each in rows)
        unsure = _by_rule((memory.verdicts[number].unsure, each) for number, each in rows)
        return found | self._asked(page, marks, unsure) if unsure else found

    def _decide(self, keys: Sequence[bytes], marks: Marks) -> None:
        """Find the verdict on rows with these marks."""
        found = self.memory.found(marks)
        every = (1 << len(keys)) - 1
        answers = Answers(self.gates, found, every)
        sure: list[list[int]] = [[] for _ in keys]
        unsure: list[list[int]] = [[] for _ in keys]
        awake = set(self.always).union(*(self.wakes[number] for number in found))
        for place in sorted(awake):
            output = self.outputs[place]
            verdicts = unsure if self.gates.costs[output] else sure
            for row in bits.rows(answers.of(output, every)).tolist():
                verdicts[row].append(place)
        for key, *both in zip(keys, sure, unsure, strict=True):
            self.memory.decide(key, Verdict(*map(tuple, both)))

    def _asked(
        self, page: pl.DataFrame, marks: Marks, unsure: Mapping[int, Rows]
    ) -> dict[int, Rows]:
        """The rows of rules that match, of those for which values decide."""
        rows = np.unique(np.concatenate(list(unsure.values())))
        found = self.memory.found(marks[rows])
        asker = Asker(page, self.schema, rows, self._questions)
        answers = Answers(self.gates, found, (1 << len(rows)) - 1, asker)
        held = {
            place: answers.of(self.outputs[place], bits.of(np.searchsorted(rows, asked)))
            for place, asked in unsure.items()
        }
        return {place: rows[bits.rows(each)] for place, each in held.items() if each}


def _keys(marks: Marks) -> list[bytes]:
    """The marks of each row, to look it up by."""
    whole = np.ascontiguousarray(marks)
    keys: list[bytes] = whole.view(f"V{whole.itemsize * whole.shape[1]}").ravel().tolist()
    return keys


def _grouped(numbers: Rows) -> list[tuple[int, Rows]]:
    """Each number but 0 with its rows, ascending."""
    rows = np.flatnonzero(numbers)
    rows = rows[np.argsort(numbers[rows], kind="stable")]
    told = numbers[rows]
    firsts = np.flatnonzero(np.diff(told, prepend=0))
    edges = pairwise([*firsts.tolist(), len(rows)])
    return [
        (number, rows[start:end])
        for number, (start, end) in zip(told[firsts].tolist(), edges, strict=True)
    ]


def _by_rule(told: Iterable[tuple[tuple[int, ...], Rows]]) -> dict[int, Rows]:
    """For each rule (by place) all rows of the groups that name it, ascending."""
    found: dict[int, list[Rows]] = {}
    for places, rows in told:
        for place in places:
            found.setdefault(place, []).append(rows)
    return {
        place: parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
        for place, parts in found.items()
    }


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
        rows = np.flatnonzero((feeds == step.schema.name).to_numpy())
        if not len(rows):
            continue
        whole = len(rows) == frame.height
        part = frame if whole else frame[rows]
        for rule, hits in step.hits(part):
            found.setdefault(rule, []).append(hits if whole else rows[hits])
    return {
        rule: parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
        for rule, parts in found.items()
    }
