"""What happens in people's lives: hires, leavings, holidays, journeys, new devices."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Final

from detector.simulator import rates
from detector.simulator.calendars import DAY, HOUR, Calendar
from detector.simulator.company import Company
from detector.simulator.people import Person
from detector.simulator.places import CITIES, City, flies, journey_hours
from detector.simulator.streams import stream

FOREVER: Final = float("inf")
_TRAVELLERS: Final = frozenset({"sales", "executive", "marketing"})
_CONFERENCES: Final = ("Las Vegas", "Lisbon", "Singapore", "San Francisco", "Barcelona", "Paris")
_BEACHES: Final = ("Lisbon", "Barcelona", "Cape Town", "Mexico City", "Milan", "Istanbul")


@dataclass(frozen=True, slots=True)
class Trip:
    """A journey there and back; moments are seconds since 1970."""

    person: str
    origin: City
    destination: City
    depart: float
    arrive: float
    back_depart: float
    back_arrive: float
    purpose: str
    wifi: bool

    @property
    def legs(self) -> tuple[tuple[float, float], ...]:
        """Departure and arrival, there and back."""
        return (self.depart, self.arrive), (self.back_depart, self.back_arrive)


@dataclass(frozen=True, slots=True)
class Life:
    """The course of somebody's employment during the simulation."""

    hired: float = -FOREVER
    left: float = FOREVER
    off: frozenset[int] = frozenset()
    trips: tuple[Trip, ...] = ()
    laptops: tuple[float, ...] = ()
    phones: tuple[float, ...] = ()
    forgot: float = FOREVER
    moved: float = FOREVER
    dormant: bool = False
    asleep: float = FOREVER
    on_call: frozenset[int] = frozenset()
    outages: tuple[tuple[float, float], ...] = ()

    def where(self, home: City, at: float) -> City:
        """The city somebody is in; on a journey, the one it leads to."""
        for trip in self.trips:
            if trip.depart <= at < trip.back_depart:
                return trip.destination
        return home

    def travelling(self, at: float) -> bool:
        """Whether somebody is on the way at that moment, airport included."""
        return any(
            depart - 2.5 * HOUR <= at < arrive + HOUR
            for trip in self.trips
            for depart, arrive in trip.legs
        )


def lives(company: Company, calendar: Calendar) -> dict[str, Life]:
    """The life of every person by uuid."""
    meetings = _conferences(company, calendar)
    rota = _rota(company, calendar)
    outages = _outages(company, calendar)
    result = {}
    for index, who in enumerate(company.people):
        rng = stream(company.plan.seed, "life", who.uuid)
        life = _course(company, calendar, (index, who), rng)
        if not life.dormant:
            trips = _trips(calendar, who, meetings.get(who.uuid), rng)
            on_call = rota.get(who.uuid, frozenset())
            life = replace(life, trips=trips, on_call=on_call, outages=outages)
        result[who.uuid] = life
    return result


def _course(
    company: Company, calendar: Calendar, place: tuple[int, Person], rng: random.Random
) -> Life:
    index, who = place
    days, zone = calendar.days, who.zone
    workdays = [day for day in range(1, days) if calendar.is_workday(day, who.home.code)]
    draws = {name: rng.random() for name in ("dormant", "hired", "left", "forgot", "moved")}
    settled = index >= 4 and not who.is_admin
    if settled and (index == 4 or draws["dormant"] < rates.DORMANT_SHARE):
        return Life(dormant=True, asleep=_last_use(calendar, zone, rng))
    life = Life(off=_absences(calendar, rng))
    chance = max(len(workdays), 1)
    if settled and workdays and draws["hired"] < rates.HIRE_RATE * chance:
        life = replace(life, hired=calendar.local(zone, rng.choice(workdays), 9.5))
    elif settled and workdays and draws["left"] < rates.LEAVE_RATE * chance:
        life = replace(life, left=calendar.local(zone, rng.choice(workdays), 17.0))
    if workdays and draws["forgot"] < rates.FORGOTTEN_RATE * chance:
        life = replace(life, forgot=calendar.local(zone, rng.choice(workdays), 9.2))
    if draws["moved"] < rates.NEW_PROVIDER_RATE * days:
        life = replace(life, moved=company.plan.begin + rng.uniform(0, days) * DAY)
    laptops = _some(calendar, zone, rates.LAPTOP_REPLACED_RATE, rng)
    return replace(
        life, laptops=laptops, phones=_some(calendar, zone, rates.PHONE_REPLACED_RATE, rng)
    )


