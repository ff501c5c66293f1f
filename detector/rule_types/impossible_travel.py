"""Impossible travel: two sign-ins of one person too far apart for the time between them.

Every pair that is too fast climbs down a ladder of innocent explanations; the first rung that
holds suppresses the finding and is stored with it (design: shared/behaviours.md 2.3).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar, Final, Literal

import msgspec
from pydantic import Field

from detector import workhours
from detector.facts import Facts
from detector.findings import Finding, Level
from detector.observations import DEVICE
from detector.rule import Rule
from detector.rule_types import aftermath
from detector.rule_types.base import Behavior, Scene, Tail, Told, one_event
from detector.rule_types.egress import Egress
from detector.rule_types.journeys import Leg, Point, leg
from detector.rule_types.journeys import point as point_of
from detector.rule_types.ladder import (
    ANONYMISERS,
    FAMILIAR_DAYS,
    WEIGHED,
    Way,
    climb,
    days_at,
    rungs,
    stranger,
    weights,
)
from detector.rule_types.learning import LEARNING, sleeps, strong_facts
from detector.rule_types.notes import Note, Notes
from detector.rule_types.novelty import NAMELESS
from detector.wording import client, plural
from detector.workhours import DAY_US

MOST_POINTS: Final = 32
MOST_HOPS: Final = 256
MOST_SESSIONS: Final = 20_000
KEEP_US: Final = 8 * DAY_US
"""Points are kept a day longer than events may be late."""
SPEEDS: Final = {"low": (500.0, 1000.0), "medium": (500.0, 1000.0), "high": (300.0, 800.0)}
"""Least distance in km and least speed in km/h for each sensitivity."""


class TravelTail(Tail):
    """Ways by person, the devices of sessions, and what lately looked impossible."""

    ways: dict[str, Way] = {}
    devices: dict[str, str] = {}
    """Device by session, as audit events told it; the newest sessions only."""
    suspicions: dict[str, aftermath.Suspicion] = {}
    egress: Egress = msgspec.field(default_factory=Egress)


class ImpossibleTravel(Behavior):
    """Two sign-ins of one person that no aircraft could connect.

    The distance is the great circle between the two places, less the radius of error of each.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "source.ip", "source.latitude", "source.longitude",
        "session.id", "client.os_name", "event.type", "event.action", "event.category",
        "object.type",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = TravelTail

    type: Literal["impossible_travel"]
    sensitivity: Literal["low", "medium", "high"] = Field(
        default="medium",
        description="low and medium: 500 km at 1,000 km/h; high: 300 km at 800 km/h. "
        "low also wants the far place to be new for the person and in another country.",
    )

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Compare each sign-in with its neighbours in time and with the last trusted point."""
        for row, matched, device, sensitive in scene.walk(rows):
            if device:
                _learn_device(scene, row, tail)
            if matched:
                yield from self._sign_in(rule, scene, row, tail)
            if sensitive:
                yield from aftermath.followed(tail.suspicions, scene, row, Level.CRITICAL)

    def _sign_in(self, rule: Rule, scene: Scene, row: int, tail: TravelTail) -> Iterator[Finding]:
        name = scene.page.people[row]
        if name is None:
            return
        way = tail.ways.get(name)
        if way is None:
            way = tail.ways[name] = Way()
        point = point_of(scene, row)
        point.device = tail.devices.get(point.session or "")
        if scene.notes is not None and not way.points:
            _note_alone(scene.notes, rule, row)
        for legs in _journeys(way, point, scene.facts, name):
            if scene.notes is not None:
                self._note(scene.notes, rule, row, legs)
            fast = [each for each in legs if each and self._too_fast(each)]
            found = [self._judge(rule, scene, row, each, tail) for each in fast]
            if found:
                finding = min(found, key=lambda each: each.suppressed_by is not None)
                aftermath.remember(tail.suspicions, finding, point.network)
                yield finding
        _insert(way, point)

    def forget(self, tail: Any, clock: int) -> None:
        """Drop suspicions and points that are too old to matter."""
        aftermath.forget(tail.suspicions, clock - KEEP_US)
        for way in tail.ways.values():
            if way.points and way.points[-1].time < clock - KEEP_US - DAY_US:
                way.points = []

    def _too_fast(self, found: Leg) -> bool:
        distance_km, speed_kmh = SPEEDS[self.sensitivity]
        return found.effective_km >= distance_km and found.speed_kmh >= speed_kmh

    def _note(self, notes: Notes, rule: Rule, row: int, legs: Sequence[Leg | None]) -> None:
        """Say of each leg how far and how fast it is, and what would be too far and too fast."""
        distance_km, speed_kmh = SPEEDS[self.sensitivity]
        wants = f"at least {distance_km:,.0f} km, and {speed_kmh:,.0f} km/h or more to make them"
        for each in legs:
            if each is None:
                notes.add(Note(rule.id, row, False, wants, "no coordinates of one of the places"))
                continue
            sees = (
                f"{each.start.label} to {each.end.label} in {_span(each.minutes)}: "
                f"{each.distance_km:,.0f} km, {each.effective_km:,.0f} km after what places may be "
                f"off, which takes {each.speed_kmh:,.0f} km/h"
            )
            near = each.effective_km < distance_km
            gap = each.effective_km - distance_km if near else each.speed_kmh - speed_kmh
            unit = "km" if near else "km/h"
            notes.add(Note(rule.id, row, self._too_fast(each), wants, sees, round(gap, 1), unit))

    def _judge(self, rule: Rule, scene: Scene, row: int, found: Leg, tail: TravelTail) -> Finding:
        subject = scene.actor(row, scene.page.people[row] or "")
        facts, network = scene.facts, tail.egress
        way = tail.ways[subject.id]
        rung, margin, tested = climb(
            rungs(found, facts, subject.id, (way, network, self.sensitivity))
        )
        if rung == LEARNING and not sleeps(strong_facts(scene, row, "impossible-travel")):
            rung, margin = None, None
        hop = f"{found.start.place}>{found.end.place}"
        if rung and hop not in way.hops:
            way.hops = [*way.hops, hop][-MOST_HOPS:]
        steps = weights(found, facts, subject.id)
        evidence = _evidence(facts, subject.id, found) | {
            "rungs": tested,
            "weights": {word: step for word, step in steps.items() if step},
        }
        return replace(
            one_event(scene, row, rule, subject),
            level=rule.level.raised(max(-1, min(2, sum(steps.values())))),
            rarity=min(0.99, found.speed_kmh / (found.speed_kmh + 5_000)),
            time=workhours.instant(max(found.start.time, found.end.time)),
            first_time=workhours.instant(min(found.start.time, found.end.time)),
            event_ids=(found.start.event_id, found.end.event_id),
            event_seqs=(found.start.seq, found.end.seq),
            evidence=evidence,
            suppressed_by=rung,
            margin=margin,
        )

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """Where from, where to, how fast; and what speaks for and against."""
        summary = (
            f"{who} signed in from {evidence['to_place']} {_span(evidence['minutes'])} after "
            f"{evidence['from_place']}, {evidence['distance_km']:,.0f} km away: "
            f"that takes {evidence['speed_kmh']:,.0f} km/h"
        )
        why = [
            f"+ {evidence['to_place']}: seen on {plural(evidence['to_days'], 'day')} of this "
            f"person before; {evidence['from_place']}: on {plural(evidence['from_days'], 'day')}",
            *_weighed(evidence),
            f"- places are estimates: {evidence['radius_km']:,.0f} km were taken off the distance",
        ]
        if evidence["to_kind"] is None:
            why.append(NAMELESS)
        if "followed_by" in evidence:
            minutes = plural(evidence["followed_after_min"], "minute")
            why.insert(
                0, f"+ followed after {minutes} by a sensitive action: {evidence['followed_by']}"
            )
        return Told(summary, tuple(why))


def _journeys(way: Way, point: Point, facts: Facts, name: str) -> Iterator[list[Leg | None]]:
    """The legs to a point, and those from it to later points if it came late.

    A point is compared with the one before it and with the last trusted one before that.
    """
    at = _place_of(way, point)
    after = way.points[at:]
    if at:
        trusted = _last_trusted(way.points[: at - 1], facts, name)
        starts = [way.points[at - 1], *([trusted] if trusted else [])]
        yield [leg(start, point) for start in starts if _apart(start, point)]
    if not after:
        return
    yield [leg(point, after[0])]
    if _is_trusted(facts, name, point):
        for between, end in pairwise(after):
            yield [leg(point, end)]
            if _is_trusted(facts, name, between):
                return


def _place_of(way: Way, point: Point) -> int:
    """Where among the points of a way, which are in order of time, a point comes to stand."""
    if not way.points or way.points[-1].time < point.time:
        return len(way.points)
    return bisect_left(way.points, (point.time, point.seq), key=lambda old: (old.time, old.seq))


def _apart(start: Point, end: Point) -> bool:
    return start.latitude != end.latitude or start.longitude != end.longitude


def _last_trusted(points: Sequence[Point], facts: Facts, name: str) -> Point | None:
    return next((old for old in reversed(points) if _is_trusted(facts, name, old)), None)


def _is_trusted(facts: Facts, name: str, point: Point) -> bool:
    return days_at(facts, name, point) >= FAMILIAR_DAYS


def _learn_device(scene: Scene, row: int, tail: TravelTail) -> None:
    """An audit event tells which device its session runs on."""
    session, device = scene.text("session.id", row), scene.page.values[DEVICE][row] or ""
    if not session:
        return
    known = tail.devices.pop(session, None)
    tail.devices[session] = device
    if known == device:
        return
    if len(tail.devices) > MOST_SESSIONS:
        del tail.devices[next(iter(tail.devices))]
    way = tail.ways.get(scene.page.people[row] or "")
    for point in way.points if way is not None else ():
        if point.session == session:
            point.device = device


def _insert(way: Way, point: Point) -> None:
    way.signins += 1
    # An anonymiser's place says nothing, so it never becomes a point to measure from.
    if point.latitude is None or point.kind in ANONYMISERS:
        return
    way.points.insert(_place_of(way, point), point)
    oldest = way.points[-1].time - KEEP_US
    while len(way.points) > MOST_POINTS or way.points[0].time < oldest:
        del way.points[0]


def _evidence(facts: Facts, name: str, found: Leg) -> dict[str, Any]:
    start, end, odd = found.start, found.end, stranger(facts, name, found)
    return {
        "from_place": start.label,
        "to_place": end.label,
        "distance_km": round(found.distance_km),
        "radius_km": round(start.radius_km + end.radius_km),
        "minutes": round(found.minutes, 1),
        "speed_kmh": round(found.speed_kmh),
        "from_ip": start.ip,
        "source.ip": end.ip,
        "source.country": end.country,
        "client": client(odd.client) if odd.client else "an unknown client",
        "to_kind": odd.kind,
        "from_days": days_at(facts, name, start),
        "to_days": days_at(facts, name, end),
        "latitudes": [start.latitude, end.latitude],
        "longitudes": [start.longitude, end.longitude],
        "timezone": facts.zone_of(name),
    }


def _weighed(evidence: dict[str, Any]) -> Iterator[str]:
    """What moved the level, and how far."""
    for word, step in evidence["weights"].items():
        sign, way = ("+", "up") if step > 0 else ("-", "down")
        text = WEIGHED[word].format(client=evidence["client"])
        yield f"{sign} {text} (level {way} by {abs(step)})"
    if not {"new-client", "tunnel"} & set(evidence["weights"]):
        yield f"- the client {evidence['client']} is one this person uses, and others as well"


def _note_alone(notes: Notes, rule: Rule, row: int) -> None:
    wants = "an earlier sign-in of this person at a place that can be trusted"
    sees = f"none of the last {KEEP_US // DAY_US} days is known"
    notes.add(Note(rule.id, row, False, wants, sees))


def _span(minutes: float) -> str:
    if minutes < 90:
        return plural(max(1, minutes), "minute")
    return f"{minutes / 60:.1f} hours"
