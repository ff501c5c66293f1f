"""Usual: what one active day brings, for a person, drawn towards that of everybody or of peers."""

from __future__ import annotations

from typing import Final

from detector import peers
from detector.facts import Facts
from detector.persons import Person
from detector.rule_types.paces import (
    ALL,
    HISTORY_DAYS,
    LEAST_PEERS,
    MOST_OF_ONE,
    STEADY_EACH,
    Crowd,
    Everybody,
    Pace,
    Peers,
    Room,
    Usual,
    VolumeTail,
    crowd_of,
)
from detector.workhours import DAY_US

OWN_WEIGHT: Final = 7.0
"""After so many active days the person's own past counts as much as everybody's."""
GUARDED_DAYS: Final = 7
"""A day under an alert is no baseline for so long, and for the longest window before."""
ALIKE: Final = "\x1f"
"""The group of those who are learned to work with the same vaults."""
LEAST_PEER_DAYS: Final = 80
"""A group of fewer of its people's days says less than everybody (model.md section 4)."""


def usual_of(
    facts: Facts, tail: VolumeTail, name: str, day: int, *, learned: bool = False
) -> Usual:
    """What was usual on the days before the longest window that ends on a day.

    `learned`: where no stated group says enough, for the learned peers, if these do.
    """
    person, group = facts.people.get(name), tail.people[name].group
    everybody = _peers(facts, tail, name if learned else "", group)
    return _usual(tail.people[name], person, everybody, day)


def usual_in(room: Room, facts: Facts, tail: VolumeTail, name: str, *, learned: bool) -> Usual:
    """The same for a person's room: made anew only where something of it may be another."""
    person = facts.people.get(name)
    everybody = _peers(facts, tail, name if learned else "", room.pace.group)
    made_of = (everybody, person.days if person else 0)
    if room.usual is None or room.made_of != made_of:
        room.usual, room.made_of = _usual(room.pace, person, everybody, room.day), made_of
    return room.usual


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
        crowd = crowd_of(counts)
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
