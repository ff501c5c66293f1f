"""Egress: networks through which people of the organisation come who live elsewhere.

A VPN exit or a proxy is shared by people with different homes; an office is where its people live.
So what many share is no excuse by itself, or nobody who works in an office could ever travel.
"""

from __future__ import annotations

from typing import Final

import msgspec

from detector import geo
from detector.facts import Facts
from detector.observations import NETWORK
from detector.workhours import DAY_US

LEAST_PEOPLE: Final = 3
LEAST_HOMES: Final = 2
LEAST_SHARE: Final = 0.5
"""At least this share of those who use an egress live elsewhere."""
ELSEWHERE_KM: Final = 100.0


class Egress(msgspec.Struct):
    """What was found out about networks, kept for a day of event time."""

    day: int = 0
    found: dict[str, int] = {}

    def strangers(self, facts: Facts, network: str, place: str | None, time: int) -> int:
        """How many people are known to come through a network in `place` and live elsewhere.

        0 unless they are three, have two homes, and are at least half of all who come through it.
        """
        if facts.crowd(NETWORK, network) < LEAST_PEOPLE:
            return 0
        if self.day != time // DAY_US:
            self.day, self.found = time // DAY_US, {}
        count = self.found.get(network)
        if count is None:
            count = self.found[network] = _strangers(facts, network, place)
        return count


def _strangers(facts: Facts, network: str, place: str | None) -> int:
    homes = [facts.people[name].home for name in facts.ledger.owners(NETWORK, network)]
    elsewhere = [home for home in homes if home is not None and _apart(facts, home, place)]
    enough = len(elsewhere) >= LEAST_PEOPLE and len(set(elsewhere)) >= LEAST_HOMES
    return len(elsewhere) if enough and len(elsewhere) >= LEAST_SHARE * len(homes) else 0


def _apart(facts: Facts, home: str, place: str | None) -> bool:
    if place is None or home == place:
        return False
    here, there = facts.places.get(home), facts.places.get(place)
    if here is None or there is None:
        return True
    _, north, east = here
    _, to_north, to_east = there
    if north is None or east is None or to_north is None or to_east is None:
        return True
    return geo.distance_km(north, east, to_north, to_east) > ELSEWHERE_KM
