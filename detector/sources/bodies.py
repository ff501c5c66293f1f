"""Answers of the Events API: read under a limit of size, then understood."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Protocol, TypeVar

import httpx
import msgspec

from detector.sources.splitting import split
from detector.sources.tokens import printable

LONGEST_WAIT_S: Final = 3600.0
_GZIP: Final = zlib.MAX_WBITS | 16
_BOM: Final = b"\xef\xbb\xbf"
T = TypeVar("T")


class BodyError(Exception):
    """A body that cannot be used; the text says why in a few words."""


class Envelope(msgspec.Struct):
    """A page as the API sends it; the items are left as they are.

    A server in Go writes an empty list as null, so null is one; no `items` at all is no page.
    """

    items: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET
    cursor: str | None = None
    has_more: object = None


class Introspection(msgspec.Struct, frozen=True):
    """What a token is good for, by the API itself."""

    features: tuple[str, ...]
    account_uuid: str | None = None
    uuid: str | None = None


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, _: int, /) -> bytes: ...


class _Plain:
    eof = True
    unused_data = b""

    def decompress(self, data: bytes, _: int, /) -> bytes:
        return data


def read(response: httpx.Response, *, largest: int) -> bytes:
    """The whole body, unpacked; never more than `largest` bytes of it are held.

    Raises BodyError if it is too large, broken, or packed in a way not asked for.
    """
    unpacker = _unpacker(response.headers.get("Content-Encoding", ""))
    parts: list[bytes] = []
    received = unpacked = 0
    for chunk in response.iter_raw():
        part = _unpacked(unpacker, chunk, largest + 1 - unpacked)
        parts.append(part)
        received += len(chunk)
        unpacked += len(part)
        if max(received, unpacked) > largest:
            raise BodyError(f"the answer is larger than {largest:,} bytes")
    if not unpacker.eof:
        raise BodyError("the answer ended in the middle of its gzip")
    return b"".join(parts)


def page(body: bytes) -> Envelope:
    """The envelope of a page. Raises BodyError if there is none or it has no items."""
    try:
        envelope = _decoded(body, Envelope)
    except BodyError:
        mended = _item_by_item(body)
        if mended is None:
            raise
        envelope = mended
    if envelope.items is msgspec.UNSET:
        raise BodyError("the answer has no items, not even an empty list")
    return envelope


def truth(value: object) -> bool:
    """What a server means by a value that should be a boolean.

    >>> truth(True), truth("false"), truth("True"), truth(0), truth([])
    (True, False, True, False, False)
    """
    return value.strip().lower() in {"true", "1"} if isinstance(value, str) else bool(value)


def introspection(body: bytes) -> Introspection:
    """What introspection answered. Raises BodyError."""
    return _decoded(body, Introspection)


def message(body: bytes) -> str:
    """What an error body says, in either JSON shape or as plain text, on one line.

    >>> message(b'{"Error":{"Message":"Bad Request"}}'), message(b"404 page not found\\n")
    ('Bad Request', '404 page not found')
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "(an HTML page)" if _is_html(body) else printable(body.decode("utf-8", "replace"))
    if isinstance(found, dict):
        error = found.get("Error", found)
        nested = error.get("Message") if isinstance(error, dict) else error
        found = nested or found.get("message") or found.get("error")
    return printable(found) if isinstance(found, str) else ""


def meaning(status: int, feed: str | None) -> str:
    """What a status means and what to check; `feed` is null where no feed was asked for."""
    match status:
        case 400:
            return ": the request was not understood"
        case 401 | 403:
            for_feed = f", and that it is for {feed}" if feed else ""
            return (
                ": the token was refused; check at 1Password.com > Integrations that it is neither "
                f"expired nor revoked{for_feed}"
            )
        case 404:
            return ": wrong host; it must be the one of the account's region (base_url)"
        case 429:
            return ": too many requests"
        case _ if 300 <= status < 400:
            return (
                ": redirected, which is never followed: a proxy or sign-in page may stand between"
            )
        case _ if status >= 500:
            return ": the API is in trouble"
    return ": not the answer expected"


def wait_s(retry_after: str, now: datetime) -> float | None:
    """Seconds of a Retry-After header, a number or a date, an hour at most; else null."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT_S)
    try:
        date = parsedate_to_datetime(text)
        wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(wait.total_seconds(), 0.0), LONGEST_WAIT_S)


def _item_by_item(body: bytes) -> Envelope | None:
    """A page with a text that strict JSON cannot hold, as half a surrogate pair; else null.

    Its items are written anew, so that the one can be set aside and the page does not block.
    """
    try:
        found = json.loads(body.decode("utf-8-sig", "replace"), strict=False)
        if not isinstance(found, dict) or not isinstance(found.get("items"), list):
            return None
        items = [msgspec.Raw(json.dumps(item).encode()) for item in found.pop("items")]
        rest = msgspec.convert(found, Envelope)
        (rest.cursor or "").encode()
    except RecursionError:
        return _cut_apart(body)
    except (ValueError, msgspec.ValidationError):
        return None
    return Envelope(items, rest.cursor, rest.has_more)


def _cut_apart(body: bytes) -> Envelope | None:
    """A page with an item that nests too deeply; the others need not wait for it."""
    cut = split(body)
    if cut is None:
        return None
    rest = _decoded(cut[0], Envelope)
    return Envelope(list(map(msgspec.Raw, cut[1])), rest.cursor, rest.has_more)


def _is_html(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def _unpacker(encoding: str) -> _Unpacker:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return zlib.decompressobj(_GZIP)
    raise BodyError(f"the answer is packed as {printable(encoding, 40)!r}, not as gzip")


def _unpacked(unpacker: _Unpacker, chunk: bytes, most: int) -> bytes:
    try:
        part = unpacker.decompress(chunk, most)
    except zlib.error:
        raise BodyError("the answer is not the gzip that it says it is") from None
    if unpacker.unused_data:
        raise BodyError("the answer goes on after its gzip has ended")
    return part


def _decoded(body: bytes, kind: type[T]) -> T:
    if not body.strip():
        raise BodyError("the answer is empty")
    try:
        return msgspec.json.decode(body.removeprefix(_BOM), type=kind)
    except msgspec.ValidationError as error:
        raise BodyError(f"the answer has an unknown shape: {printable(str(error), 120)}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        if _is_html(body):
            raise BodyError("the answer is a page of HTML: a proxy or gateway spoke") from None
        raise BodyError(f"the answer is not JSON: {printable(str(error), 120)}") from None
