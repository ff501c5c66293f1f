"""Points on a person's way, and what lies between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from detector import geo, wording
from detector.observations import CLIENT, COUNTRY, NETWORK, PLACE
from detector.rule_types.base import Scene

RADIUS_KM: Final = {"office": 25.0, "vpn": 25.0, "hosting": 25.0, "mobile": 250.0}
"""Radius of error of a located address by kind of network (arXiv 2605.21937, rounded up)."""
UNKNOWN_RADIUS_KM: Final = 100.0
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


def leg(start: Point, end: Point) -> Leg | None:
    """The leg between two points, null unless both have coordinates."""
    if start.latitude is None or start.longitude is None:
        return None
    if end.latitude is None or end.longitude is None:
        return None
    far = geo.distance_km(start.latitude, start.longitude, end.latitude, end.longitude)
    near = max(0.0, far - start.radius_km - end.radius_km)
    return Leg(start, end, far, near, abs(end.time - start.time) / MINUTE_US)


def point(scene: Scene, row: int) -> Point:
    """The point that an event of a page shows."""
    page = scene.page
    ip = scene.text("source.ip", row)
    return Point(
        time=page.times[row],
        seq=page.seqs[row],
        event_id=page.ids[row],
        latitude=page.columns["source.latitude"][row],
        longitude=page.columns["source.longitude"][row],
        country=page.values[COUNTRY][row],
        place=page.values[PLACE][row],
        ip=ip,
        network=page.values[NETWORK][row],
        kind=scene.network_kind(row),
        said_km=page.columns["source.radius_km"][row],
        session=scene.text("session.id", row),
        client=page.values[CLIENT][row],
        type=scene.text("event.type", row),
        phone=is_phone(scene.text("client.os_name", row)),
    )


def is_phone(os_name: str | None) -> bool:
    """Whether the operating system is that of a phone or tablet."""
    return (os_name or "").casefold().startswith(_PHONES)
