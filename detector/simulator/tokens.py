"""Bearer tokens shaped like 1Password's: a JWT that clients read but cannot verify."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from detector.simulator.streams import lower_id, upper_id


@dataclass(frozen=True, slots=True)
class Token:
    """What the server knows of a token that it has issued."""

    text: str
    uuid: str
    features: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is issued for."""

    host: str
    account: str
    features: tuple[str, ...]
    issued_at: datetime
    lifetime: timedelta


def issue(grant: Grant, rng: random.Random) -> Token:
    """Issue a token: header, claims, and a signature of the right length that proves nothing."""
    uuid = upper_id(rng)
    expires_at = grant.issued_at + grant.lifetime
    claims = {
        "1password.com/auid": grant.account,
        "1password.com/fts": list(grant.features),
        "aud": [grant.host],
        "sub": uuid,
        "iat": int(grant.issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "iss": "com.1password.b5",
        "jti": lower_id(rng),
    }
    header = {"alg": "ES256", "kid": lower_id(rng), "typ": "JWT"}
    signature = _text(rng.randbytes(64))
    text = f"{_text(_json(header))}.{_text(_json(claims))}.{signature}"
    return Token(text, uuid, grant.features, grant.issued_at, expires_at)


def _json(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
