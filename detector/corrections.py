"""Corrections of facts by people: what is pinned, rejected or forgotten; an entry of the log."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from detector.facts import Facts
from detector.observations import KINDS


class How(StrEnum):
    """What a person says about a fact."""

    PIN = "pin"
    """It is so: known from now on, and never forgotten or withdrawn."""
    REJECT = "reject"
    """It is not so: forgotten, and not learned again."""
    RESET = "reset"
    """Forget everything about the person, and learn anew."""


class Correction(msgspec.Struct, frozen=True):
    """One correction; `kind` and `value` are empty for a reset."""

    how: How
    person: str
    kind: str = ""
    value: str = ""

    def dump(self) -> bytes:
        """As bytes for the log."""
        return msgspec.json.encode(self)

    @staticmethod
    def parse(body: bytes) -> Correction:
        """Read back what `dump` wrote."""
        return msgspec.json.decode(body, type=Correction)

    def apply(self, facts: Facts, clock: int) -> None:
        """Let it be so in the facts, as of the event clock."""
        if self.how is How.RESET:
            facts.reset(self.person)
        elif self.how is How.PIN:
            facts.pin(self.person, KINDS.index(self.kind), self.value, clock)
        else:
            facts.reject(self.person, KINDS.index(self.kind), self.value)
