"""What is usual for whom: statements about people, learned in steps of the event clock.

What a person shows is noted in the open hour and becomes known only when that hour settles, so
no event is part of its own baseline. What a suspect shows is not learned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from detector import geo
from detector.ledger import Ledger, New
from detector.observations import PLACE
from detector.persons import Guard, Judged, Lessons, OpenHour, Person, Suspect, verdict
from detector.workhours import DAY_US, HOUR_US

GUARD_DAYS: Final = 14
"""Days after which an unjudged guard may lift, if the thing was seen on two further days."""
FURTHER_DAYS: Final = 2
PINNED_DAYS: Final = 3
"""A pinned value is as familiar as what was seen on so many days."""
MOST_PER_KIND: Final = 5_000
"""Values of one kind that are kept for one person; beyond that the longest unseen goes."""


class Facts(msgspec.Struct):
    """All that is known about the people of one account, and what the open hour adds to it."""

    remember_days: int = 90
    default_zone: str = "UTC"
    people: dict[str, Person] = {}
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    places: dict[str, tuple[str | None, float | None, float | None]] = {}
    """Country and coordinates of each place."""
    hour: OpenHour = msgspec.field(default_factory=OpenHour)
    stated_zones: dict[str, str] = {}
    """Zones that the organisation states (people.yml), by person."""
    suspects: dict[str, Suspect] = {}
    pinned: dict[str, dict[str, None]] = {}
    """What people said is so, by person: "kind:value"."""
    rejected: dict[str, dict[str, None]] = {}
    """What people said is not so, and is never learned."""
    withdrawn: dict[str, list[int]] = {}
    """Per person the evidence of alerts: facts that began there are withdrawn when settling."""
    peers: dict[str, list[str]] = {}
    """Who works with the same vaults, by person, where a rule asks for it: see `peers.py`."""
    judged: dict[str, list[Judged]] = {}
    """What people said of alerts, by the person whom these are about."""

    def zone_of(self, name: str) -> str:
        """The person's IANA zone: stated, else inferred, else the organisation's."""
        stated = self.stated_zones.get(name)
        if stated:
            return stated
        person = self.people.get(name)
        return (person and person.zone) or self.default_zone

    def days(self, name: str, kind: int, value: str) -> int:
        """Distinct prior days on which the person showed the value; 0 if never."""
        return self.ledger.days(name, kind, value)

    def crowd(self, kind: int, value: str) -> int:
        """How many people are known to show the value."""
        return self.ledger.crowd(kind, value)

    def others(self, name: str, kind: int, value: str) -> int:
        """How many other people are known to show the value."""
        own = 1 if self.days(name, kind, value) else 0
        return self.crowd(kind, value) - own

    def suspect(self, name: str, *, until: int, seqs: Iterable[int], high: bool) -> None:
        """Stop learning what is new about a person until then; withdraw what `seqs` taught."""
        suspect = self.suspects.setdefault(name, Suspect(0))
        self.hour.doubted.setdefault(name, suspect.until)
        suspect.until = max(suspect.until, until)
        if high:
            suspect.high = max(suspect.high, until)
        self.withdrawn.setdefault(name, []).extend(seqs)

    def is_suspect(self, name: str, since: int) -> bool:
        """Whether anything after `since` is too near to an alert to be learned."""
        suspect = self.suspects.get(name)
        return suspect is not None and suspect.until >= since

    def was_suspect(self, name: str, since: int) -> bool:
        """The same when the open hour began: within it nobody becomes suspect, however pages are cut."""
        before = self.hour.doubted.get(name)
        return self.is_suspect(name, since) if before is None else before >= since

    def holds_back(self, name: str, key: str, day: int, clock: int) -> bool:
        """Whether something new about a person, shown on a day, is not learned at a step of the clock.

        `key` names it among the person's guards; a further day that shows it is noted.
        """
        if name not in self.people:
            return self.is_suspect(name, clock - HOUR_US)
        return self._careful(name, clock) and self._guarded(name, key, day, clock)

    def hold_back(self, name: str, key: str, last_day: int, clock: int) -> None:
        """Guard from now on what was known about a person and last seen on a day."""
        person = self.people.get(name)
        if person is not None:
            person.guards[key] = Guard(clock, last_day)

    def hear(self, name: str, said: Judged, *, lifts: bool) -> None:
        """Note a verdict; one that lifts lets what was guarded become known when seen again.

        Only what came under alerts that were harmless, and under no other that was not.
        """
        known = self.judged.setdefault(name, [])
        known.append(said)
        if not lifts:
            return
        suspect = self.suspects.get(name)
        if suspect is None or verdict(known, suspect.until):
            self.suspects.pop(name, None)
            self.hour.doubted.pop(name, None)
            if all(each.harmless or not each.meets(said) for each in known):
                self.withdrawn.pop(name, None)
        person = self.people.get(name)
        if person is not None:
            for key, guard in list(person.guards.items()):
                if verdict(known, guard.since):
                    del person.guards[key]

    def pin(self, name: str, kind: int, value: str, clock: int) -> None:
        """Know a value of a person from now on, whatever is forgotten or withdrawn."""
        key = f"{kind}:{value}"
        self.pinned.setdefault(name, {})[key] = None
        self.rejected.get(name, {}).pop(key, None)
        self._hold(name, key, clock)

    def reject(self, name: str, kind: int, value: str) -> None:
        """Forget a value of a person, and never learn it again."""
        key = f"{kind}:{value}"
        self.rejected.setdefault(name, {})[key] = None
        self.pinned.get(name, {}).pop(key, None)
        self.ledger.drop(name, kind, value)

    def reset(self, name: str) -> None:
        """Forget all about a person, also what was said about the facts."""
        self.ledger.drop(name)
        for kept in (self.people, self.suspects, self.withdrawn, self.pinned, self.rejected):
            kept.pop(name, None)
        self.judged.pop(name, None)
        self.peers.pop(name, None)

    def _hold(self, name: str, key: str, clock: int) -> None:
        """Know what is pinned, as well as what is familiar."""
        kind, _, value = key.partition(":")
        if not self.ledger.days(name, int(kind), value):
            self.ledger.add(name, int(kind), value, (clock, 0, clock // DAY_US))
        self.ledger.at_least(name, int(kind), value, PINNED_DAYS)

    def _hold_all(self, clock: int) -> None:
        for name, keys in self.pinned.items():
            for key in keys:
                self._hold(name, key, clock)

    def settle(self, clock: int) -> list[str]:
        """Make known what the open hour showed. `clock` is the step, a full hour.

        Returns whose inferred zone is another now.
        """
        for name, seqs in self.withdrawn.items():
            self._withdraw(name, seqs, clock)
        if self.withdrawn and self.pinned:
            self._hold_all(clock)
        self.withdrawn = {}
        hour, self.hour = self.hour, OpenHour()
        self._attend(hour)
        self._learn(hour, clock)
        return self._find_homes(hour)

    def _attend(self, hour: OpenHour) -> None:
        """Note who was active, how often and when last."""
        came = zip(hour.places, hour.first, hour.last, hour.events, strict=True)
        for name, first, last, events in came:
            person = self.people.get(name)
            if person is None:
                person = self.people[name] = Person(first, 0)
            person.events += events
            if last > person.last:
                person.days += last // DAY_US > person.last // DAY_US
                person.last = last

    def _learn(self, hour: OpenHour, clock: int) -> None:
        """Take the hour in: what is known was seen again, the rest is known from now on."""
        names, new = list(hour.places), hour.lessons
        old = self._dropped(hour)
        if len(old):
            new = old.followed_by(new)
        careful = {place for place in set(new.learners) if self._careful(names[place], clock)}
        if careful:
            new = new.take(
                [
                    at
                    for at, place in enumerate(new.learners)
                    if place not in careful
                    or not self._guarded(names[place], new.key(at), new.days[at], clock)
                ]
            )
        learners = [names[place] for place in new.learners]
        self.ledger.add_all(New(learners, new.kinds, new.values, new.seqs, new.days), clock)
        for name, kind in self.ledger.overfull(MOST_PER_KIND):
            while self.ledger.owned(name, kind) > MOST_PER_KIND:
                self.ledger.drop_oldest(name, kind, MOST_PER_KIND // 10)

    def _dropped(self, hour: OpenHour) -> Lessons:
        """What was shown again is seen on one more day; what was dropped meanwhile is new again."""
        again, found = hour.again, Lessons()
        for at in np.flatnonzero(~self.ledger.again(again.lines, again.days)).tolist():
            name, kind, value = self.ledger.shown(int(again.lines[at]))
            found.learners.append(hour.places[name])
            found.kinds.append(kind)
            found.values.append(value)
            found.seqs.append(int(again.seqs[at]))
            found.days.append(int(again.days[at]))
        return found

    def _careful(self, name: str, clock: int) -> bool:
        """Whether something of the person may be guarded."""
        doubted = bool(self.people[name].guards) or name in self.rejected
        return doubted or self.is_suspect(name, clock - HOUR_US)

    def _guarded(self, name: str, key: str, day: int, clock: int) -> bool:
        """Whether an unknown value must not be learned; notes the further days that show it."""
        guards, suspected = self.people[name].guards, self.is_suspect(name, clock - HOUR_US)
        guard = guards.get(key)
        if key in self.rejected.get(name, ()):
            return True
        if guard is None:
            if suspected:
                guards[key] = Guard(clock, day)
            return suspected
        if day > guard.last_day:
            guard.last_day = day
            guard.further_days += 1
        suspect = self.suspects.get(name)
        worse = suspect is not None and suspect.high > guard.since
        young = clock - guard.since < GUARD_DAYS * DAY_US
        said = verdict(self.judged.get(name, ()), guard.since)
        if said is False or suspected or young or guard.further_days < FURTHER_DAYS or worse:
            return True
        del guards[key]
        return False

    def _find_homes(self, hour: OpenHour) -> list[str]:
        """A place of more days than the home becomes the home, and its zone the person's.

        Returns whose zone is another now.
        """
        names, moved = list(hour.places), []
        for visitor, place in zip(hour.visitors, hour.visited, strict=True):
            name = names[visitor]
            person, days = self.people[name], self.days(name, PLACE, place)
            if place == person.home or days <= self.days(name, PLACE, person.home or ""):
                continue
            person.home = place
            country, latitude, longitude = self.places.get(place, (None, None, None))
            if country is not None:
                person.zone = geo.zone_at(country, latitude, longitude) or person.zone
                moved.append(name)
        return moved

    def _withdraw(self, name: str, seqs: Iterable[int], clock: int) -> None:
        """Forget what began under an alert, and guard it from now on."""
        for kind, value, last_day in self.ledger.drop_taught(name, seqs):
            self.hold_back(name, f"{kind}:{value}", last_day, clock)

    def forget(self, clock: int) -> None:
        """Drop what was not seen for `remember_days`. Once a day of the event clock."""
        before = clock // DAY_US - self.remember_days
        young = [name for name, person in self.people.items() if person.first // DAY_US >= before]
        if len(young) < len(self.people):
            self.ledger.drop_unseen(before, young)
            self._hold_all(clock)
        for person in self.people.values():
            for key in [key for key, guard in person.guards.items() if guard.last_day < before]:
                del person.guards[key]


def usual(facts: Facts, name: str, kind: int, *, most: int = 3) -> list[tuple[str, int]]:
    """The person's most usual values of one kind with their days, most days first."""
    known = facts.ledger.days_of(name, kind)
    return sorted(known.items(), key=lambda each: (-each[1], each[0]))[:most]
