"""Impossible travel: two sign-ins of one person too far apart for the time between them.

Every pair that is too fast climbs down a ladder of innocent explanations; the first rung that
holds suppresses the finding and is stored with it (design: shared/behaviours.md 2.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, Literal

import msgspec
from pydantic import Field

from detector import workhours
from detector.facts import Facts
from detector.findings import Finding, Level
from detector.observations import DEVICE
from detector.rule import Rule
from detector.rule_types import aftermath, recent, travel_words
from detector.rule_types.base import Behavior, Scene, Tail, Told, one_event, walk
from detector.rule_types.egress import Egress
from detector.rule_types.journeys import Leg, Point, pointing
from detector.rule_types.ladder import climb, rungs, stranger, weights
from detector.rule_types.learning import LEARNING, sleeps, strong_facts
from detector.rule_types.notes import Note, Notes
from detector.rule_types.ways import KEEP_US, Way, days_at
from detector.wording import client, span
from detector.workhours import DAY_US

MOST_HOPS: Final = 256
MOST_SESSIONS: Final = 20_000
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
        named = [row for row in rows if scene.page.people[row] is not None]
        known = _devices(scene)
        told = _telling(scene, known, tail)
        sensitive = aftermath.may_follow(tail.suspicions, scene, named)
        made = pointing(scene)
        for row, (matched, tells, follows) in walk(named, told, sensitive):
            if tells:
                _learn_device(scene, row, tail)
            if matched:
                yield from self._sign_in(rule, scene, (row, made(row)), tail)
            if follows:
                yield from aftermath.followed(tail.suspicions, scene, row, Level.CRITICAL)
        recent.reorder(tail.devices, known)

    def _sign_in(
        self, rule: Rule, scene: Scene, at: tuple[int, Point], tail: TravelTail
    ) -> Iterator[Finding]:
        row, point = at
        name = scene.page.people[row] or ""
        way = tail.ways.get(name)
        if way is None:
            way = tail.ways[name] = Way()
        point.device = tail.devices.get(point.session or "")
        if scene.notes is not None and not way.points:
            _note_alone(scene.notes, rule, row)
        least_km = SPEEDS[self.sensitivity][0] if scene.notes is None else 0.0
        for legs in way.journeys(point, scene.facts, name, least_km):
            if scene.notes is not None:
                self._note(scene.notes, rule, row, legs)
            fast = [each for each in legs if each and self._too_fast(each)]
            found = [self._judge(rule, scene, row, each, tail) for each in fast]
            if found:
                finding = min(found, key=lambda each: each.suppressed_by is not None)
                aftermath.remember(tail.suspicions, finding, point.network)
                yield finding
        way.insert(point)

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
                f"{each.start.label} to {each.end.label} in {span(each.minutes)}: "
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
        return travel_words.tell(who, evidence)


def _devices(scene: Scene) -> dict[str, list[int]]:
    """The rows that tell a session's device, by session, the one that was touched last at the end."""
    sessions, found = scene.page.columns["session.id"], dict[str, list[int]]()
    for row in scene.devices:
        session = sessions[row]
        if session:
            mine = found.pop(session, None) or []
            mine.append(row)
            found[session] = mine
    return found


def _telling(scene: Scene, known: dict[str, list[int]], tail: TravelTail) -> list[int]:
    """The rows that tell another device than is known of their session, or all of them.

    What the others tell is known; of these it only matters which session was touched last.
    """
    if recent.may_drop(tail.devices, known, MOST_SESSIONS):
        return [row for mine in known.values() for row in mine]
    devices, told = scene.page.values[DEVICE], []
    for session, mine in known.items():
        before = tail.devices.get(session)
        for row in mine:
            if devices[row] != before:
                told.append(row)
                before = devices[row]
    return told


def _learn_device(scene: Scene, row: int, tail: TravelTail) -> None:
    """An audit event tells which device its session runs on."""
    session, device = scene.page.columns["session.id"][row], scene.page.values[DEVICE][row] or ""
    is_known = tail.devices.get(session) == device
    recent.touch(tail.devices, session, device)
    if is_known:
        return
    recent.bound(tail.devices, MOST_SESSIONS)
    way = tail.ways.get(scene.page.people[row] or "")
    for point in way.points if way is not None else ():
        if point.session == session:
            point.device = device


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


def _note_alone(notes: Notes, rule: Rule, row: int) -> None:
    wants = "an earlier sign-in of this person at a place that can be trusted"
    sees = f"none of the last {KEEP_US // DAY_US} days is known"
    notes.add(Note(rule.id, row, False, wants, sees))
