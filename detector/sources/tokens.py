"""Events API tokens: what they say of themselves, and which address may be shown one.

A token is a JWT; its claims are read, not verified: 1Password does that.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from detector.ports import SourceError

WANTED: Final = (
    "an Events API bearer token is needed "
    "(1Password.com > Integrations > Events Reporting, or 'op events-api create')"
)
HOSTS: Final = "events.1password.com, .ca or .eu, or events.ent.1password.com"
_HOST: Final = re.compile(r"events\.(?:[a-z0-9-]{1,32}\.)?1password\.(?:com|ca|eu)")
_ES256_BYTES: Final = 64


class SetupError(SourceError):
    """The token or the address cannot work; only who configured them can help."""

    def __init__(self, text: str) -> None:
        super().__init__(text, permanent=True)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says of itself; the token is not in it.

    `ids` are what 1Password calls the token and its integration. `host` is null if the audience is none of 1Password's events hosts. No `features` means that
    the token does not say.
    """

    audience: str
    host: str | None
    features: tuple[str, ...]
    account_uuid: str | None
    expires: datetime | None
    ids: frozenset[str] = frozenset()


class _Claims(msgspec.Struct):
    aud: str | list[str] = ""
    exp: float | None = None
    sub: object = None
    jti: object = None
    features: list[str] | None = msgspec.field(name="1password.com/fts", default=None)
    account: str | None = msgspec.field(name="1password.com/auid", default=None)


class _Header(msgspec.Struct):
    alg: str = ""


def read_token(token: str, base_url: str | None = None) -> Token:
    """Read a token's claims. Raises SetupError, which never shows the token.

    An API on this machine, as `base_url`, may take a token that says nothing of itself.
    """
    try:
        claims = _claims(token.strip())
    except SetupError:
        if base_url and is_loopback(urlsplit(base_url).hostname or ""):
            return Token("", None, (), None, None)
        raise
    audience = claims.aud if isinstance(claims.aud, str) else next(iter(claims.aud), "")
    host = audience.removeprefix("https://").rstrip("/").lower()
    return Token(
        audience=audience,
        host=host if _HOST.fullmatch(host) else None,
        features=tuple(claims.features or ()),
        account_uuid=claims.account or None,
        expires=_moment(claims.exp),
        ids=frozenset(each for each in (claims.sub, claims.jti) if isinstance(each, str) and each),
    )


def address(token: Token, base_url: str | None) -> str:
    """The address that `token` is for, or `base_url` if the token may be shown there.

    Raises SetupError.
    """
    if base_url:
        return _checked(base_url)
    if token.host is not None:
        return f"https://{token.host}"
    if token.audience == "com.1password.streamingservice":
        raise SetupError(
            f"this token is too old to name its host: set base_url to https:// {HOSTS}"
        )
    if token.audience.startswith("com.1password."):
        raise SetupError(f"this is a token of another 1Password service: {WANTED}")
    raise SetupError(
        f"this token is for {printable(token.audience, 80)!r}, which is not {HOSTS}: {WANTED}"
    )


def is_loopback(host: str) -> bool:
    """Whether a name or address can only be this machine; a name is not looked up.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("127.0.0.1.example.com")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def printable(text: str, longest: int | None = None) -> str:
    """One line of what can be seen: no control, no direction marks, no lone surrogates.

    >>> printable("a\\r\\nb\\x1b[31m\\u202e")
    'a b[31m'
    """
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())[:longest]


def _claims(text: str) -> _Claims:
    if text.startswith("ops_"):
        raise SetupError(f"this is a service account token (ops_): {WANTED}")
    if text.startswith("op://"):
        raise SetupError(f"this is a secret reference (op://) that was not resolved: {WANTED}")
    parts = text.split(".")
    if len(parts) != 3:
        raise SetupError(f"this is not a token, or only a part of one: {WANTED}")
    try:
        raw_header, raw_claims, signature = map(_bytes, parts)
        header = msgspec.json.decode(raw_header, type=_Header)
        claims = msgspec.json.decode(raw_claims, type=_Claims)
    except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError):
        header, claims, signature = None, None, b""
    # Raised out here so that no cause holds a part of the token.
    if header is None or claims is None:
        raise SetupError(f"this token cannot be read, it is damaged or cut short: {WANTED}")
    if not signature or (header.alg == "ES256" and len(signature) != _ES256_BYTES):
        raise SetupError(f"this token is cut short or has something added: {WANTED}")
    return claims


def _bytes(part: str) -> bytes:
    padded = part + "=" * (-len(part) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def _moment(seconds: float | None) -> datetime | None:
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _checked(base_url: str) -> str:
    try:
        parts = urlsplit(base_url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise SetupError("base_url: not a URL") from None
    shown = printable(f"{parts.scheme}://{host}", 120)
    if "@" in parts.netloc or parts.query or parts.fragment or parts.path.strip("/"):
        raise SetupError(f"base_url: give only scheme and host, as {shown}")
    if is_loopback(host) and parts.scheme in {"http", "https"}:
        name = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{name}" + (f":{port}" if port else "")
    if not _HOST.fullmatch(host):
        raise SetupError(
            f"base_url: {shown} is not 1Password's ({HOSTS}), nor this machine: "
            "whoever is there would be sent the token"
        )
    if parts.scheme != "https" or port not in {None, 443}:
        raise SetupError(f"base_url: https://{host} is the address; without TLS the token is open")
    return f"https://{host}"
