"""Session hijack: one session goes on from another network, as a stolen session does.

Only audit events and sign-ins name their session. A session that moves is everyday: a laptop goes
home. It is suspicious where the new network is one that the person never used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, Literal

import msgspec
import numpy as np

from detector import networks, workhours
from detector.facts import Facts
from detector.findings import Finding, Level
from detector.numbering import grouped
from detector.observations import COUNTRY, NETWORK, Observations
from detector.rule import Rule
from detector.rule_types import aftermath, recent
from detector.rule_types.base import Behavior, Scene, Tail, Told, Watch, one_event, walk
from detector.rule_types.journeys import Leg, Point, leg, points
from detector.rule_types.learning import LEARNING
from detector.rule_types.notes import Note
from detector.wording import span
from detector.workhours import DAY_US

KEEP_US: Final = 15 * DAY_US
MOST_SESSIONS: Final = 50_000
MOST_POINTS: Final = 8
NEAR_KM: Final = 100.0
FAST_KMH: Final = 1_000.0
OVERLAP_US: Final = 3_600_000_000
EGRESS_PEOPLE: Final = 3
ANONYMISERS: Final = ("relay", "tor", "anonymiser")


class Run(msgspec.Struct, gc=False):
    """A session: the newest point of each network that it was seen on, in order of coming."""

    points: dict[str, Point] = {}


class HijackTail(Tail):
    """Sessions by id, the one that was seen last at the end."""

    sessions: dict[str, Run] = {}
    suspicions: dict[str, aftermath.Suspicion] = {}


class SessionHijack(Behavior):
    """One session on two networks, of which the person never used the second before.

    Alone it is low, for people travel with their sessions. It is of the rule's level where no
    aircraft could connect the two places, where two cities are seen within an hour of each other,
    or where the network is one of hosting or anonymity.
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "source.ip", "source.latitude", "source.longitude",
        "session.id", "client.os_name", "event.type", "event.action", "object.type",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = HijackTail

    type: Literal["session_hijack"]

    def begin(self, rule: Rule, day: Scene, rows: Sequence[int], tail: Any) -> Watch:
        """Let the sessions go on that stay at one address; the others move."""
        moving = _moving(day, np.array(rows, dtype=np.int64), tail)
        made = dict(zip(moving.tolist(), points(day, moving), strict=True))
        moves = [*made]

        def watch(scene: Scene) -> Iterator[Finding]:
            seen = scene.within(moves)
            sensitive = aftermath.may_follow(tail.suspicions, scene, seen)
            for row, (matched, follows) in walk(seen, sensitive):
                if follows:
                    yield from aftermath.followed(tail.suspicions, scene, row, Level.CRITICAL)
                if matched:
                    yield from self._seen(rule, scene, made[row], tail)

        return watch

    def _seen(self, rule: Rule, scene: Scene, here: Point, tail: HijackTail) -> Iterator[Finding]:
        """A session is seen that may have moved."""
        run, row = tail.sessions[here.session or ""], here.seq - scene.page.seqs[0]
        if scene.notes is not None:
            scene.notes.add(_note(rule, row, run, here.network or ""))
        known = _same_address(run, scene.page, row)
        if known is not None:
            _see(known, scene.page, row)
        else:
            yield from self._moved(rule, scene, (run, here), tail)

    def _moved(
        self, rule: Rule, scene: Scene, at: tuple[Run, Point], tail: HijackTail
    ) -> Iterator[Finding]:
        run, here = at
        network = here.network or ""
        others = [old for other, old in run.points.items() if other != network]
        if others:
            finding = self._judge(rule, scene, others, here)
            if finding is not None:
                aftermath.remember(tail.suspicions, finding, network)
                yield finding
        known = run.points.get(network)
        if known is None or known.time <= here.time:
            run.points[network] = here
        recent.bound(run.points, MOST_POINTS)

    def _judge(
        self, rule: Rule, scene: Scene, others: Sequence[Point], here: Point
    ) -> Finding | None:
        """The finding of the point that is stranger to the person, against the nearest other."""
        row, facts = here.seq - scene.page.seqs[0], scene.facts
        name = scene.page.people[row] or ""
        there = min(others, key=lambda old: abs(old.time - here.time))
        known, elsewhere = _days(facts, name, here), _days(facts, name, there)
        strange, usual = (here, there) if known <= elsewhere else (there, here)
        known = min(known, elsewhere)
        if scene.notes is not None:
            wants = "one of the two networks is new for the person"
            sees = f"{strange.network or strange.ip} was used on {known:,} days before"
            note = Note(rule.id, row, known == 0, wants, sees, -float(known) or None, "days")
            scene.notes.add(note)
        if known > 0:
            return None
        start, end = sorted((strange, usual), key=lambda each: (each.time, each.seq))
        way = leg(start, end)
        strong = _strong(scene, name, (strange, usual), way)
        rung, margin = _rung(scene, name, strange, usual)
        return replace(
            one_event(scene, row, rule, scene.actor(row, name)),
            level=rule.level if set(strong) - {"country"} else Level.LOW,
            rarity=min(0.9, 0.2 + 0.2 * len(strong)),
            time=workhours.instant(end.time),
            first_time=workhours.instant(start.time),
            event_ids=tuple(each.event_id for each in (start, end)),
            event_seqs=tuple(each.seq for each in (start, end)),
            evidence={
                "from_place": usual.label,
                "to_place": strange.label,
                "from_ip": usual.ip,
                "source.ip": strange.ip,
                "source.country": strange.country,
                "distance_km": round(way.distance_km) if way else None,
                "minutes": round(abs(strange.time - usual.time) / 60_000_000, 1),
                "strong": strong,
                "timezone": facts.zone_of(name),
            },
            suppressed_by=rung,
            margin=margin,
        )

    def forget(self, tail: Any, clock: int) -> None:
        """Drop the sessions that were seen longest ago, if no late event can reach them, or too many."""
        recent.bound(tail.sessions, MOST_SESSIONS)
        aftermath.forget(tail.suspicions, clock - 8 * DAY_US)
        recent.drop_while(
            tail.sessions,
            lambda run: all(each.time < clock - KEEP_US for each in run.points.values()),
        )

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """From which network to which, and what makes it strange."""
        summary = (
            f"A session of {who} went on from {evidence['to_place']} ({evidence['source.ip']}), "
            f"{span(evidence['minutes'])} away in time from {evidence['from_place']} "
            f"({evidence['from_ip']})"
        )
        why = ["+ the network was never used by this person before"]
        why += [f"+ {_STRONG[each]}" for each in evidence["strong"]]
        if not evidence["strong"]:
            why.append(
                "- the country is usual, and the way between the two can be gone in the time"
            )
        return Told(summary, (*aftermath.why(evidence), *why))


