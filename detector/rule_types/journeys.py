"""Points on a person's way, and what lies between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import msgspec
import numpy as np

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


class Point(msgspec.Struct, gc=False):
    """A sign-in at a place. Times are microseconds of UTC; `device` once it is asked for and told."""

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
    phone: bool = False
    said_km: float | None = None
    """Radius of error that a database gives for the address."""
    device: str | None = None

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


def points(scene: Scene, rows: np.ndarray) -> list[Point]:
    """The points that events of a scene show."""
    page, places = scene.page, rows.tolist()
    pick = partial(page.columns.pick, rows=rows)
    addresses, kind_of = pick("source.ip"), scene.networks.kind
    kinds = [
        kind_of(address) or kind
        for address, kind in zip(addresses, pick("source.kind"), strict=True)
    ]
    countries, towns, found_on, clients = (
        [page.values[kind][row] for row in places] for kind in (COUNTRY, PLACE, NETWORK, CLIENT)
    )
    return [
        Point(*each)
        for each in zip(
            page.time_us[rows].tolist(),
            (rows + page.seqs[0]).tolist(),
            [page.ids[row] for row in places],
            pick("source.latitude"),
            pick("source.longitude"),
            countries,
            towns,
            addresses,
            found_on,
            kinds,
            pick("session.id"),
            clients,
            pick("event.type"),
            map(is_phone, pick("client.os_name")),
            pick("source.radius_km"),
            strict=True,
        )
    ]


@lru_cache(maxsize=1024)
def is_phone(os_name: str | None) -> bool:
    """Whether the operating system is that of a phone or tablet."""
    return (os_name or "").casefold().startswith(_PHONES)
