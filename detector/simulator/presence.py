"""Where people are: each day becomes stretches of work, each with the addresses in use."""

from __future__ import annotations

import random
from functools import partial
from typing import Final, NamedTuple

from detector.simulator import rates
from detector.simulator.calendars import DAY, HOUR, Calendar
from detector.simulator.company import EGRESS_PER_OFFICE, Company
from detector.simulator.habits import Habits
from detector.simulator.happenings import Life, Trip
from detector.simulator.network import Spot
from detector.simulator.people import Person
from detector.simulator.places import CITIES, City, distance_km
from detector.simulator.streams import stream

Spots = dict[str, Spot]
_LAPTOP: Final = ("desktop", "extension", "cli", "web")
_EXITS: Final = ("Amsterdam", "Bucharest", "Las Vegas", "Frankfurt am Main", "Tokyo", "Warsaw")
_HANDHELD: Final = ("phone", "tablet")


class Stretch(NamedTuple):
    """Some hours at one place. `spots` says where each app connects from."""

    start: float
    end: float
    place: str
    spots: Spots
    weight: float = 1.0
    offline: bool = False


class Span(NamedTuple):
    """Some hours that somebody means to work at a kind of place."""

    start: float
    end: float
    place: str


class Presence:
    """The whereabouts of one person, day by day."""

    __slots__ = (
        "_calendar", "_carrier", "_company", "_habits", "_host", "_life", "_provider", "_who",
    )  # fmt: skip

    def __init__(
        self, company: Company, calendar: Calendar, who: Person, habits: Habits, life: Life
    ) -> None:
        rng = stream(company.plan.seed, "presence", who.uuid)
        self._company, self._calendar, self._who = company, calendar, who
        self._habits, self._life = habits, life
        self._provider, self._host, self._carrier = (rng.randrange(4000) for _ in range(3))

    def stretches(self, day: int, rng: random.Random) -> list[Stretch]:
        """The stretches of work of one day, in order."""
        if rng.random() < rates.NEW_HOME_ADDRESS_RATE:
            self._host = rng.randrange(4000)
        noon = self._calendar.local(self._who.zone, day, 12.0)
        if noon >= self._life.moved:
            self._provider = self._provider % 3 + 1
        city = self._life.where(self._who.home, noon)
        local = partial(self._calendar.local, city.zone, day)
        spans = [
            Span(local(start), local(end), place)
            for start, end, place in self._hours(day, city, rng)
            if end > start
        ]
        stretches = [self._stretch(span, rng) for span in self._around_journeys(spans)]
        return sorted(stretches + self._on_board(noon, rng), key=lambda stretch: stretch.start)

    def home(self, rng: random.Random) -> Spots:
        """The addresses at home, as far as apps and the VPN go their own ways."""
        internet, city = self._company.internet, self._who.home
        spot = internet.home(city, self._provider, self._host)
        spots = dict.fromkeys((*_LAPTOP, *_HANDHELD, "private"), spot)
        if self._habits.ipv6:
            lasting = stream(self._company.plan.seed, "v6", self._who.uuid, self._host)
            spots["phone"] = spots["extension"] = internet.home6(city, self._provider, lasting)
        if self._habits.vpn:
            spots["extension"] = spots["web"] = self._vpn(rng)
        if rng.random() < 0.15:
            spots["phone"] = self._mobile(city, rng)
        return spots

    def _hours(self, day: int, city: City, rng: random.Random) -> list[tuple[float, float, str]]:
        habits, life = self._habits, self._life
        away = city != self._who.home
        works = self._calendar.is_workday(day, city.code if away else self._who.home.code)
        works = works and rng.random() < habits.weekdays[self._calendar.weekday(day)]
        if day in life.off and not away:
            return [(10.0, 18.0, "leisure")] if rng.random() < 0.15 else []
        hours: list[tuple[float, float, str]] = []
        if works:
            place = "trip" if away else self._workplace(rng)
            start = habits.starts + rng.gauss(0, habits.spread)
            end = max(start + 3, habits.ends + rng.gauss(0, habits.spread))
            lunch = min(max(habits.lunch + rng.gauss(0, 0.25), start + 1), end - 1)
            second = "cafe" if place == "home" and rng.random() < rates.CAFE_RATE else place
            hours += [(start, lunch, place), (lunch + rng.uniform(0.4, 1.1), end, second)]
            if rng.random() < habits.evening:
                late = max(end + 1.0, rng.uniform(19.5, 21.5))
                hours.append((late, late + rng.uniform(0.3, 2.0), "trip" if away else "home"))
        elif rng.random() < rates.WEEKEND_RATE * 2:
            hours.append((rng.uniform(9, 14), rng.uniform(15, 22), "trip" if away else "leisure"))
        if day in life.on_call and rng.random() < rates.ON_CALL_PAGE_RATE:
            night = rng.uniform(22.5, 29.0)
            hours.append((night, night + rng.uniform(0.3, 1.5), "trip" if away else "home"))
        return hours

    def _workplace(self, rng: random.Random) -> str:
        return "home" if rng.random() < self._habits.home_share else "office"

    def _stretch(self, span: Span, rng: random.Random) -> Stretch:
        city, place = self._life.where(self._who.home, span.start), span.place
        if city != self._who.home:
            place = "trip"
        elif place == "trip":
            place = "home"
        offline = rng.random() < rates.OFFLINE_RATE
        weight = 0.25 if place == "leisure" else 1.0
        spots = self._spots(place, city, rng)
        return Stretch(span.start, span.end, place, spots, weight, offline)

    def _spots(self, place: str, city: City, rng: random.Random) -> Spots:
        internet = self._company.internet
        if place == "home":
            spots = self.home(rng)
        elif place == "leisure":
            spots = dict.fromkeys(_HANDHELD, self._mobile(city, rng))
            spots["private"] = internet.home(self._who.home, self._provider, self._host)
        elif place == "office" and self._who.office is not None:
            spots = self._office(self._who.office, rng)
        elif place == "cafe":
            spots = dict.fromkeys(_LAPTOP, internet.public("cafe", city, rng.randrange(60)))
            spots |= dict.fromkeys(_HANDHELD, self._mobile(city, rng))
        else:
            spots = self._abroad(city, rng)
        if place in {"home", "cafe"} and self._hides(rng):
            exit_city = CITIES[rng.choice(_EXITS)]
            hidden = internet.public("hosting", exit_city, rng.randrange(4000))
            spots |= dict.fromkeys(_LAPTOP, hidden)
        if place != "leisure" and rng.random() < rates.TETHER_RATE:
            spots |= dict.fromkeys(_LAPTOP, spots["phone"])
        return spots

    def _hides(self, rng: random.Random) -> bool:
        return self._habits.private_vpn and rng.random() < rates.PRIVATE_VPN_RATE

    def _office(self, office: City, rng: random.Random) -> Spots:
        name, host = f"office/{office.name}", rng.randrange(EGRESS_PER_OFFICE)
        spots = dict.fromkeys(
            (*_LAPTOP, *_HANDHELD), self._company.internet.spot(name, host, office)
        )
        if rng.random() < 0.4:
            spots["phone"] = self._mobile(office, rng)
        return spots

    def _abroad(self, city: City, rng: random.Random) -> Spots:
        if city in self._company.offices and rng.random() < 0.8:
            spots = self._office(city, rng)
        else:
            trip = next((t for t in self._life.trips if t.destination == city), None)
            shared = trip is not None and trip.purpose == "conference"
            host = int(trip.depart // HOUR) % 900 if trip and not shared else 7
            kind = "conference" if shared and rng.random() < 0.6 else "hotel"
            spot = self._company.internet.public(kind, city, host)
            spots = dict.fromkeys((*_LAPTOP, *_HANDHELD), spot)
            if self._habits.vpn:
                spots["extension"] = spots["web"] = self._vpn(rng)
        if rng.random() < 0.5:
            spots["phone"] = self._mobile(city, rng)
        return spots

    def _vpn(self, rng: random.Random) -> Spot:
        gate = self._company.offices[0]
        if self._carrier % 100 >= rates.HEADQUARTERS_VPN_SHARE * 100:
            gate = min(self._company.offices, key=partial(distance_km, self._who.home))
        return self._company.internet.spot(f"vpn/{gate.name}", rng.randrange(3), gate)

    def _mobile(self, city: City, rng: random.Random) -> Spot:
        roams = city.code != self._who.home.code and rng.random() < rates.ROAMING_HOME_SHARE
        carrier = self._carrier % 3
        return self._company.internet.mobile(self._who.home if roams else city, carrier, rng)

    def _around_journeys(self, spans: list[Span]) -> list[Span]:
        kept: list[Span] = spans
        for trip in self._life.trips:
            for depart, arrive in trip.legs:
                cut = [_without(span, depart - 2.5 * HOUR, arrive + HOUR) for span in kept]
                kept = [span for span in cut if span is not None]
        return kept

    def _on_board(self, noon: float, rng: random.Random) -> list[Stretch]:
        flights = []
        for trip in self._life.trips:
            for depart, arrive in trip.legs:
                today = int(depart // DAY) == int(noon // DAY)
                if trip.wifi and today and arrive - depart > 2.5 * HOUR:
                    flights.append(self._flight(trip, depart, arrive, rng))
        return flights

    def _flight(self, trip: Trip, depart: float, arrive: float, rng: random.Random) -> Stretch:
        spot = self._company.internet.on_board(f"{trip.destination.name}/{int(depart)}")
        start = depart + rng.uniform(0.5, 1.0) * HOUR
        end = arrive - rng.uniform(0.6, 1.0) * HOUR
        spots = dict.fromkeys((*_LAPTOP, *_HANDHELD), spot)
        return Stretch(start, end, "plane", spots, 0.4)


def _without(span: Span, start: float, end: float) -> Span | None:
    """What a journey leaves of a span: its longer part outside, if that is worth while."""
    if span.end <= start or span.start >= end:
        return span
    before, after = start - span.start, span.end - end
    if max(before, after) < 0.4 * HOUR:
        return None
    return span._replace(end=start) if before >= after else span._replace(start=end)
