"""The gates of a circuit, each after its inputs: what holds for a row, and what that takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from detector.rulebook.conditions import Constant, Test
from detector.rulebook.patterns import Patterns

Needs = frozenset[int] | None
"""Patterns of which one must be found for a gate to hold; null if it may hold without."""


@dataclass(frozen=True, slots=True)
class Words:
    """Holds for the rows in which any of the patterns is found."""

    patterns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A test that is asked of each text of a column."""

    test: Test


@dataclass(frozen=True, slots=True)
class Asked:
    """A test of times, numbers, or several columns."""

    test: Test


@dataclass(frozen=True, slots=True)
class All:
    """Holds where all inputs hold; the cheap ones stand first, as in `Any`."""

    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Holds where any input holds."""

    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nor:
    """Holds where the input does not."""

    input: int


Gate = Words | Read | Asked | All | Any | Nor | Constant


class Gates:
    """Gates by number: equal ones are one."""

    def __init__(self, patterns: Patterns) -> None:
        self.patterns = patterns
        self.needs: list[Needs] = []
        self.costs: list[int] = []
        """How many tests of rows stand behind each gate."""
        self._gates: list[Gate] = []
        self._known: dict[Gate, int] = {}

    def __getitem__(self, number: int) -> Gate:
        return self._gates[number]

    def add(self, gate: Gate) -> int:
        """The number of a gate."""
        number = self._known.get(gate)
        if number is None:
            number = self._known[gate] = len(self._gates)
            self._gates.append(gate)
            self.needs.append(self._needs(gate))
            self.costs.append(self._cost(gate))
        return number

    def all(self, inputs: Iterable[int]) -> int:
        """The gate that holds where all inputs do."""
        order = self._ordered(inputs)
        return order[0] if len(order) == 1 else self.add(All(order))

    def any(self, inputs: Iterable[int]) -> int:
        """The gate that holds where any input does."""
        order = self._ordered(inputs)
        return order[0] if len(order) == 1 else self.add(Any(order))

    def watch(self, outputs: Iterable[int]) -> None:
        """Make patterns of the tests of texts that would be asked of nearly every row.

        A value is asked once, however many rows have it, and a rule may sleep until one answers.
        """
        told = [output for output in outputs if self.needs[output] is None]
        for number in {each for output in told for each in self._behind(output)}:
            gate = self._gates[number]
            if isinstance(gate, Read):
                self._gates[number] = Words((self.patterns.test(gate.test),))
        self.needs, self.costs = [], []
        for gate in self._gates:
            self.needs.append(self._needs(gate))
            self.costs.append(self._cost(gate))

    def _ordered(self, inputs: Iterable[int]) -> tuple[int, ...]:
        return tuple(sorted(set(inputs), key=lambda number: (self.costs[number], number)))

    def _behind(self, number: int) -> Iterator[int]:
        yield number
        gate = self._gates[number]
        inputs = (gate.input,) if isinstance(gate, Nor) else getattr(gate, "inputs", ())
        for each in inputs:
            yield from self._behind(each)

    def _needs(self, gate: Gate) -> Needs:
        match gate:
            case Words(patterns):
                return frozenset(patterns)
            case All(inputs):
                able = [needs for each in inputs if (needs := self.needs[each]) is not None]
                return min(able, key=self.patterns.commonness) if able else None
            case Any(inputs):
                able = [needs for each in inputs if (needs := self.needs[each]) is not None]
                return frozenset().union(*able) if len(able) == len(inputs) else None
        return None

    def _cost(self, gate: Gate) -> int:
        match gate:
            case Asked() | Read():
                return 1
            case All(inputs) | Any(inputs):
                return sum(self.costs[number] for number in inputs)
            case Nor(source):
                return self.costs[source]
        return 0
