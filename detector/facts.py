"""What is usual for whom: statements about people, learned in steps of the event clock.

What a person shows is noted in the person's open hour and becomes known only when that hour
settles, so no event is part of its own baseline. What a suspect shows is not learned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from detector import geo, workhours
from detector.observations import KINDS, PLACE, SLOT, Observations
from detector.persons import Guard, Known, OpenHour, Person, Suspect
from detector.spells import DAY_US, HOUR_US

GUARD_DAYS: Final = 14
"""Days after which an unjudged guard may lift, if the thing was seen on two further days."""
FURTHER_DAYS: Final = 2
MOST_PER_KIND: Final = 5_000
"""Values of one kind that are kept for one person; beyond that the longest unseen goes."""


News = tuple[int, str, int]
"""A kind, a value that a person shows first in the open hour, and the days it was known on."""


class Facts(msgspec.Struct):
    """All that is known about the people of one account, and what the open hour adds to it."""

    remember_days: int = 90
    default_zone: str = "UTC"
    people: dict[str, Person] = {}
    population: list[dict[str, int]] = msgspec.field(default_factory=lambda: [{} for _ in KINDS])
    """`population[kind][value]`: how many people are known to show it."""
    places: dict[str, tuple[str | None, float | None, float | None]] = {}
    """Country and coordinates of each place."""
    hours: dict[str, OpenHour] = {}
    stated_zones: dict[str, str] = {}
    """Zones that the organisation states (people.yml), by person."""
    suspects: dict[str, Suspect] = {}
    withdrawn: dict[str, list[int]] = {}
    """Per person the evidence of alerts: facts that began there are withdrawn when settling."""

    def observe(self, page: Observations, spell: int) -> list[News]:
        """Note what a spell shows; return what is new in the open hour and came in time for it."""
        spells, news = page.spells, list[News]()
        name, taught = spells.names[spell], spells.taught[spell]
        if not taught:
            return news
        hour = self.hours.get(name)
        if hour is None:
            hour = self.hours[name] = OpenHour(spells.first_taught[spell])
        hour.events += taught
        hour.last = max(hour.last, spells.newest[spell])
        person, seen, lessons = self.people.get(name), hour.seen, hour.lessons
        known = person.known if person else _NOTHING
        for kind, shown, row, day, prompt in spells.firsts.of(spell):
            value = shown or ""
            if kind == SLOT:
                value = workhours.slot(self.zone_of(name), page.times[row])
                if value in hour.slots:
                    continue
                hour.slots.append(value)
            elif seen and value in seen[kind]:
                continue
            fact = known[kind].get(value)
            if fact is None or fact.last_day < day:
                lessons.append((kind, value, page.seqs[row], page.times[row]))
            if prompt:
                news.append((kind, value, fact.days if fact else 0))
        return news

    def carry(self, page: Observations, start: int) -> None:
        """Note what the hour that began in row `start`, and is open, has shown to the page's end."""
        spells = page.spells
        for spell in spells.within(start, len(page)):
            hour = self.hours.get(spells.names[spell])
            if hour is None:
                continue
            if not hour.seen:
                hour.seen = [{} for _ in range(SLOT)]
            for kind, value, _row, _day, _prompt in spells.firsts.of(spell):
                if kind != SLOT and value is not None:
                    hour.seen[kind][value] = None

    def zone_of(self, name: str) -> str:
        """The person's IANA zone: stated, else inferred, else the organisation's."""
        stated = self.stated_zones.get(name)
        if stated:
            return stated
        person = self.people.get(name)
        return (person and person.zone) or self.default_zone

    def days(self, name: str, kind: int, value: str) -> int:
        """Distinct prior days on which the person showed the value; 0 if never."""
        person = self.people.get(name)
        fact = person.known[kind].get(value) if person else None
        return fact.days if fact else 0

    def others(self, name: str, kind: int, value: str) -> int:
        """How many other people are known to show the value."""
        own = 1 if self.days(name, kind, value) else 0
        return self.population[kind].get(value, 0) - own

    def suspect(self, name: str, *, until: int, seqs: Iterable[int], high: bool) -> None:
        """Stop learning what is new about a person until then; withdraw what `seqs` taught."""
        suspect = self.suspects.setdefault(name, Suspect(until))
        suspect.until = max(suspect.until, until)
        if high:
            suspect.high = max(suspect.high, until)
        self.withdrawn.setdefault(name, []).extend(seqs)

    def is_suspect(self, name: str, since: int) -> bool:
        """Whether anything after `since` is too near to an alert to be learned."""
        suspect = self.suspects.get(name)
        return suspect is not None and suspect.until >= since

    def lift(self, name: str) -> None:
        """A benign verdict: learn again, and what was guarded may become known when seen."""
        self.suspects.pop(name, None)
        self.withdrawn.pop(name, None)
        person = self.people.get(name)
        if person is not None:
            person.guards.clear()

    def settle(self, clock: int) -> None:
        """Make known what the open hours showed. `clock` is the step, a full hour."""
        for name, seqs in self.withdrawn.items():
            self._withdraw(name, set(seqs), clock)
        self.withdrawn = {}
        for name, hour in self.hours.items():
            self._learn(name, hour, clock)
        self.hours = {}

    def _learn(self, name: str, hour: OpenHour, clock: int) -> None:
        person = self._person(name, hour.first)
        careful = bool(person.guards) or self.is_suspect(name, clock - HOUR_US)
        for kind, value, seq, time in hour.lessons:
            known, day = person.known[kind], time // DAY_US
            fact = known.get(value)
            if fact is not None:
                if day > fact.last_day:
                    fact.days += 1
                    fact.last_day = day
            elif not (careful and self._guarded(name, f"{kind}:{value}", day, clock)):
                known[value] = Known(clock, seq, day)
                crowd = self.population[kind]
                crowd[value] = crowd.get(value, 0) + 1
                if len(known) > MOST_PER_KIND:
                    self._drop_oldest(known, kind)
        fresh_day = hour.last // DAY_US > person.last // DAY_US
        person.events += hour.events
        person.last = max(person.last, hour.last)
        if fresh_day:
            person.days += 1
            self._find_home(person)

    def _guarded(self, name: str, key: str, day: int, clock: int) -> bool:
        """Whether an unknown value must not be learned; notes the further days that show it."""
        guards, suspected = self.people[name].guards, self.is_suspect(name, clock - HOUR_US)
        guard = guards.get(key)
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
        if suspected or young or guard.further_days < FURTHER_DAYS or worse:
            return True
        del guards[key]
        return False

    def _person(self, name: str, first: int) -> Person:
        person = self.people.get(name)
        if person is None:
            person = self.people[name] = Person(first, 0)
        return person

    def _find_home(self, person: Person) -> None:
        """The place of most days, and the zone that lies there."""
        places = person.known[PLACE]
        if not places:
            return
        home = max(places, key=lambda place: (places[place].days, place))
        if home == person.home:
            return
        person.home = home
        country, latitude, longitude = self.places.get(home, (None, None, None))
        if country is not None:
            person.zone = geo.zone_at(country, latitude, longitude) or person.zone

    def _withdraw(self, name: str, seqs: set[int], clock: int) -> None:
        """Forget what began under an alert, and guard it from now on."""
        person = self.people.get(name)
        if person is None:
            return
        for kind, known in enumerate(person.known):
            for value in [value for value, fact in known.items() if fact.first_seq in seqs]:
                person.guards[f"{kind}:{value}"] = Guard(clock, known[value].last_day)
                self._drop(known, kind, value)

    def forget(self, clock: int) -> None:
        """Drop what was not seen for `remember_days`. Once a day of the event clock."""
        before = clock // DAY_US - self.remember_days
        for person in self.people.values():
            if person.first // DAY_US >= before:
                continue
            for kind, known in enumerate(person.known):
                for value in [value for value, fact in known.items() if fact.last_day < before]:
                    self._drop(known, kind, value)

    def _drop_oldest(self, known: dict[str, Known], kind: int) -> None:
        for value in sorted(known, key=lambda value: known[value].last_day)[: MOST_PER_KIND // 10]:
            self._drop(known, kind, value)

    def _drop(self, known: dict[str, Known], kind: int, value: str) -> None:
        del known[value]
        left = self.population[kind].get(value, 0) - 1
        if left > 0:
            self.population[kind][value] = left
        else:
            self.population[kind].pop(value, None)


_NOTHING: Final = Person(0, 0).known


def usual(facts: Facts, name: str, kind: int, *, most: int = 3) -> list[tuple[str, int]]:
    """The person's most usual values of one kind with their days, most days first."""
    person = facts.people.get(name)
    if person is None:
        return []
    known = person.known[kind]
    ranked = sorted(known, key=lambda value: (-known[value].days, value))
    return [(value, known[value].days) for value in ranked[:most]]
