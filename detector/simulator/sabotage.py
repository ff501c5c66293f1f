"""Faults in action: which request is hit, and what then goes over the wire."""

from __future__ import annotations

import os
import random
import socket
import struct
import threading
import zlib
from collections import Counter
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Final

from detector.simulator.corruption import corrupted
from detector.simulator.endpoints import Page
from detector.simulator.faults import Fault, FaultPlan
from detector.simulator.replies import Reply, refused

_MEGABYTE: Final = 1 << 20
_HTML: Final = b"<!doctype html><title>Just a moment...</title><h1>Bad gateway</h1>"
_OVERLAP: Final = 5
_GZIP: Final = 31
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Sabotage:
    """Decides which request is hit by which fault, and remembers the last page of a feed."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._rng = random.Random(plan.seed)
        self._counts: Counter[str] = Counter()
        self._last: dict[str, Page] = {}
        self.stopping = threading.Event()

    def next(self, name: str) -> Fault | None:
        """The fault that hits the next request of a feed, if any."""
        self._counts[name] += 1
        for rule in self._plan.rules:
            if rule.feed in {"*", name}:
                draw = self._rng.random() if rule.when.chance < 1.0 else 0.0
                if rule.when.holds(self._counts[name], draw):
                    return rule.fault
        return None

    def page(self, name: str, page: Page, fault: Fault | None) -> Page:
        """The page as the fault makes it; the last page that was served is remembered."""
        word, before = fault.word if fault else "", self._last.get(name, page)
        if word not in {"more-empty", "repeat-page"}:
            self._last[name] = page
        match word:
            case "more-empty":
                return Page([], page.asked, page.asked, has_more=True)
            case "same-cursor":
                return Page(page.items, page.asked, page.asked, has_more=True)
            case "empty-cursor":
                return Page(page.items, page.asked, "", has_more=True)
            case "repeat-page":
                return Page(before.items, page.asked, page.asked, has_more=True)
            case "duplicates-across":
                items = before.items[-_OVERLAP:] + page.items
                return Page(items, page.asked, page.cursor, page.has_more)
        items = corrupted(page.items, fault, self._rng) if fault else page.items
        return Page(items, page.asked, page.cursor, page.has_more)

    def reply(self, reply: Reply, fault: Fault, now: datetime) -> Reply:
        """The reply as the fault makes it, as far as it is a matter of bytes."""
        match fault.word:
            case "status":
                return _status(fault, now)
            case "invalid-json":
                return Reply(200, reply.body[:-1] + b",,]", headers=reply.headers)
            case "html":
                return Reply(200, _HTML, "text/html; charset=utf-8")
            case "wrong-length":
                return Reply(reply.status, reply.body, claimed_length=len(reply.body) // 2)
            case "oversized":
                padding = b" " * int(fault.number(32) * _MEGABYTE)
                return Reply(reply.status, reply.body + padding)
            case "gzip-bomb":
                return _bomb(reply, int(fault.number(100)))
        return reply

    def send(self, request: BaseHTTPRequestHandler, reply: Reply, fault: Fault | None) -> bool:
        """Send a reply, well or badly; False if the connection must not be used again."""
        try:
            return self._send(request, reply, fault)
        except OSError:
            return False

    def _send(self, request: BaseHTTPRequestHandler, reply: Reply, fault: Fault | None) -> bool:
        word = fault.word if fault else ""
        if fault is not None and word == "timeout":
            self.stopping.wait(fault.number(30))
            return False
        if word == "reset":
            _reset(request.connection)
            return False
        if word == "truncated":
            request.wfile.write(reply.head() + reply.body[: len(reply.body) // 2])
            return False
        if fault is not None and word == "drip":
            return self._drip(request, reply, fault.number(200))
        request.wfile.write(reply.head() + reply.body)
        return word != "wrong-length"

    def _drip(self, request: BaseHTTPRequestHandler, reply: Reply, pace: float) -> bool:
        request.wfile.write(reply.head())
        step = max(1, int(pace / 10))
        for at in range(0, len(reply.body), step):
            if self.stopping.wait(step / max(pace, 1.0)):
                return False
            request.wfile.write(reply.body[at : at + step])
        return True


def _status(fault: Fault, now: datetime) -> Reply:
    code, _, after = fault.value.partition("/")
    headers = {}
    if after == "date":
        headers["Retry-After"] = format_datetime(now + timedelta(seconds=30), usegmt=True)
    elif after:
        headers["Retry-After"] = after
    return refused(int(code), headers)


def _bomb(reply: Reply, megabytes: int) -> Reply:
    packer, block = zlib.compressobj(wbits=_GZIP), b" " * _MEGABYTE
    parts = [packer.compress(reply.body), *(packer.compress(block) for _ in range(megabytes))]
    body = b"".join([*parts, packer.flush()])
    return Reply(reply.status, body, headers={"Content-Encoding": "gzip"})


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    os.close(connection.detach())
