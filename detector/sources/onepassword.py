"""1Password's Events API as a source: one loop for three feeds, and words for every failure."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec
from pydantic import SecretStr

from detector import events
from detector.ports import CursorRefused, Page, SourceError
from detector.sources import bodies
from detector.sources.deadlines import TOO_SLOW, limited, within
from detector.sources.tokens import SetupError, Token, address, is_loopback, printable, read_token

LIMIT: Final = 1000
LARGEST_BODY: Final = 32 << 20
LARGEST_MESSAGE: Final = 64 << 10
LONGEST_WORDS: Final = 200
_INTROSPECT: Final = "introspect"
_PATHS: Final = {feed: f"/api/v2/{feed}" for feed in events.FEEDS}
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Content-Type": "application/json",
    "User-Agent": "vaultwatch",
}
_BAD_REQUEST: Final = frozenset({400, 410, 422})
"""What an API may say to a cursor that it does not know; 1Password's says 400."""
_BROKEN: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.PoolTimeout, "no free connection in time"),
    (httpx.TimeoutException, "no answer in time"),
    (httpx.ConnectError, "no connection"),
    (httpx.ProxyError, "the proxy refused"),
)


class Budget:
    """A shared allowance of requests: never more than `per_minute` in any sixty seconds.

    A token bucket: a twentieth may be used at once, the rest comes evenly.
    """

    def __init__(
        self,
        per_minute: int = 480,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self.monotonic = monotonic
        self._sleep = sleep
        self._most = max(1.0, per_minute // 20)
        self._per_second = max(per_minute - self._most, 1.0) / 60
        self._left, self._counted = self._most, monotonic()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take one request, after a sleep if none is left; who came first goes first."""
        with self._lock:
            now = self.monotonic()
            gained = max(0.0, now - self._counted) * self._per_second
            self._left = min(self._most, self._left + gained) - 1
            self._counted = now
            wait_s = -self._left / self._per_second
        if wait_s > 0:
            self._sleep(wait_s)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often, how long and how much the API may be asked, and the time of day."""

    budget: Budget
    now: Callable[[], datetime]
    deadline_s: float = 60.0
    largest_body: int = LARGEST_BODY


def client(
    base_url: str | None = None,
    *,
    context: ssl.SSLContext | None = None,
    connect_timeout_s: float = 10.0,
    read_timeout_s: float = 20.0,
    connections: int = 8,
) -> httpx.Client:
    """A client that follows no redirects and keeps connections; no proxy if on this machine."""
    is_here = is_loopback(urlsplit(base_url or "").hostname or "")
    made = httpx.Client(
        verify=context or ssl.create_default_context(),
        http2=False,
        follow_redirects=False,
        trust_env=not is_here,
        timeout=httpx.Timeout(
            connect=connect_timeout_s,
            read=read_timeout_s,
            write=read_timeout_s,
            pool=read_timeout_s,
        ),
        limits=httpx.Limits(
            max_connections=connections,
            max_keepalive_connections=connections // 2,
            keepalive_expiry=30.0,
        ),
        headers=_HEADERS,
    )
    return limited(made)


class OnePassword:
    """An account's three feeds. Raises SetupError if the token or `base_url` cannot work.

    `feeds` are those that the token permits, `ids` what 1Password calls the token. `stalled`
    counts, by feed, the pages that promised more but gave back the cursor that they were asked for.
    """

    def __init__(
        self,
        token: SecretStr | str,
        *,
        pace: Pace,
        base_url: str | None = None,
        name: str = "1password",
        http: httpx.Client | Callable[[str], httpx.Client] = client,
    ) -> None:
        secret = token.get_secret_value() if isinstance(token, SecretStr) else token
        self.token: Token = read_token(secret, base_url)
        self.url = address(self.token, base_url)
        self.name = name
        self.account_uuid = self.token.account_uuid
        self.ids = self.token.ids
        self.feeds: tuple[str, ...] = _permitted(self.token.features or events.FEEDS)
        self.stalled: Counter[str] = Counter()
        self._pace = pace
        self._bearer = _Bearer(SecretStr(secret.strip()))
        self._http = http if isinstance(http, httpx.Client) else http(self.url)

    def __repr__(self) -> str:
        return f"OnePassword({self.name!r}, {self.url!r})"

    def introspect(self) -> bodies.Introspection:
        """Ask the API what the token is good for, and fetch only those feeds from now on.

        Raises SourceError.
        """
        request = self._http.build_request("GET", f"{self.url}/api/v2/auth/introspect")
        found = self._answer(_INTROSPECT, request, bodies.introspection)
        self.feeds = _permitted(found.features)
        self.account_uuid = found.account_uuid or self.account_uuid
        self.ids = self.token.ids | ({found.uuid} if found.uuid else set())
        return found

    def fetch(self, feed: str, cursor: str | None, since: datetime) -> Page:
        """The page after `cursor`, or from `since` without one. Raises SourceError."""
        start = since.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        # Never an end_time: the cursor would keep it. Never a limit beside a cursor.
        asked = {"cursor": cursor} if cursor else {"limit": LIMIT, "start_time": start}
        content = msgspec.json.encode(asked)
        request = self._http.build_request("POST", self.url + _PATHS[feed], content=content)
        try:
            envelope = self._answer(feed, request, bodies.page)
        except _BadRequestError as error:
            text = str(error)
        else:
            return self._page(feed, cursor or "", envelope)
        raise CursorRefused(text, permanent=False) if cursor else SourceError(text, permanent=False)

    def has(self, token: SecretStr) -> bool:
        """Whether this is the token that is used."""
        return self._bearer.is_for(token)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _page(self, feed: str, asked: str, envelope: bodies.Envelope) -> Page:
        items = tuple(bytes(item) for item in envelope.items or ())
        cursor = envelope.cursor or asked
        # Where the API does not say, a page with items may have more behind it.
        untold = envelope.has_more is None
        has_more = bool(items) if untold else bodies.truth(envelope.has_more)
        if untold and cursor == asked:
            return Page(feed, items, cursor, has_more=False)
        if cursor != asked or not has_more:
            return Page(feed, items, cursor, has_more)
        # Asking at once would give the same again, for ever; the next poll asks again.
        self.stalled[feed] += 1
        return Page(feed, items, cursor, has_more=False, stalled=True)

    def _answer(
        self, what: str, request: httpx.Request, decode: Callable[[bytes], bodies.T]
    ) -> bodies.T:
        """What the API answered to a request, decoded. Raises SourceError."""
        self._pace.budget.take()
        try:
            status, headers, body = self._send(request)
            if status == httpx.codes.OK:
                return decode(body)
            words = ""
        except (httpx.HTTPError, OSError) as error:
            words = _broken(error)
        except bodies.BodyError as error:
            words = str(error)
        # Raised out here: httpx's own errors hold the request, and that the token.
        if words:
            slow = words == TOO_SLOW
            raise SourceError(f"{what}: {self._clean(words)}", permanent=False, slow=slow)
        raise self._refusal(what, status, headers, self._clean(bodies.message(body)))

    def _send(self, request: httpx.Request) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and body, all of them within the deadline."""
        monotonic = self._pace.budget.monotonic
        until = monotonic() + self._pace.deadline_s
        with within(lambda: until - monotonic()):
            response = self._asked(request)
            is_ok = response.status_code == httpx.codes.OK
            largest = self._pace.largest_body if is_ok else LARGEST_MESSAGE
            try:
                body = bodies.read(response, largest=largest)
            except (bodies.BodyError, httpx.HTTPError):
                if is_ok:
                    raise
                body = b""  # The status says enough.
            finally:
                response.close()
        return response.status_code, response.headers, body

    def _asked(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request, auth=self._bearer, stream=True)
        except httpx.RemoteProtocolError:
            # A kept connection that the server has closed meanwhile; asking twice changes nothing.
            return self._http.send(request, auth=self._bearer, stream=True)

    def _refusal(self, what: str, status: int, headers: httpx.Headers, said: str) -> SourceError:
        """The error of an answer that is not 200."""
        text = f"{what}: {status}{bodies.meaning(status, what if what in _PATHS else None)}"
        if status in {401, 403} and self.token.expires and self.token.expires < self._pace.now():
            text += f"; it expired at {self.token.expires:%Y-%m-%d %H:%M} UTC"
        if status == 404:
            text += f"; asked at {self.url}"
        text += f"; the API says: {said}" if said else ""
        if status in _BAD_REQUEST:
            return _BadRequestError(text, permanent=False)
        return SourceError(
            text,
            permanent=400 <= status < 500 and status not in {408, 425, 429},
            retry_after_s=bodies.wait_s(headers.get("Retry-After", ""), self._pace.now()),
        )

    def _clean(self, text: str) -> str:
        return self._bearer.hidden_in(printable(text))[:LONGEST_WORDS]


class _BadRequestError(SourceError):
    """The request is not understood: it is the cursor, if there was one."""


class _Bearer(httpx.Auth):
    """Adds the token to a request as late as can be, so that no local variable shows it."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request

    def is_for(self, token: SecretStr) -> bool:
        """Whether it is that token."""
        return self._token.get_secret_value() == token.get_secret_value().strip()

    def hidden_in(self, text: str) -> str:
        """The text without the token or its parts."""
        token = self._token.get_secret_value()
        for part in (token, *token.split(".")):
            text = text.replace(part, "***")
        return text


def _permitted(features: Iterable[str]) -> tuple[str, ...]:
    feeds = tuple(feed for feed in events.FEEDS if feed in set(features))
    if not feeds:
        known = ", ".join(events.FEEDS)
        raise SetupError(f"this token permits none of the feeds: make one for {known}")
    return feeds


def _broken(error: Exception) -> str:
    if str(error) == TOO_SLOW:
        return TOO_SLOW
    words = next((words for kind, words in _BROKEN if isinstance(error, kind)), "connection broke")
    return words if isinstance(error, httpx.TimeoutException) else f"{words}: {error}"
