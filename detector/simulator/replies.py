"""Replies of the API as values: a status, headers and a body, and how they are to be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

REASONS: Final = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 429: "Too Many Requests", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `claimed_length` is sent in place of the true one where it is not None."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    claimed_length: int | None = None

    def head(self) -> bytes:
        """The status line and the headers."""
        length = len(self.body) if self.claimed_length is None else self.claimed_length
        lines = [
            f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def found(content: dict[str, Any]) -> Reply:
    """A success."""
    return Reply(200, msgspec.json.encode(content))


def refused(status: int, headers: dict[str, str] | None = None) -> Reply:
    """An error as the documentation of version 2 describes it."""
    body = msgspec.json.encode({"status": status, "message": REASONS[status]})
    return Reply(status, body, headers=headers or {})


def bad_request() -> Reply:
    """A 400 in the older shape, which the real API has been seen to send."""
    return Reply(400, msgspec.json.encode({"Error": {"Message": "Bad Request"}}))


def not_found() -> Reply:
    """What a wrong path, or a wrong host, answers."""
    return Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")
