"""The journal of one author: what was done becomes the exact items of the three feeds."""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from detector.events import AUDIT, SIGNIN, USAGE
from detector.simulator import rates
from detector.simulator.arrivals import Arrival
from detector.simulator.clients import App
from detector.simulator.network import Spot
from detector.simulator.people import Person
from detector.simulator.streams import Mint

_DAY: Final = 86_400.0
_NAMED_SHARE: Final = 0.3


class Seat(NamedTuple):
    """A person at an app at an address."""

    who: Person
    app: App
    spot: Spot


class Outcome(NamedTuple):
    """How a sign-in ended, as the feed says it."""

    category: str
    type: str
    value: str | None = None


class Use(NamedTuple):
    """A use of an item; `edits` are those since the simulation began."""

    vault: str
    item: str
    action: str
    edits: int = 0


class Deed(NamedTuple):
    """What an audit event says was done, with the fields that apply to it only."""

    action: str
    object_type: str
    object_uuid: str
    extra: Mapping[str, Any] = MappingProxyType({})


class Session(NamedTuple):
    """A session: the sign-in that began it, and the device that it runs on."""

    uuid: str
    began: float
    login_time: str
    device: str


PASSWORD: Final = Outcome("success", "credentials_ok")
SECOND_FACTOR: Final = Outcome("success", "mfa_ok")
FEDERATED: Final = Outcome("success", "federated")
BAD_PASSWORD: Final = Outcome("credentials_failed", "password_secret_bad")


class Journal:
    """Writes arrivals. Times are seconds since 1970; the objects inside items are shared."""

    __slots__ = ("_account", "_begin", "_mint", "_rng", "arrivals", "sessions")

    def __init__(self, account: str, begin: float, rng: random.Random) -> None:
        self._account = account
        self._begin = begin
        self._rng = rng
        self._mint = Mint(rng)
        self.arrivals: list[Arrival] = []
        self.sessions: list[tuple[Session, Seat]] = []

    def sign_in(self, at: float, seat: Seat, outcome: Outcome) -> Session:
        """A sign-in attempt; the session is of use only if it succeeded."""
        uuid = self._mint.take()
        session = Session(self._mint.take(), at, nanoseconds(at, self._rng), seat.app.device)
        item: dict[str, Any] = {
            "uuid": uuid,
            "session_uuid": session.uuid,
            "timestamp": seconds(at) if self._rng.random() < 0.8 else session.login_time,
            "country": seat.spot.country,
            "category": outcome.category,
            "type": outcome.type,
            "details": None if outcome.value is None else {"value": outcome.value},
            "target_user": seat.who.user,
            "client": seat.app.wire(self._day(at), seat.spot.ip),
        }
        if seat.spot.coded is not None:
            item["location"] = seat.spot.coded
        item["account_uuid"] = self._account
        self._arrive(at + 0.4 + self._rng.expovariate(0.5), SIGNIN, item)
        if outcome.category in {"success", "firewall_reported_success"}:
            self.sessions.append((session, seat))
        return session

    def use(self, at: float, seat: Seat, use: Use, *, offline_until: float = 0.0) -> None:
        """A use of an item; it arrives when the app next syncs."""
        rng = self._rng
        item: dict[str, Any] = {
            "uuid": self._mint.take(),
            "timestamp": milliseconds(at),
            "used_version": use.edits + 1 + zlib.crc32(use.item.encode()) % 8,
            "vault_uuid": use.vault,
            "item_uuid": use.item,
            "user": seat.who.user,
            "client": seat.app.wire(self._day(at), seat.spot.ip),
        }
        place = seat.spot.named if rng.random() < _NAMED_SHARE else seat.spot.coded
        if place is not None:
            item["location"] = place
        if not seat.app.frozen:
            item["action"] = use.action
        elif rng.random() < 0.5:
            item["action"] = "other"
        item["account_uuid"] = self._account
        synced = max(at + sync_delay(rng), offline_until + rng.uniform(1.0, 90.0))
        self._arrive(synced, USAGE, item)

    def audit(self, at: float, seat: Seat, session: Session, deed: Deed) -> None:
        """An audit event inside a session."""
        item: dict[str, Any] = {
            "uuid": self._mint.take(),
            "timestamp": nanoseconds(at, self._rng),
            "actor_uuid": seat.who.uuid,
            "actor_details": seat.who.details,
            "actor_type": "user",
            "actor_account_uuid": self._account,
            "account_uuid": self._account,
            "action": deed.action,
            "object_type": deed.object_type,
            "object_uuid": deed.object_uuid,
            **deed.extra,
            "session": {
                "uuid": session.uuid,
                "login_time": session.login_time,
                "device_uuid": session.device,
                "ip": seat.spot.ip,
            },
        }
        if seat.spot.named is not None:
            item["location"] = seat.spot.named
        self._arrive(at + 0.3 + self._rng.expovariate(0.6), AUDIT, item)

    def _day(self, at: float) -> int:
        return int((at - self._begin) // _DAY)

    def _arrive(self, at: float, feed: str, item: dict[str, Any]) -> None:
        self.arrivals.append(Arrival(datetime.fromtimestamp(at, UTC), feed, item))


def sync_delay(rng: random.Random) -> float:
    """Seconds until an app syncs: mostly soon, sometimes minutes, hours or days."""
    draw = rng.random()
    if draw < rates.SYNC_DAYS_SHARE:
        return rng.uniform(0.5, 4.0) * _DAY
    if draw < rates.SYNC_DAYS_SHARE + rates.SYNC_HOURS_SHARE:
        return rng.uniform(1.0, 12.0) * 3600.0
    if draw < rates.SYNC_DAYS_SHARE + rates.SYNC_HOURS_SHARE + rates.SYNC_MINUTES_SHARE:
        return rng.uniform(1.5, 40.0) * 60.0
    return rng.uniform(1.0, 60.0)


def seconds(at: float) -> str:
    """A timestamp without a fraction, as most sign-ins have.

    >>> seconds(0.5)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(int(at), UTC).isoformat()[:19] + "Z"


def milliseconds(at: float) -> str:
    """A timestamp with three digits, as item usages have."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def nanoseconds(at: float, rng: random.Random) -> str:
    """A timestamp with nine digits, or eight: Go leaves out a trailing zero."""
    whole = datetime.fromtimestamp(int(at), UTC).isoformat()[:19]
    fraction = f"{int(at % 1 * 1e6):06d}{rng.randrange(1000):03d}".rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"
