"""The ladder of impossible travel: innocent explanations, tried in order, each with its margin.

A margin of 0 or more holds, by so much in the rung's unit; below 0 it failed by so much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from detector import networks
from detector.facts import Facts
from detector.observations import CLIENT, DEVICE, NETWORK
from detector.rule_types.egress import LEAST_PEOPLE, Egress
from detector.rule_types.journeys import Leg, Point
from detector.rule_types.learning import LEARNING
from detector.rule_types.ways import ANONYMISERS, FAMILIAR_DAYS, Way, days_at
from detector.workhours import DAY_US

LEARN_DAYS: Final = 14
LEARN_SIGNINS: Final = 10
KNOWN_DAYS: Final = 2
"""Ends that were seen on so many days are not strange, if not yet familiar: the level falls."""
TUNNEL_MIN: Final = 30.0
"""Who is known with a client and seems far away so soon has two ways into the net at once."""

Rung = tuple[str, float]


def climb(steps: Iterable[Rung]) -> tuple[str | None, float | None, dict[str, float]]:
    """The first rung that holds with its margin (null: none), and all that were tested."""
    tested: dict[str, float] = {}
    for name, margin in steps:
        tested[name] = round(margin, 1)
        if margin >= 0:
            return name, tested[name], tested
    return None, None, tested


def rungs(found: Leg, facts: Facts, name: str, more: tuple[Way, Egress, str]) -> Iterator[Rung]:
    """Every innocent explanation of a leg that is too fast, the surest first."""
    (way, egress, sensitivity), start, end = more, found.start, found.end
    yield (
        "same-ip-or-session",
        _holds(start.ip == end.ip or bool(start.session and start.session == end.session)),
    )
    yield "same-device", _holds(bool(start.device and start.device == end.device))
    yield "anonymiser", _holds(start.kind in ANONYMISERS or end.kind in ANONYMISERS)
    yield "both-ends-corporate", _holds(start.kind == end.kind == networks.OFFICE)
    crowd = max(_strangers(egress, facts, name, each) for each in (start, end))
    yield "tenant-egress", float(crowd - LEAST_PEOPLE)
    yield "both-ends-familiar", float(_least_days(found, facts, name) - FAMILIAR_DAYS)
    yield "regular-hop", _holds(f"{start.place}>{end.place}" in way.hops)
    if sensitivity == "low":
        abroad = start.country != end.country and days_at(facts, name, end) == 0
        yield "not-new-abroad", _holds(not abroad)
    person = facts.people.get(name)
    age_days = (end.time - person.first) / DAY_US if person else 0.0
    yield LEARNING, LEARN_DAYS - age_days if way.signins < LEARN_SIGNINS else -1.0


def weights(found: Leg, facts: Facts, name: str) -> dict[str, int]:
    """What raises and lowers the level, in steps; judged at the end that is stranger."""
    odd = stranger(facts, name, found)
    known = facts.days(name, CLIENT, odd.client or "")
    tunnel = known >= FAMILIAR_DAYS and found.minutes <= TUNNEL_MIN
    device = bool(odd.device) and facts.days(name, DEVICE, odd.device or "") > 0
    return {
        "new-client": int(bool(odd.client) and not known),
        "tunnel": -int(tunnel),
        "known-ends": -int(_least_days(found, facts, name) >= KNOWN_DAYS),
        "carrier": -int(found.by_carrier),
        "hosting": int("hosting" in {found.start.kind, found.end.kind}),
        "mfa-on-known-device": -int(odd.type == "mfa_ok" and device),
    }


def stranger(facts: Facts, name: str, found: Leg) -> Point:
    """The end of a leg that the person is known less at; the later one if there is no telling."""
    start, end = days_at(facts, name, found.start), days_at(facts, name, found.end)
    return found.start if start < end else found.end


def _least_days(found: Leg, facts: Facts, name: str) -> int:
    return min(days_at(facts, name, found.start), days_at(facts, name, found.end))


def _strangers(egress: Egress, facts: Facts, name: str, point: Point) -> int:
    if not point.network:
        return 0
    strangers = egress.strangers(facts, point.network, point.place, point.time)
    own = facts.people.get(name)
    mine = own is not None and own.home != point.place and _knows(facts, name, point)
    return max(0, strangers - int(mine))


def _knows(facts: Facts, name: str, point: Point) -> bool:
    return facts.days(name, NETWORK, point.network or "") > 0


def _holds(fact: bool) -> float:
    return 0.0 if fact else -1.0
