"""The Events API without its network: a request in, a reply out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from detector.events import FEEDS
from detector.simulator.cursors import NEVER, BadCursor, Position, decode, encode
from detector.simulator.replies import Reply, bad_request, found, not_found, refused
from detector.simulator.shelf import KeysetShelf, Shelf
from detector.simulator.simulation import Simulation
from detector.simulator.tokens import Grant, Token, issue

Clock = Callable[[], datetime]
INTROSPECT: Final = "introspect"
PATHS: Final = {f"/api/v2/{feed}": feed for feed in FEEDS} | {"/api/v2/auth/introspect": INTROSPECT}
MAX_LIMIT: Final = 1000
_DEFAULT_LIMIT: Final = 100
_RETENTION: Final = timedelta(days=120)
_HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """A page before it becomes JSON: what was asked for, and what the shelf gave."""

    items: list[dict[str, Any]]
    asked: str
    cursor: str
    has_more: bool


class Endpoints:
    """The API over a simulation. An item is there once it has arrived by the clock."""

    def __init__(
        self, simulation: Simulation, clock: Clock, host: str, *, keyset: bool = False
    ) -> None:
        shelf = KeysetShelf if keyset else Shelf
        self._simulation, self._clock, self._host = simulation, clock, host
        self._rng = random.Random(simulation.plan.seed)
        self._tokens: dict[str, Token] = {}
        self._shelves = {
            feed: shelf([arrival for arrival in simulation.arrivals if arrival.feed == feed])
            for feed in FEEDS
        }

    def issue(self, features: tuple[str, ...] = FEEDS, *, days: int = 365) -> str:
        """A new bearer token for some features."""
        issued_at = min(self._clock(), self._simulation.plan.start)
        grant = Grant(
            self._host, self._simulation.account, features, issued_at, timedelta(days=days)
        )
        token = issue(grant, self._rng)
        self._tokens[token.text] = token
        return token.text

    def revoke(self, text: str) -> None:
        """From now on the token is refused."""
        del self._tokens[text]

    def token(self, authorization: str | None) -> Token | None:
        """The valid token of an Authorization header."""
        kind, _, text = (authorization or "").partition(" ")
        token = self._tokens.get(text.strip()) if kind.lower() == "bearer" else None
        return token if token and self._clock() < token.expires_at else None

    def introspect(self, token: Token) -> Reply:
        """What a token is good for."""
        return found(
            {
                "uuid": token.uuid,
                "issued_at": token.issued_at.astimezone(UTC).isoformat()[:19] + "Z",
                "features": list(token.features),
                "account_uuid": self._simulation.account,
            }
        )

    def answer(self, name: str, method: str, token: Token | None, body: bytes) -> Reply | Page:
        """The reply to a request, or the page that it asked for."""
        if method != ("GET" if name == INTROSPECT else "POST"):
            return not_found()
        if token is None:
            return refused(401)
        if name == INTROSPECT:
            return self.introspect(token)
        if name not in token.features:
            return refused(401)
        return self.page(name, body)

    def page(self, feed: str, body: bytes) -> Reply | Page:
        """One page of a feed, or why there is none."""
        now = self._clock()
        try:
            asked = msgspec.json.decode(body)
            position = _position(feed, asked, now)
        except BadCursor:
            return bad_request()
        except (msgspec.DecodeError, TypeError, ValueError):
            return refused(400)
        oldest = _microseconds(now - _RETENTION)
        items, at, more = self._shelves[feed].page(position, now, oldest)
        after = Position(feed, position.limit, position.start, position.end, at)
        return Page(items, encode(position), encode(after), more)


def _position(feed: str, asked: object, now: datetime) -> Position:
    if not isinstance(asked, dict):
        raise TypeError("not an object")
    if "cursor" in asked:
        if not isinstance(asked["cursor"], str):
            raise BadCursor("not a string")
        return decode(feed, asked["cursor"])
    limit = asked.get("limit", _DEFAULT_LIMIT)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_LIMIT:
        raise ValueError("limit")
    end = _moment(asked.get("end_time"))
    start = _moment(asked.get("start_time"))
    if start is None:
        start = (_microseconds(now) if end is None else end) - _HOUR_US
    return Position(feed, limit, start, NEVER if end is None else end, 0)


def _moment(text: object) -> int | None:
    if text is None:
        return None
    if not isinstance(text, str) or "T" not in text.upper():
        raise ValueError("not RFC 3339")
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise ValueError("no time zone")
    return _microseconds(moment)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)