_STRONG: Final = {
    "country": "the country is new for this person, too",
    "speed": "no aircraft connects the two places in the time between",
    "overlap": "both networks were used within an hour of each other, in different cities",
    "hosting": "the network belongs to a hosting company",
    "anonymiser": "the network hides where its users are",
}


def _note(rule: Rule, row: int, run: Run, network: str) -> Note:
    others = [other for other in run.points if other != network]
    sees = f"seen on {network}" + (f", and before on {', '.join(others)}" if others else " only")
    return Note(rule.id, row, bool(others), "the session is seen on a second network", sees)


def _moving(day: Scene, rows: np.ndarray, tail: HijackTail) -> np.ndarray:
    """The rows of sessions that are seen at several addresses, or late; the others go on at once.

    Sessions are kept in the order in which they were last seen.
    """
    page, sessions = day.page, day.page.sessions
    rows = rows[(sessions.codes[rows] >= 0) & (page.pairs.at[NETWORK, rows] >= 0)]
    order, starts, ends = grouped(sessions.codes[rows])
    rows = rows[order]
    steady = _steady(page, rows, starts) if day.notes is None else np.zeros(len(starts), dtype=bool)
    begun = list[tuple[Run, int, int]]()
    firsts, lasts = rows[starts].tolist(), rows[ends - 1].tolist()
    for place in np.argsort(lasts).tolist():
        first, last = firsts[place], lasts[place]
        session = sessions.texts[sessions.codes[first]]
        run = tail.sessions.get(session) or Run()
        recent.touch(tail.sessions, session, run)
        if not run.points and steady[place]:
            begun.append((run, first, last))
        elif steady[place] and (known := _same_address(run, page, first)) is not None:
            _see(known, page, last)
        else:
            steady[place] = False
    _begin(day, begun)
    return np.sort(rows[np.repeat(~steady, ends - starts)])


