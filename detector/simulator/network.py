"""The simulated internet: address blocks of providers, and where GeoIP believes they are."""

from __future__ import annotations

import ipaddress
import random
from dataclasses import dataclass, field
from typing import Any, Final

from detector.simulator import rates
from detector.simulator.places import CITIES, City, nearby
from detector.simulator.streams import number, stream

_FIRST_OCTETS: Final = tuple(
    octet for octet in range(20, 217) if octet not in {100, 127, 169, 172, 192, 198, 203}
)
_HOME_PROVIDERS: Final = 3
_GATEWAYS: Final = 4
_TELEPORTS: Final = ("Denver", "Frankfurt am Main", "Ashburn")


@dataclass(frozen=True, slots=True)
class Spot:
    """An address and the place that GeoIP gives it, with the country as name and as code."""

    ip: str
    city: City
    named: dict[str, Any] | None
    coded: dict[str, Any] | None

    @property
    def country(self) -> str:
        """The country code; empty where the address is not known."""
        return str(self.coded["country"]) if self.coded else ""


def spot_at(ip: str, city: City, shift: tuple[float, float] = (0.0, 0.0)) -> Spot:
    """An address that GeoIP puts into `city`, a little beside its centre."""
    place = {
        "region": city.region,
        "city": city.name,
        "latitude": round(city.latitude + shift[0], 4),
        "longitude": round(city.longitude + shift[1], 4),
    }
    named: dict[str, Any] = {"country": city.country, **place}
    coded: dict[str, Any] = {"country": city.code, **place}
    return Spot(ip, city, named, coded)


@dataclass(frozen=True, slots=True)
class Internet:
    """Address blocks by name: the same seed and name always give the same block."""

    seed: int
    _spots: dict[tuple[str, int], Spot] = field(default_factory=dict, repr=False)

    def block(self, name: str) -> ipaddress.IPv4Network:
        """The /20 that a provider uses at one place."""
        draw = number(self.seed, "block", name)
        first = _FIRST_OCTETS[draw % len(_FIRST_OCTETS)]
        base = (first << 24) | ((draw >> 16) & 0xFF) << 16 | ((draw >> 32) & 0xF0) << 8
        return ipaddress.IPv4Network((base, 20))

    def spot(self, name: str, host: int, city: City) -> Spot:
        """Host number `host` of the named block, which serves `city`."""
        found = self._spots.get((name, host))
        if found is None:
            found = self._spots[name, host] = self._spot(name, host, city)
        return found

    def _spot(self, name: str, host: int, city: City) -> Spot:
        block = self.block(name)
        ip = str(block.network_address + 1 + host % (block.num_addresses - 2))
        if number(self.seed, "known", name, host) % 1000 < rates.LOCATION_MISSING_RATE * 1000:
            return Spot(ip, city, None, None)
        return spot_at(ip, city, self._shift(name))

    def home(self, city: City, provider: int, host: int) -> Spot:
        """A home connection of one of the city's providers."""
        return self.spot(f"home/{city.name}/{provider % _HOME_PROVIDERS}", host, city)

    def home6(self, city: City, provider: int, rng: random.Random) -> Spot:
        """An IPv6 address of a home; privacy extensions change its lower half."""
        name = f"home/{city.name}/{provider % _HOME_PROVIDERS}"
        prefix = (0x2A02 << 112) | (number(self.seed, "v6", name) & 0xFFFF_FFFF) << 80
        subnet = rng.getrandbits(16) << 64
        ip = str(ipaddress.IPv6Address(prefix | subnet | rng.getrandbits(64)))
        return spot_at(ip, city, self._shift(name))

    def mobile(self, city: City, carrier: int, rng: random.Random) -> Spot:
        """A phone's address: the carrier's gateway often stands in another city."""
        choice = rng.random()
        if choice < rates.FAR_GATEWAY_SHARE:
            cities = tuple(other for other in CITIES.values() if other.code == city.code)
        else:
            cities = (city, *nearby(city)[:2])
        gateway = min(rng.randrange(_GATEWAYS), rng.randrange(_GATEWAYS))
        draw = number(self.seed, "gateway", city.name, carrier, gateway)
        there = cities[draw % len(cities)]
        return self.spot(f"mobile/{there.name}/{carrier}", rng.randrange(400), there)

    def public(self, kind: str, city: City, host: int) -> Spot:
        """A hotel, conference, café or hosting centre of a city."""
        return self.spot(f"{kind}/{city.name}", host, city)

    def on_board(self, flight: str) -> Spot:
        """The network of an aeroplane: its exit stands at a teleport of the provider."""
        draw = number(self.seed, "flight", flight)
        city = CITIES[_TELEPORTS[draw % len(_TELEPORTS)]]
        return self.spot(f"satellite/{city.name}", draw % 60, city)

    def _shift(self, name: str) -> tuple[float, float]:
        rng = stream(self.seed, "shift", name)
        return rng.uniform(-0.09, 0.09), rng.uniform(-0.12, 0.12)
