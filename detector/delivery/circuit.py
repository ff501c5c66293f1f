"""When to try again: by how long it has failed, never by how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

OPENS_AFTER: Final = 5
"""Failures in a row after which only one message at a time is tried."""
SHORTEST_S: Final = 2.0
LONGEST_S: Final = 900.0
PARKED: Final = timedelta(minutes=5)

Chance: TypeAlias = Callable[[float, float], float]
"""A random number between two."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """How a destination fares. `since` is the first failure of the outage, null if there is none.

    Nothing is sent before `not_before`. `parked`: its configuration is wrong. `told`: the
    fallback knows of the outage.
    """

    failures: int = 0
    since: datetime | None = None
    not_before: datetime | None = None
    error: str = ""
    parked: bool = False
    told: bool = False

    @property
    def is_open(self) -> bool:
        """Whether only probes go out."""
        return self.parked or self.failures >= OPENS_AFTER

    @property
    def probe(self) -> int:
        """Which message to try it with, counted from the worst: ever so often one further down.

        What fails may be a message that is never taken, and not the destination.
        """
        turn = max(0, self.failures - OPENS_AFTER)
        return turn % turn.bit_length() if turn else 0

    def holds(self, now: datetime) -> bool:
        """Whether nothing may be sent now."""
        return self.not_before is not None and now < self.not_before


def wait(failed_since: datetime, now: datetime, chance: Chance) -> timedelta:
    """How long to wait after a failure: up to as long as it has failed, with jitter.

    Between two seconds and fifteen minutes; the waits grow as the outage grows older.
    """
    longest = min(LONGEST_S, max(SHORTEST_S, (now - failed_since).total_seconds()))
    return timedelta(seconds=chance(longest / 2, longest))


def failed(circuit: Circuit, now: datetime, error: str, chance: Chance) -> Circuit:
    """The destination did not take a message, or did not answer."""
    since = circuit.since or now
    after = replace(circuit, failures=circuit.failures + 1, since=since, error=error)
    if not after.is_open:
        return after
    return replace(after, not_before=now + wait(since, now, chance))


def parked(circuit: Circuit, now: datetime, error: str) -> Circuit:
    """Nothing can be sent there until its configuration changes: look now and then."""
    return replace(
        circuit,
        failures=circuit.failures + 1,
        since=circuit.since or now,
        not_before=now + PARKED,
        error=error,
        parked=True,
    )


def slowed(circuit: Circuit, until: datetime) -> Circuit:
    """The destination asks to wait; that is no failure."""
    return replace(circuit, not_before=until)
