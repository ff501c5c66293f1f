"""Warmth: who is known well enough to be judged like everybody, and who will be when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from detector import workhours
from detector.persons import Person
from detector.state import Memory
from detector.workhours import DAY_US

WARM_DAYS: Final = 14
WARM_EVENTS: Final = 20
WARM_ACTIVE: Final = 10
"""Whoever is known for 14 days, or by 20 events on ten days, is warm (behaviours.md 2.3, 2.4)."""
MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Warmth:
    """How many people are known, and those who are still learned with the day on which they are not."""

    people: int
    cold: tuple[tuple[str, date], ...]

    @property
    def words(self) -> str:
        """As a sentence that names the first of them."""
        said = f"{self.people - len(self.cold)} of {self.people} people are warm"
        if not self.cold:
            return said
        shown = [f"{who} on {day:%Y-%m-%d}" for who, day in self.cold[:MOST_NAMED]]
        more = len(self.cold) - MOST_NAMED
        rest = f" and {more} more" if more > 0 else ""
        return f"{said}; {len(self.cold)} will be: {', '.join(shown)}{rest}"


def warmth(memory: Memory) -> Warmth:
    """Who is warm by now (event clock), the others in order of their dates."""
    people = memory.facts.people
    cold = [
        (warm_on(person), who(memory, name))
        for name, person in people.items()
        if not is_warm(person, memory.clock)
    ]
    return Warmth(len(people), tuple((name, day) for day, name in sorted(cold)))


def who(memory: Memory, name: str) -> str:
    """A person as people call them: name, else e-mail, else uuid."""
    email, full_name = memory.contacts.get(name, (None, None))
    return full_name or email or name


def is_warm(person: Person, clock: int) -> bool:
    """Whether a person is known well enough at a time (microseconds of UTC)."""
    known_days = (clock - person.first) / DAY_US
    often = person.events >= WARM_EVENTS and person.days >= WARM_ACTIVE
    return known_days >= WARM_DAYS or often


def warm_on(person: Person) -> date:
    """The day (UTC) on which a person is warm at the latest."""
    return (workhours.instant(person.first) + timedelta(days=WARM_DAYS)).date()
