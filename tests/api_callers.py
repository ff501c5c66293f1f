"""Who asks the simulated Events API in the tests: a client with its token, and a clock by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from detector.simulator import Server

Body = dict[str, Any]
LONG_AGO = "2026-02-01T00:00:00Z"


@dataclass
class Hand:
    """A clock whose hand the test turns."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Caller:
    """A client with the server's token."""

    server: Server
    http: httpx.Client

    def post(self, feed: str, body: object, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.server.token}"}
        return self.http.post(f"/api/v2/{feed}", json=body, headers=headers)

    def drain(self, feed: str, body: Body) -> tuple[list[str], str]:
        """All uuids from a first body on, and the cursor at the end."""
        uuids: list[str] = []
        while True:
            page = self.post(feed, body).json()
            uuids += [item["uuid"] for item in page["items"]]
            if not page["has_more"]:
                return uuids, page["cursor"]
            body = {"cursor": page["cursor"]}
