"""Volume: more of something than the person ever does, at once or day after day.

What is usual is the person's own past, drawn towards that of everybody as long as it is short.
A burst is judged in an hour, a day and a week; and because who takes little every day is never
a burst, it is also judged on how many of the last days there was some.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from detector import events, workhours
from detector.facts import Facts
from detector.findings import Finding, Level
from detector.observations import CLIENT, COUNTRY, ITEM, NETWORK, VAULT
from detector.peers import LEARNED
from detector.rule import Rule
from detector.rule_types import recent, volume_words
from detector.rule_types.base import KIND_OF, HourlyBehavior, Scene, Tail, Told, one_event
from detector.rule_types.counted import adding, seen_in
from detector.rule_types.excess import Asked, Excess, fresh
from detector.rule_types.learning import LEARNING, sleeps, strong_facts
from detector.rule_types.notes import Note
from detector.rule_types.paces import Pace, Room, Seen, Usual, VolumeTail, close
from detector.rule_types.usual import usual_in, usual_of
from detector.rule_types.volume_words import NOUNS, ONE_VAULT, SPANS
from detector.workhours import DAY_US

MOST_PEOPLE: Final = 50_000
LEARN_DAYS: Final = 14
LEARN_ACTIVE: Final = 10
WARM_PERSON_DAYS: Final = 30
CHANCES: Final = {"low": 1e-6, "medium": 3e-4, "high": 3e-3}
"""An alert if the chance of so much is below this; so one ordinary day in so many alerts."""


class Volume(HourlyBehavior):
    """More than is usual for the person, judged against the own past and that of everybody.

    Chances are tails of a negative binomial distribution (windows) and of a binomial one (days).
    """

    columns: ClassVar[tuple[str, ...]] = (
        "user.email", "user.name", "session.id", "source.ip", "event.category",
    )  # fmt: skip
    tail: ClassVar[type[Tail]] = VolumeTail
    kept_by: ClassVar[tuple[str, ...]] = ("group_by", "of", "only")

    type: Literal["volume"]
    of: str | None = Field(
        default=None, description="Field whose distinct values are counted; without it, events."
    )
    only: Literal["all", "new"] = Field(
        default="all", description="new: only values that the person was never seen with before."
    )
    least: int = Field(default=10, ge=2, description="Fewer than this in a window never alert.")
    within: tuple[Literal["hour", "day", "week"], ...] = Field(
        default=("hour", "day", "week"),
        min_length=1,
        description="Windows that are judged; week also looks at how many of its days had some.",
    )
    sensitivity: Literal["low", "medium", "high"] = Field(
        default="medium",
        description="Chance of so much in an ordinary window, below which it alerts: "
        "low 1e-6, medium 3e-4, high 3e-3.",
    )

    peers: Literal["stated", "learned"] = Field(
        default="stated",
        description="Whose usual the own past is drawn towards: of the group that people.yml states, "
        "or else (learned) of those who use the same vaults, or else of everybody.",
    )

    @property
    def learns_peers(self) -> bool:
        """Whether it compares people with peers whom nobody stated."""
        return self.peers == LEARNED

    @cached_property
    def asked(self) -> Asked:
        """The windows that it judges, and what is too much in them."""
        return Asked(self.within, self.least, CHANCES[self.sensitivity])

    def reads(self) -> frozenset[str]:
        """Event columns that this very rule reads, beside `columns`."""
        return super().reads() | (frozenset({self.of or ""}) & frozenset(events.SCHEMA))

    def watch(self, rule: Rule, scene: Scene, rows: Sequence[int], tail: Any) -> Iterator[Finding]:
        """Count what each event adds; look at it where the person's day has no more room."""
        people, times, notes = scene.page.people, scene.page.times, scene.notes
        rooms = tail.rooms(self.asked)
        ever, has_groups = self.only == "new", scene.known.has_groups
        for row, value in zip(rows, adding(scene, rows, self.of, self.only), strict=True):
            name, day = people[row], times[row] // DAY_US
            if name is None:
                continue
            if has_groups:
                _join(scene, row, name, tail)
            if value is None and notes is None:
                tail.pace(name).days.setdefault(day, 0)
                continue
            room = rooms.get(name)
            if room is None or room.day != day:
                room = rooms[name] = self.asked.room(tail.pace(name), day)
            adds = value is not None and room.takes(value, ever=ever)
            if adds:
                room.add(value, seen_in(scene, row))
            if notes is not None:
                self._note(rule, scene, (row, name), (tail, adds))
            if adds and len(room.seen) > room.quiet:
                yield from self._look(rule, scene, (row, name), (tail, room))

    def _look(
        self, rule: Rule, scene: Scene, at: tuple[int, str], kept: tuple[VolumeTail, Room]
    ) -> Iterator[Finding]:
        """Judge the windows that hold an event, unless as much is usual for the person."""
        (tail, room), name = kept, at[1]
        is_first = room.usual is None
        usual = usual_in(room, scene.facts, tail, name, learned=self.learns_peers)
        if is_first:
            room.quiet = self.asked.quiet(room.pace, usual, room.day)
        if len(room.seen) > room.quiet:
            yield from self._judge(rule, scene, at, (room.pace, usual))

    def usual(self, facts: Facts, tail: VolumeTail, name: str, day: int) -> Usual:
        """What is usual for a person before the longest window that ends on a day."""
        return usual_of(facts, tail, name, day, learned=self.learns_peers)

    def _judge(
        self, rule: Rule, scene: Scene, at: tuple[int, str], judged: tuple[Pace, Usual]
    ) -> Iterator[Finding]:
        (pace, usual), time = judged, scene.page.times[at[0]]
        excess = self.asked.excess(pace, usual, time)
        if excess is None:
            return
        pace.flagged[time // DAY_US] = None
        days = range(excess.start // DAY_US, excess.end // DAY_US + 1)
        inside = [
            (value, each)
            for value, each in fresh(pace, days, time)
            if excess.start <= each.time <= excess.end
        ]
        found = self._found(rule, scene, at, (usual, excess, inside))
        if found.suppressed_by is None:
            for _, each in inside:
                each.told_at = each.told_at or time
        yield found

    def _note(
        self, rule: Rule, scene: Scene, at: tuple[int, str], seen: tuple[VolumeTail, bool]
    ) -> None:
        """Say whether the event adds to the count, and how full each window is."""
        (row, name), (tail, counted), notes = at, seen, scene.notes
        assert notes is not None
        more = "a new" if self.only == "new" else "one more"
        what = f"{more} {NOUNS.get(self.of or '', 'event')} that is not counted yet"
        sees = "it adds one" if counted else "counted already, or not new for the person"
        notes.add(Note(rule.id, row, counted, what, sees))
        if not counted:
            return
        pace, time = tail.people[name], scene.page.times[row]
        usual = self.usual(scene.facts, tail, name, time // DAY_US)
        limit = CHANCES[self.sensitivity]
        for needs, excess in self.asked.looked(pace, usual, time):
            holds = excess.count >= needs and excess.chance < limit
            wants = f"{needs} or more {SPANS[excess.window]}, and a chance below {limit:g}"
            usually = f"{excess.expected:,.1f} are usual"
            sees = f"{excess.count}; {usually}, the chance is {excess.chance:.2g}"
            gap = float(excess.count - needs)
            short = gap if holds or gap < 0 else None
            notes.add(Note(rule.id, row, holds, wants, sees, short, "counted"))

    def _found(
        self,
        rule: Rule,
        scene: Scene,
        at: tuple[int, str],
        judged: tuple[Usual, Excess, list[tuple[str, Seen]]],
    ) -> Finding:
        (row, name), (usual, excess, inside) = at, judged
        evidence = self._evidence(scene, at, judged)
        rung, margin = _rung(scene, name, usual, scene.page.times[row])
        if rung is not None and not sleeps(strong_facts(scene, row, "volume")):
            rung, margin = None, None
        shown = sorted((each for _, each in inside), key=lambda each: (each.time, each.seq))[-100:]
        return replace(
            one_event(scene, row, rule, scene.actor(row, name)),
            level=_level(rule, evidence),
            rarity=min(0.99, max(0.1, -math.log10(max(excess.chance, 1e-300)) / 16)),
            first_time=workhours.instant(shown[0].time),
            time=workhours.instant(shown[-1].time),
            event_ids=tuple(each.event_id for each in shown),
            event_seqs=tuple(each.seq for each in shown),
            evidence=evidence,
            suppressed_by=rung,
            margin=margin,
        )

    def _evidence(
        self,
        scene: Scene,
        at: tuple[int, str],
        judged: tuple[Usual, Excess, list[tuple[str, Seen]]],
    ) -> dict[str, Any]:
        (row, name), (usual, excess, inside) = at, judged
        kind = KIND_OF.get(self.of or "")
        values = [value for value, _ in inside]
        page, vaults = scene.page, Counter(each.vault for _, each in inside if each.vault)
        also = [
            word
            for word, kind in (("source.network", NETWORK), ("source.country", COUNTRY),
                               ("client.fingerprint", CLIENT))
            if (value := page.values[kind][row]) and not scene.facts.days(name, kind, value)
        ]  # fmt: skip
        return {
            "counted": NOUNS.get(self.of or "", "value" if self.of else "event"),
            "only": self.only,
            "vaults": len(vaults),
            "in_one_vault": round(max(vaults.values(), default=0) / max(1, len(inside)), 2),
            "new_vaults": sum(not scene.facts.days(name, VAULT, vault) for vault in vaults),
            "count": excess.count,
            "window": excess.window,
            "expected": round(excess.expected, 2),
            "everybody": round(usual.everybody, 2),
            "peers": usual.group or None,
            "alike": usual.alike or None,
            "most": usual.most,
            "active_days": usual.days,
            "chance": float(f"{excess.chance:.2g}"),
            "nobody_else": _used_alone(scene.facts, name, values) if kind == ITEM else None,
            "also_new": also,
            "source.ip": scene.text("source.ip", row),
            "source.country": page.values[COUNTRY][row],
            "timezone": scene.facts.zone_of(name),
        }

    def forget(self, tail: Any, clock: int) -> None:
        """Close the days that are over, and drop what no window and no late event can reach."""
        close(tail, clock // DAY_US)
        recent.bound(tail.people, MOST_PEOPLE)

    @staticmethod
    def tell(who: str, evidence: dict[str, Any]) -> Told:
        """How much, in which time, and what is usual."""
        return volume_words.tell(who, evidence)


def _join(scene: Scene, row: int, name: str, tail: VolumeTail) -> None:
    """Note the group that the organisation states for who acts in a row."""
    pace, group = tail.pace(name), scene.known.group(scene.text("user.email", row))
    if pace.group != group:
        pace.group = group
        tail.leave(name)


def _used_alone(facts: Facts, name: str, items: Sequence[str]) -> int:
    """How many of the items nobody else is known to use."""
    crowd = facts.ledger.crowd
    counts = [(item, crowd(ITEM, item)) for item in items]
    alone = [item for item, count in counts if count == 1 and facts.days(name, ITEM, item)]
    return len(alone) + sum(not count for _, count in counts)


def _rung(scene: Scene, name: str, usual: Usual, time: int) -> tuple[str | None, float | None]:
    """Too little is known yet: of the person, or of everybody."""
    person = scene.facts.people.get(name)
    age_days = (time - person.first) / DAY_US if person else 0.0
    if usual.person_days < WARM_PERSON_DAYS:
        return LEARNING, float(WARM_PERSON_DAYS - usual.person_days)
    if age_days < LEARN_DAYS and usual.days < LEARN_ACTIVE:
        return LEARNING, LEARN_DAYS - age_days
    return None, None


def _level(rule: Rule, evidence: dict[str, Any]) -> Level:
    """Higher from strange surroundings; lower for what colleagues use, or a work in one vault.

    A project, a rotation or a hand-over lies in one vault that the person works with; who looks
    for what there is reads across vaults.
    """
    shared = evidence["nobody_else"] == 0
    one_work = evidence["in_one_vault"] >= ONE_VAULT and not evidence["new_vaults"]
    return rule.level.raised(int(bool(evidence["also_new"])) - int(shared or one_work))
