"""What gates hold for some rows, from the patterns that these have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from detector.rulebook.conditions import Constant
from detector.rulebook.gates import All, Any, Asked, Gates, Nor, Read, Words

Ask = Callable[[int, Read | Asked, int], int]
"""The rows, among those given last, for which the test of a gate (and its number) holds."""


@dataclass(slots=True)
class Answers:
    """Answers for some rows, which are bits. `found` has the rows of each pattern.

    Without `ask` tests of values have no answer, and what may hold is told to hold.
    """

    gates: Gates
    found: Mapping[int, int]
    every: int
    ask: Ask | None = None
    _known: dict[int, int] = field(default_factory=dict)

    def of(self, number: int, among: int, *, unsure: bool = True) -> int:
        """The rows of `among` for which a gate holds; `unsure` is what an unasked test answers."""
        known = self._known.get(number)
        if known is not None:
            return known & among
        if self.gates.costs[number]:
            return self._make(number, among, unsure)
        made = self._known[number] = self._make(number, self.every, unsure)
        return made & among

    def _make(self, number: int, among: int, unsure: bool) -> int:
        match gate := self.gates[number]:
            case Words(patterns):
                return self._words(patterns)
            case All(inputs):
                return self._all(inputs, among, unsure)
            case Any(inputs):
                return self._any(inputs, among, unsure)
            case Nor(source):
                return among & ~self.of(source, among, unsure=not unsure)
            case Read() | Asked():
                if self.ask is not None:
                    return self.ask(number, gate, among)
                return among if unsure else 0
            case Constant(holds):
                return among if holds else 0

    def _words(self, patterns: tuple[int, ...]) -> int:
        held = 0
        for each in patterns:
            held |= self.found.get(each, 0)
        return held

    def _all(self, inputs: tuple[int, ...], among: int, unsure: bool) -> int:
        for each in inputs:
            among = self.of(each, among, unsure=unsure)
            if not among:
                break
        return among

    def _any(self, inputs: tuple[int, ...], among: int, unsure: bool) -> int:
        held = 0
        for each in inputs:
            held |= self.of(each, among & ~held, unsure=unsure)
            if held == among:
                break
        return held