def _steady(page: Observations, rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Of sessions whose rows lie side by side whether each is at one address and none is late."""
    if not len(rows):
        return np.empty(0, dtype=bool)
    at, times, alike = page.addresses.codes[rows], page.time_us[rows], np.ones(len(rows), bool)
    alike[1:] = (at[1:] == at[:-1]) & (times[1:] >= times[:-1])
    alike[starts] = True
    return np.logical_and.reduceat(alike, starts)


def _same_address(run: Run, page: Observations, row: int) -> Point | None:
    """The only point of a session if a row, which is not late, is at its address."""
    if len(run.points) != 1:
        return None
    (known,) = run.points.values()
    address = page.addresses.texts[page.addresses.codes[row]]
    return known if known.ip == address and known.time <= page.times[row] else None


def _see(known: Point, page: Observations, row: int) -> None:
    """A session is seen again where it is; `known` is that from now on."""
    known.time, known.seq, known.event_id = page.times[row], page.seqs[row], page.ids[row]


def _begin(day: Scene, begun: Sequence[tuple[Run, int, int]]) -> None:
    """Let sessions begin that are not known: each with its first and its last row."""
    firsts = np.array([first for _, first, _ in begun], dtype=np.int64)
    for (run, _, last), point in zip(begun, points(day, firsts), strict=True):
        _see(point, day.page, last)
        run.points[point.network or ""] = point


def _days(facts: Facts, name: str, each: Point) -> int:
    return facts.days(name, NETWORK, each.network or "")


def _strong(scene: Scene, name: str, ends: tuple[Point, Point], way: Leg | None) -> list[str]:
    """What makes the move more than a laptop on its way home."""
    (strange, usual), facts, found = ends, scene.facts, []
    if strange.country and not facts.days(name, COUNTRY, strange.country):
        found.append("country")
    far = way is not None and not way.by_carrier
    if way and far and way.effective_km >= NEAR_KM and way.speed_kmh >= FAST_KMH:
        found.append("speed")
    apart = far and bool(strange.place and usual.place and strange.place != usual.place)
    if apart and way and way.effective_km > 0 and abs(strange.time - usual.time) <= OVERLAP_US:
        found.append("overlap")
    if strange.kind == "hosting":
        found.append("hosting")
    if strange.kind in {*ANONYMISERS, networks.VPN} and not scene.networks.kind(strange.ip):
        found.append("anonymiser")
    return found


def _rung(scene: Scene, name: str, strange: Point, usual: Point) -> tuple[str | None, float | None]:
    """The first innocent explanation that holds, and by how much."""
    facts = scene.facts
    # What a list calls a VPN is somebody else's; only networks.yml says what is the company's.
    declared = (scene.networks.kind(strange.ip), scene.networks.kind(usual.ip))
    if declared[0] in {networks.OFFICE, networks.VPN} or declared[1] == networks.VPN:
        return "corporate-network", None
    crowd = facts.others(name, NETWORK, strange.network or "")
    if crowd >= EGRESS_PEOPLE:
        return "tenant-egress", float(crowd - EGRESS_PEOPLE)
    person = facts.people.get(name)
    if person is None or person.days < 3:
        return LEARNING, 3.0 - (person.days if person else 0)
    return None, None
