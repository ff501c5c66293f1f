"""Conditions of many rules as one circuit: equal parts are one gate, equal literals one pattern.

Each gate also knows patterns of which one must be found for it to hold, so that a rule sleeps
until a literal wakes it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from msgspec.structs import replace

from detector.rulebook.conditions import (
    ANY_TEXT,
    LITERAL_KINDS,
    And,
    Condition,
    Constant,
    Kind,
    Literal,
    Not,
    Or,
    Test,
    disjunction,
)
from detector.rulebook.expressions import folded
from detector.rulebook.literals import fits, pattern
from detector.rulebook.regexes import needed
from detector.rulebook.schemas import Schema

Index = tuple[str, bool]
"""A column, and whether its texts are compared with case."""
Needs = frozenset[int] | None
_LONG: Final = 12
_GUARDED: Final = frozenset({Kind.GLOB, Kind.REGEX})


@dataclass(frozen=True, slots=True)
class Words:
    """Holds for the rows in which any of the patterns is found."""

    patterns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A test that is asked of the values of a column."""

    test: Test


@dataclass(frozen=True, slots=True)
class All:
    """Holds where all inputs hold; the cheap ones stand first."""

    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Holds where any input holds."""

    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nor:
    """Holds where the input does not."""

    input: int


Gate = Words | Asked | All | Any | Nor | Constant


@dataclass
class Circuit:
    """The gates of all rules, each after its inputs, and the patterns by number."""

    schema: Schema
    gates: list[Gate] = field(default_factory=list)
    needs: list[Needs] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)
    """How many tests of values stand behind each gate."""
    patterns: dict[tuple[Index, bytes], int] = field(default_factory=dict)
    _known: dict[Hashable, int] = field(default_factory=dict)

    def add(self, condition: Condition) -> int:
        """The gate of a resolved condition."""
        match condition:
            case Test():
                return self._test(condition)
            case Constant():
                return self._gate(condition, None)
            case Not(part):
                return self._gate(Nor(self.add(part)), None)
            case And(parts):
                return self._all(self.add(part) for part in parts)
            case Or(parts):
                return self._any(self.add(part) for part in parts)

    def by_index(self) -> Mapping[Index, list[tuple[bytes, int]]]:
        """The patterns of each index with their numbers."""
        found: dict[Index, list[tuple[bytes, int]]] = {}
        for (index, text), number in self.patterns.items():
            found.setdefault(index, []).append((text, number))
        return found

    def _gate(self, gate: Gate, needs: Needs) -> int:
        number = self._known.get(gate)
        if number is None:
            number = self._known[gate] = len(self.gates)
            self.gates.append(gate)
            self.needs.append(needs)
            self.costs.append(self._cost(gate))
        return number

    def _all(self, inputs: Iterable[int]) -> int:
        order = sorted(set(inputs), key=lambda number: (self.costs[number], number))
        able = [needs for number in order if (needs := self.needs[number]) is not None]
        needs = min(able, key=self._commonness) if able else None
        return self._gate(All(tuple(order)), needs)

    def _any(self, inputs: Iterable[int]) -> int:
        order = tuple(sorted(set(inputs)))
        needs: set[int] | None = set()
        for number in order:
            more = self.needs[number]
            needs = None if needs is None or more is None else needs | more
        return self._gate(Any(order), None if needs is None else frozenset(needs))

    def _cost(self, gate: Gate) -> int:
        match gate:
            case Asked():
                return 1
            case All(inputs) | Any(inputs):
                return sum(self.costs[number] for number in inputs)
            case Nor(source):
                return self.costs[source]
        return 0

    def _commonness(self, needs: frozenset[int]) -> float:
        """How often one of the patterns may be found: short ones often."""
        return sum(self._weights[number] for number in needs)

    _weights: list[float] = field(default_factory=list)

    def _pattern(self, index: Index, text: bytes) -> int:
        number = self.patterns.setdefault((index, text), len(self.patterns))
        if number == len(self._weights):
            self._weights.append(3.0 ** -min(len(text), _LONG))
        return number

    def _test(self, test: Test) -> int:
        bare = replace(test, field="", selection="")
        number = self._known.get(bare)
        if number is None:
            number = self._known[bare] = self._made(bare)
        return number

    def _made(self, test: Test) -> int:
        if test.kind in LITERAL_KINDS:
            return self._literal(test, (test.column, test.cased))
        if test.kind not in _GUARDED:
            return self._gate(Asked(test), None)
        if len(test.literals) > 1:
            return self._any(
                self._test(replace(test, literals=(literal,))) for literal in test.literals
            )
        return self._guarded(test)

    def _guarded(self, test: Test) -> int:
        """A glob or regular expression, asked only where all texts are that it needs."""
        literal = folded(test)[0]
        if isinstance(literal, tuple):
            index, words = (test.column, test.cased), [each for each in _texts(literal) if each]
        else:
            index, words = (test.column, False), list(needed(str(literal)))
        asked = self._gate(Asked(test), None)
        numbers = {
            self._pattern(index, pattern(Kind.CONTAINS, word))
            for word in words
            if fits(Kind.CONTAINS, word)
        }
        found = [self._gate(Words((each,)), frozenset({each})) for each in sorted(numbers)]
        return self._all([*found, asked]) if found else asked

    def _literal(self, test: Test, index: Index) -> int:
        """A test of literals: those that are looked for as texts, and numbers that are not."""
        dtype = inner(self.schema, test.column)
        words: list[str] = []
        rest: list[Condition] = []
        for given, literal in zip(test.literals, folded(test), strict=True):
            word = _word(literal, dtype)
            if word == "" and test.kind is not Kind.EQUALS:
                rest.append(replace(test, kind=Kind.EXISTS, literals=()))
            elif word is None or not fits(test.kind, word):
                rest.append(replace(test, literals=(given,)))
            else:
                words.append(word)
        gates: list[int] = []
        if words:
            numbers = tuple(
                dict.fromkeys(self._pattern(index, pattern(test.kind, word)) for word in words)
            )
            gates.append(self._gate(Words(numbers), frozenset(numbers)))
        if rest:
            joined = disjunction(tuple(rest))
            parts = joined.parts if isinstance(joined, Or) else (joined,)
            gates += [self._gate(Asked(part), None) for part in parts if isinstance(part, Test)]
        return gates[0] if len(gates) == 1 else self._any(gates)


def inner(schema: Schema, column: str) -> pl.DataType:
    """The dtype of the single values of a column."""
    dtype = schema.dtypes.get(column, pl.String()) if column != ANY_TEXT else pl.String()
    return dtype.inner if isinstance(dtype, pl.List) else dtype  # type: ignore[return-value]


def _texts(glob: Literal) -> list[str]:
    return [part for part in glob if isinstance(part, str)] if isinstance(glob, tuple) else []


def _word(literal: Literal, dtype: pl.DataType) -> str | None:
    """A literal as the text that a value of the column would be; null if numbers decide."""
    if isinstance(literal, str):
        return literal
    if isinstance(literal, int | float) and dtype.is_numeric():
        whole = literal == int(literal) if abs(literal) < 2**63 else False
        return str(int(literal)) if dtype.is_integer() and whole else None
    return str(literal).lower()
