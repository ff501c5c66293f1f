"""Points on a person's way, and what lies between two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from detector import geo, wording
from detector.observations import CLIENT, COUNTRY, NETWORK, PLACE
from detector.rule_types.base import Scene

RADIUS_KM: Final = {"office": 25.0, "vpn": 25.0, "hosting": 25.0, "mobile": 250.0}
"""Radius of error of a located address by kind of network (arXiv 2605.21937, rounded up)."""
UNKNOWN_RADIUS_KM: Final = 100.0
DEGREE_KM: Final = 111.2
"""Length of a degree of a meridian on the sphere of `geo`, rounded up; one of a parallel is shorter."""
MINUTE_US: Final = 60_000_000
_PHONES: Final = ("ios", "android", "iphone", "ipad")


class Point(msgspec.Struct):
    """A sign-in at a place. Times are microseconds of UTC; `device` only if an audit told it."""

    time: int
    seq: int
    event_id: str
    latitude: float | None
    longitude: float | None
    country: str | None
    place: str | None
    ip: str | None
    network: str | None
    kind: str | None
    session: str | None
    client: str | None
    type: str | None
    device: str | None = None
    phone: bool = False
    said_km: float | None = None
    """Radius of error that a database gives for the address."""

    @property
    def radius_km(self) -> float:
        """How far off the place may be. A phone may be on a carrier whose place jumps."""
        if self.said_km is not None:
            return self.said_km
        if self.kind in RADIUS_KM:
            return RADIUS_KM[self.kind]
        return RADIUS_KM["mobile"] if self.phone else UNKNOWN_RADIUS_KM

    @property
    def label(self) -> str:
        """The place as people write it."""
        return wording.place(self.place, self.country) or self.ip or "somewhere"


@dataclass(frozen=True, slots=True)
class Leg:
    """The way from one point to a later one: great circle, time, and the speed it takes."""

    start: Point
    end: Point
    distance_km: float
    effective_km: float
    minutes: float

    @property
    def by_carrier(self) -> bool:
        """Whether a mobile network of one country is an end: its gateway may be anywhere in there.

        Median errors are 179-207 km, a tail of far gateways is much longer (arXiv 2605.21937).
        """
        at_home = self.start.country == self.end.country
        return at_home and "mobile" in {self.start.kind, self.end.kind}

    @property
    def speed_kmh(self) -> float:
        """Speed over the distance less both radii; anything under a minute counts as one."""
        return self.effective_km / (max(self.minutes, 1.0) / 60)


def leg(start: Point, end: Point, least_km: float = 0) -> Leg | None:
    """The leg between two points, null unless both have coordinates, and may be so far apart."""
    if start.latitude is None or start.longitude is None:
        return None
    if end.latitude is None or end.longitude is None:
        return None
    # Along a meridian, then along a parallel: that is never shorter than the great circle.
    detour = abs(end.latitude - start.latitude) + abs(end.longitude - start.longitude)
    if detour * DEGREE_KM < least_km:
        return None
    far = geo.distance_km(start.latitude, start.longitude, end.latitude, end.longitude)
    near = max(0.0, far - start.radius_km - end.radius_km)
    return Leg(start, end, far, near, abs(end.time - start.time) / MINUTE_US)


def pointing(scene: Scene) -> Callable[[int], Point]:
    """How the point is made that an event of a scene shows."""
    page, columns, networks = scene.page, scene.page.columns, scene.networks
    countries, places = page.values[COUNTRY], page.values[PLACE]
    found_on, clients = page.values[NETWORK], page.values[CLIENT]
    addresses, kinds, sessions = (
        columns[name] for name in ("source.ip", "source.kind", "session.id")
    )
    north, east, radii = (
        columns[name] for name in ("source.latitude", "source.longitude", "source.radius_km")
    )
    types, systems = columns["event.type"], columns["client.os_name"]
    return lambda row: Point(
        page.times[row],
        page.seqs[row],
        page.ids[row],
        latitude=north[row],
        longitude=east[row],
        country=countries[row],
        place=places[row],
        ip=addresses[row],
        network=found_on[row],
        kind=networks.kind(addresses[row]) or kinds[row],
        said_km=radii[row],
        session=sessions[row],
        client=clients[row],
        type=types[row],
        phone=is_phone(systems[row]),
    )


@lru_cache(maxsize=1024)
def is_phone(os_name: str | None) -> bool:
    """Whether the operating system is that of a phone or tablet."""
    return (os_name or "").casefold().startswith(_PHONES)
