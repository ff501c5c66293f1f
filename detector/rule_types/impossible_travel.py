"""Impossible travel: two sign-ins of one person too far apart for the time between them.

Every pair that is too fast climbs down a ladder of innocent explanations; the first rung that
holds suppresses the finding and is stored with it (design: shared/behaviours.md 2.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any, ClassVar, Final, Literal

import msgspec
import numpy as np
from pydantic import Field

from detector import workhours
from detector.facts import Facts
from detector.findings import Finding, Level
from detector.numbering import grouped
from detector.observations import DEVICE
from detector.rule import Rule
from detector.rule_types import aftermath, recent, travel_words
from detector.rule_types.base import Behavior, Scene, Tail, Told, Watch, one_event, walk
from detector.rule_types.egress import Egress
from detector.rule_types.journeys import Leg, Point, points
from detector.rule_types.ladder import climb, rungs, stranger, weights
from detector.rule_types.learning import LEARNING, sleeps, strong_facts
from detector.rule_types.notes import Note, Notes
from detector.rule_types.ways import KEEP_US, Way, around, days_at, width_km
from detector.wording import client, span
from detector.workhours import DAY_US

_by_seq: Final = attrgetter("seq")
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

    def begin(self, rule: Rule, day: Scene, rows: Sequence[int], tail: Any) -> Watch:
        """Let those sign in at once whose places are all near each other; the others travel."""
        travels = self._travels(day, np.array(rows, dtype=np.int64), tail)
        signs, tells = [*travels], _learn_devices(day, travels, tail)

        def watch(scene: Scene) -> Iterator[Finding]:
            came, told = scene.within(signs), scene.within(tells)
            sensitive = aftermath.may_follow(tail.suspicions, scene, came)
            for row, (matched, learns, follows) in walk(came, told, sensitive):
                if learns:
                    session = scene.page.columns.cell("session.id", row)
                    tail.devices[session] = scene.page.values[DEVICE][row]
                if matched:
                    yield from self._sign_in(rule, scene, (row, travels[row]), tail)
                if follows:
                    yield from aftermath.followed(tail.suspicions, scene, row, Level.CRITICAL)

        return watch

    def _travels(self, day: Scene, rows: np.ndarray, tail: TravelTail) -> dict[int, Point]:
        """By row the points of those who may be far from where they were; the others stay there."""
        page = day.page
        rows = rows[page.who[rows] >= 0]
        made, names = points(day, rows), [page.people[row] or "" for row in rows.tolist()]
        for name in dict.fromkeys(names):
            tail.ways.setdefault(name, Way())
        order, starts, ends = grouped(page.who[rows])
        shown = [made[place] for place in order.tolist()]
        ways = [tail.ways[names[place]] for place in order[starts].tolist()]
        boxes = around(ways, shown, starts)
        least_km, moving = self._least_km(day), list[Point]()
        for way, box, start, end in zip(ways, boxes, starts.tolist(), ends.tolist(), strict=True):
            way.box = box
            if width_km(box) >= least_km or day.notes is not None:
                moving += shown[start:end]
                continue
            for point in shown[start:end]:
                way.insert(point)
        return {point.seq - page.seqs[0]: point for point in sorted(moving, key=_by_seq)}

    def _least_km(self, scene: Scene) -> float:
        """What is nearer is not looked at, unless somebody asks what was compared."""
        return SPEEDS[self.sensitivity][0] if scene.notes is None else 0.0

    def _sign_in(
        self, rule: Rule, scene: Scene, at: tuple[int, Point], tail: TravelTail
    ) -> Iterator[Finding]:
        row, point = at
        name = scene.page.people[row] or ""
        way = tail.ways[name]
        if scene.notes is not None and not way.points:
            _note_alone(scene.notes, rule, row)
        for legs in way.journeys(point, scene.facts, name, self._least_km(scene)):
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
        """Drop suspicions and points that are too old to matter, and the sessions that are too many."""
        recent.bound(tail.devices, MOST_SESSIONS)
        aftermath.forget(tail.suspicions, clock - KEEP_US)
        for way in tail.ways.values():
            way.forget(clock)

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
        for each in (found.start, found.end):
            each.device = tail.devices.get(each.session or "") or None
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


def _learn_devices(day: Scene, travels: dict[int, Point], tail: TravelTail) -> list[int]:
    """Note which devices sessions run on, as audit events of a day tell it, the newest last.

    Returns the rows that tell it of a session of somebody who travels: these count one at a time.
    """
    page, rows = day.page, np.array(day.devices, dtype=np.int64)
    people = dict.fromkeys(page.people[row] or "" for row in travels)
    watched = {point.session for name in people for point in tail.ways[name].points}
    watched |= {point.session for point in travels.values()}
    told, tells = dict[str, str](), list[int]()
    devices = page.values[DEVICE]
    for row, session in zip(rows.tolist(), page.columns.pick("session.id", rows), strict=True):
        if not session:
            continue
        if session in watched:
            tells.append(row)
        recent.touch(told, session, devices[row] or "")
    for session, device in told.items():
        known = tail.devices.get(session, "")
        recent.touch(tail.devices, session, known if session in watched else device)
    return tells


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
