"""Conditions of many rules as one circuit: equal parts are one gate, equal literals one pattern.

Each gate also knows patterns of which one must be found for it to hold, so that a rule sleeps
until a literal wakes it.
"""

from __future__ import annotations

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
)
from detector.rulebook.gates import Asked, Gates, Nor, Read, Words
from detector.rulebook.literals import fits, folded, pattern
from detector.rulebook.patterns import Patterns
from detector.rulebook.regexes import needed
from detector.rulebook.schemas import Schema

_GUARDED: Final = frozenset({Kind.GLOB, Kind.REGEX})


class Circuit:
    """The gates of all conditions that were added, and their patterns."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.patterns = Patterns()
        self.gates = Gates(self.patterns)
        self._known: dict[Test, int] = {}

    def add(self, condition: Condition) -> int:
        """The gate of a resolved condition."""
        match condition:
            case Test():
                return self._test(condition)
            case Constant():
                return self.gates.add(condition)
            case Not(part):
                return self.gates.add(Nor(self.add(part)))
            case And(parts):
                return self.gates.all(self.add(part) for part in parts)
            case Or(parts):
                return self.gates.any(self.add(part) for part in parts)

    def _test(self, test: Test) -> int:
        bare = replace(test, field="", selection="")
        number = self._known.get(bare)
        if number is None:
            number = self._known[bare] = self._made(bare)
        return number

    def _made(self, test: Test) -> int:
        match test.kind:
            case Kind.NULL:
                return self._found(self.patterns.missing(test.column))
            case Kind.EXISTS:
                return self.gates.add(Nor(self._made(replace(test, kind=Kind.NULL))))
            case Kind.CIDR:
                return self.gates.add(Read(test))
        if test.kind in LITERAL_KINDS:
            return self._literal(test)
        if test.kind not in _GUARDED:
            return self.gates.add(Asked(test))
        singles = [replace(test, literals=(literal,)) for literal in test.literals]
        return self.gates.any(self._guarded(single) for single in singles)

    def _guarded(self, test: Test) -> int:
        """A glob or regular expression, asked only where all texts are that it needs."""
        literal = folded(test)[0]
        if isinstance(literal, tuple):
            index, words = (test.column, test.cased), [each for each in _texts(literal) if each]
        else:
            index, words = (test.column, False), list(needed(str(literal)))
        asked = self.gates.add(Read(test))
        numbers = {
            self.patterns.literal(index, pattern(Kind.CONTAINS, word))
            for word in words
            if fits(Kind.CONTAINS, word)
        }
        return self.gates.all([*map(self._found, sorted(numbers)), asked])

    def _literal(self, test: Test) -> int:
        """A test of literals: those that are looked for as texts, and numbers that are not."""
        dtype = inner(self._schema, test.column)
        words: list[str] = []
        numbers: list[Literal] = []
        odd: list[Literal] = []
        gates: list[int] = []
        for given, literal in zip(test.literals, folded(test), strict=True):
            word = _word(literal, dtype)
            if word == "" and test.kind is not Kind.EQUALS:
                gates.append(self._made(replace(test, kind=Kind.EXISTS, literals=())))
            elif word is None:
                numbers.append(given)
            elif not fits(test.kind, word):
                odd.append(given)
            else:
                words.append(word)
        index = (test.column, test.cased)
        found = (self.patterns.literal(index, pattern(test.kind, word)) for word in words)
        gates += [self._found(*dict.fromkeys(found))] if words else []
        gates += [self.gates.add(Asked(replace(test, literals=tuple(numbers))))] if numbers else []
        gates += [self.gates.add(Read(replace(test, literals=tuple(odd))))] if odd else []
        return self.gates.any(gates)

    def _found(self, *patterns: int) -> int:
        return self.gates.add(Words(patterns))


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
