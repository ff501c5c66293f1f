"""Paces: how much of something people show on a day, and what of it is usual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from detector import peers
from detector.facts import Facts
from detector.persons import Person
from detector.rule_types import recent
from detector.rule_types.base import Tail
from detector.workhours import DAY_US

STEADY_EACH: Final = 2
"""So many values are a day with some."""
HISTORY_DAYS: Final = 42
OWN_WEIGHT: Final = 7.0
"""After so many active days the person's own past counts as much as everybody's."""
GUARDED_DAYS: Final = 7
"""A day under an alert is no baseline for so long, and for the longest window before."""
MOST_OF_ONE: Final = 30
"""What one person's day counts at most among those of everybody, or a thief would set the norm."""
ALL: Final = ""
"""The group of everybody."""
ALIKE: Final = "\x1f"
"""The group of those who are learned to work with the same vaults."""
LEAST_PEERS: Final = 8
LEAST_PEER_DAYS: Final = 80
"""A group of fewer people, or of fewer of their days, says less than everybody (model.md section 4)."""


class Seen(msgspec.Struct, gc=False):
    """A value that counts, and the event that showed it first."""

    time: int
    seq: int
    event_id: str
    vault: str | None = None
    told_at: int | None = None
    """Event time at which an alert told of it; a day later it counts no more."""


class Everybody(msgspec.Struct, gc=False):
    """What one active day of anybody of a group brings, as known when the clock came to a day."""

    day: int
    group: str
    people: int
    person_days: float
    mean: float
    spread: float
    steady: float


class Usual(msgspec.Struct, gc=False):
    """What one active day usually brings: for this person, and for everybody."""

    mean: float
    spread: float
    steady: float
    most: int
    most_in_week: int
    days: int
    everybody: float
    person_days: int
    group: str
    """Whose usual `everybody` is: that of the person's group, or of ALL."""
    alike: int = 0
    """How many learned peers `everybody` are, 0 if they are not."""


class Pace(msgspec.Struct):
    """One person's counted values of the last days, and counts of the days before."""

    group: str = ALL
    """The group that the organisation states for the person."""
    seen: dict[str, Seen] = {}
    days: dict[int, int] = {}
    """Counted values by day, also days on which nothing counted."""
    flagged: dict[int, None] = {}
    """Days under an alert, which are no baseline."""
    usual: Usual | None = None
    """What was usual when it was last asked for, with what that was made of."""
    usual_of: tuple[int | str, ...] = ()


class Crowd(msgspec.Struct, gc=False):
    """One closed day of everybody: counted values, their squares, people with some."""

    total: int = 0
    squares: int = 0
    steady: int = 0


class Peers(msgspec.Struct):
    """The closed days of a group, and what they make usual."""

    crowd: dict[int, Crowd] = {}
    everybody: Everybody | None = None


class VolumeTail(Tail):
    """Everybody's pace, and the days of each group together."""

    people: dict[str, Pace] = {}
    groups: dict[str, Peers] = {}
    alike: dict[str, Everybody] = {}
    """What is usual for the learned peers of a person, reckoned once a day where it is asked for."""
    closed: int = 0
    """Days before this one are in the crowds of `groups`."""