def _last_use(calendar: Calendar, zone: str, rng: random.Random) -> float:
    """Half of the dormant accounts are used in the first days, the others not at all."""
    if rng.random() < 0.5:
        return -FOREVER
    return calendar.local(zone, rng.randrange(1, max(2, calendar.days // 7)), 15.0)


def _some(calendar: Calendar, zone: str, rate: float, rng: random.Random) -> tuple[float, ...]:
    if rng.random() >= rate * calendar.days:
        return ()
    return (calendar.local(zone, rng.randrange(calendar.days), rng.uniform(9.0, 17.0)),)


def _absences(calendar: Calendar, rng: random.Random) -> frozenset[int]:
    off: set[int] = set()
    for day in range(calendar.days):
        draw = rng.random()
        if draw < rates.VACATION_RATE:
            off.update(range(day, day + rng.choice((2, 3, 5, 9, 12, 16))))
        elif draw < rates.VACATION_RATE + rates.SICK_RATE:
            off.update(range(day, day + rng.choice((1, 1, 2, 3))))
    return frozenset(off)


def _trips(
    calendar: Calendar, who: Person, meeting: tuple[int, City] | None, rng: random.Random
) -> tuple[Trip, ...]:
    rate = rates.TRIP_RATE if who.role in _TRAVELLERS else rates.RARE_TRIP_RATE
    trips: list[Trip] = []
    day = 0
    while day < calendar.days - 3:
        day += 1
        if meeting is not None and day == meeting[0]:
            trips.append(_trip(calendar, who, (day, 4, meeting[1], "conference"), rng))
        elif rng.random() < rate and (meeting is None or abs(day - meeting[0]) > 16):
            trips.append(_trip(calendar, who, _errand(day, who, rng), rng))
        else:
            continue
        day += 2 + int((trips[-1].back_arrive - trips[-1].depart) // DAY)
    return tuple(trips)


def _errand(day: int, who: Person, rng: random.Random) -> tuple[int, int, City, str]:
    if rng.random() < rates.WORKATION_SHARE:
        return day, rng.randrange(7, 15), _elsewhere(who, _BEACHES, rng), "workation"
    far = rng.random() < 0.45
    near = [name for name, city in CITIES.items() if city.code == who.home.code]
    names = tuple(CITIES) if far or len(near) < 2 else tuple(near)
    return day, rng.choice((1, 1, 2, 2, 3, 4)), _elsewhere(who, names, rng), "business"


def _elsewhere(who: Person, names: tuple[str, ...], rng: random.Random) -> City:
    return CITIES[rng.choice([name for name in names if name != who.home.name] or ["London"])]


def _trip(
    calendar: Calendar, who: Person, errand: tuple[int, int, City, str], rng: random.Random
) -> Trip:
    day, nights, there, purpose = errand
    hours = journey_hours(who.home, there) * HOUR
    depart = calendar.local(who.zone, day, rng.uniform(6.5, 19.0))
    back = calendar.local(there.zone, day + nights, rng.uniform(14.0, 21.0))
    back = max(back, depart + hours + 10 * HOUR)
    late = rng.expovariate(1 / (0.4 * HOUR)), rng.expovariate(1 / (0.4 * HOUR))
    wifi = flies(who.home, there) and rng.random() < rates.ONBOARD_WIFI_SHARE
    return Trip(
        who.uuid, who.home, there, depart, depart + hours + late[0],
        back, back + hours + late[1], purpose, wifi,
    )  # fmt: skip


def _conferences(company: Company, calendar: Calendar) -> dict[str, tuple[int, City]]:
    rng = stream(company.plan.seed, "conferences")
    chosen: dict[str, tuple[int, City]] = {}
    for first in range(5, calendar.days - 6, 21):
        day, city = first + rng.randrange(8), CITIES[rng.choice(_CONFERENCES)]
        for who in rng.sample(company.people, max(2, len(company.people) // 25)):
            if who.home != city:
                chosen.setdefault(who.uuid, (day, city))
    return chosen


def _rota(company: Company, calendar: Calendar) -> dict[str, frozenset[int]]:
    rng = stream(company.plan.seed, "rota")
    able = [who.uuid for who in company.people if who.role in {"engineer", "it"}]
    weeks: dict[str, set[int]] = {}
    for week in range(0, calendar.days, 7):
        for uuid in rng.sample(able, max(1, len(able) // 40)):
            weeks.setdefault(uuid, set()).update(range(week, week + 7))
    return {uuid: frozenset(days) for uuid, days in weeks.items()}


def _outages(company: Company, calendar: Calendar) -> tuple[tuple[float, float], ...]:
    rng = stream(company.plan.seed, "outages")
    starts = [
        company.plan.begin + (day + rng.random()) * DAY
        for day in range(calendar.days)
        if rng.random() < rates.SSO_OUTAGE_RATE
    ]
    return tuple((start, start + rng.uniform(0.3, 1.6) * HOUR) for start in starts)