def active_days_in(pace: Pace, start: int, end: int) -> int:
    """On how many days between two times the person did any of it, at least one."""
    return max(1, sum(start // DAY_US < day <= end // DAY_US for day in pace.days))


def usual_of(
    facts: Facts, tail: VolumeTail, name: str, day: int, *, learned: bool = False
) -> Usual:
    """What was usual on the days before the longest window that ends on a day.

    `learned`: where no stated group says enough, for the learned peers, if these do.
    """
    pace, person = tail.people[name], facts.people.get(name)
    everybody = _peers(facts, tail, name if learned else "", pace.group)
    made_of = (day, everybody.day, everybody.group, person.days if person else 0, len(pace.flagged))
    if pace.usual is None or pace.usual_of != made_of:
        pace.usual, pace.usual_of = _usual(pace, person, everybody, day), made_of
    return pace.usual


def _usual(pace: Pace, person: Person | None, everybody: Everybody, day: int) -> Usual:
    before = day - 7
    guarded = {flagged for flagged in pace.flagged if flagged > before - GUARDED_DAYS}
    own = {day: n for day, n in pace.days.items() if day < before and day not in guarded}
    days = max(len(own), round(_active_days(person, before * DAY_US)) if person else 0)
    own_steady = sum(count >= STEADY_EACH for count in own.values())
    return Usual(
        mean=(sum(own.values()) + OWN_WEIGHT * everybody.mean) / (days + OWN_WEIGHT),
        spread=everybody.spread,
        steady=(own_steady + OWN_WEIGHT * everybody.steady) / (days + OWN_WEIGHT),
        most=max(own.values(), default=0),
        most_in_week=max((sum(own.get(day + n, 0) for n in range(7)) for day in own), default=0),
        days=days,
        everybody=everybody.mean,
        person_days=int(everybody.person_days),
        group="" if everybody.group == ALIKE else everybody.group,
        alike=everybody.people if everybody.group == ALIKE else 0,
    )


def _peers(facts: Facts, tail: VolumeTail, name: str, group: str) -> Everybody:
    """What is usual for the group, if it says enough, else for learned peers, else for all."""
    if group != ALL:
        found = _everybody(facts, tail, group)
        if found.people >= LEAST_PEERS and found.person_days >= LEAST_PEER_DAYS:
            return found
    if facts.peers.get(name):
        found = _alike(facts, tail, name)
        if found.people >= peers.LEAST_PEERS and found.person_days >= LEAST_PEER_DAYS:
            return found
    return _everybody(facts, tail, ALL)


def _alike(facts: Facts, tail: VolumeTail, name: str) -> Everybody:
    """What is usual for the learned peers of a person, made anew when a day has been closed."""
    known = tail.alike.get(name)
    if known is None or known.day != tail.closed:
        names = [each for each in facts.peers[name] if each in facts.people]
        paces = [tail.people[each].days for each in names if each in tail.people]
        counts = [
            min(count, MOST_OF_ONE)
            for days in paces
            for day, count in days.items()
            if tail.closed - HISTORY_DAYS <= day < tail.closed
        ]
        crowd = _crowd(counts)
        people = [facts.people[each] for each in names]
        known = tail.alike[name] = _of(ALIKE, tail.closed, people, crowd)
    return known


def _everybody(facts: Facts, tail: VolumeTail, group: str) -> Everybody:
    """What is usual for a group, made anew when a day has been closed."""
    closed = tail.groups.get(group)
    if closed is None:
        closed = tail.groups[group] = Peers()
    if closed.everybody is None or closed.everybody.day != tail.closed:
        crowd = Crowd(
            sum(each.total for each in closed.crowd.values()),
            sum(each.squares for each in closed.crowd.values()),
            sum(each.steady for each in closed.crowd.values()),
        )
        closed.everybody = _of(group, tail.closed, _people(facts, tail, group), crowd)
    return closed.everybody


def _of(group: str, closed: int, people: list[Person], crowd: Crowd) -> Everybody:
    """What the closed days of people together make usual."""
    days = sum(_active_days(each, closed * DAY_US) for each in people)
    total, squares = crowd.total, crowd.squares
    return Everybody(
        day=closed,
        group=group,
        people=len(people),
        person_days=days,
        mean=(total + 1) / (days + 10),
        spread=max(2.0, (squares - total * total / max(1, days)) / max(1, total)),
        steady=(crowd.steady + 1) / (days + 50),
    )


def _people(facts: Facts, tail: VolumeTail, group: str) -> list[Person]:
    if group == ALL:
        return list(facts.people.values())
    return [
        person
        for name, pace in tail.people.items()
        if pace.group == group and (person := facts.people.get(name)) is not None
    ]


def _active_days(person: Person, time: int) -> float:
    """About how many of the last `HISTORY_DAYS` days the person was active."""
    age_days = max(1.0, (time - person.first) / DAY_US)
    return person.days * min(1.0, HISTORY_DAYS / age_days)


def close(tail: VolumeTail, today: int, oldest_us: int) -> None:
    """Midnight: count the days that are over, and drop what no window and no late event can reach."""
    for day in range(max(tail.closed, today - HISTORY_DAYS), today):
        _count(tail, day)
    whole = today - tail.closed > 1
    for name, pace in list(tail.people.items()):
        recent.drop_while(pace.seen, lambda each: each.time < oldest_us)
        # From one midnight to the next only one day can have become too old.
        if whole or today - HISTORY_DAYS - 1 in pace.days:
            _drop_days(pace, today - HISTORY_DAYS)
        if not pace.days:
            del tail.people[name]
    tail.closed, tail.alike = today, {}
    for group in tail.groups.values():
        for day in [day for day in group.crowd if day < today - HISTORY_DAYS]:
            del group.crowd[day]


def _count(tail: VolumeTail, day: int) -> None:
    """Count what everybody did on a day into the crowds of all and of the groups."""
    counts: dict[str, list[int]] = {ALL: []}
    for pace in tail.people.values():
        count = pace.days.get(day)
        if count is not None:
            counts[ALL].append(min(count, MOST_OF_ONE))
            if pace.group != ALL:
                counts.setdefault(pace.group, []).append(min(count, MOST_OF_ONE))
    for group, each in counts.items():
        if each:
            tail.groups.setdefault(group, Peers()).crowd[day] = _crowd(each)


def _crowd(counts: Sequence[int]) -> Crowd:
    squares, steady = (
        sum(each * each for each in counts),
        sum(each >= STEADY_EACH for each in counts),
    )
    return Crowd(sum(counts), squares, steady)


def _drop_days(pace: Pace, oldest: int) -> None:
    pace.days = {day: count for day, count in pace.days.items() if day >= oldest}
    pace.flagged = {day: None for day in pace.flagged if day >= oldest}
