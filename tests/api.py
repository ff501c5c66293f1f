"""Small days behind the real HTTP simulator, and an engine that polls them by the real client."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from detector import jobs
from detector.events import AUDIT, FEEDS, SIGNIN, USAGE
from detector.plans import Texts
from detector.simulator import Arrival, Plan, Server, Simulation, parse_faults, serve, simulate
from detector.sources.onepassword import Budget, OnePassword, Pace, client
from tests.fakes import Clock, close, open_desk
from tests.stories import Item, at, audit, sign_in, usage


@cache
def _company() -> Simulation:
    return simulate(Plan(people=8, days=1, attacks=0))


def company(items: Iterable[Item]) -> Simulation:
    """A company that lived through these items; each is served from when it was received."""
    arrivals = sorted(
        (Arrival(item.received, item.feed, item.fields) for item in items),
        key=lambda arrival: arrival.arrived,
    )
    return replace(_company(), arrivals=tuple(arrivals))


def late(item: Item, received: datetime) -> Item:
    """The item, served only from `received` on."""
    return replace(item, received=received)


@dataclass
class World:
    """An account that is polled over real HTTP; `clock` is that of the API and of the engine."""

    server: Server
    source: OnePassword
    desk: jobs.Desk
    clock: Clock
    asked: list[tuple[str, dict[str, Any]]]
    """What was asked for: feed and body of each request."""

    def poll(self, after: timedelta = timedelta(0)) -> jobs.Polled:
        """One round, some time later, as the service does it."""
        self.clock.time += after
        polled = jobs.poll(self.desk, self.source, self.clock)
        jobs.sweep(self.desk, self.source, self.clock)
        return polled

    def until(self, end: datetime, every: timedelta = timedelta(minutes=5)) -> None:
        """Poll on and on until a time."""
        while self.clock.time < end:
            self.poll(every)

    def stored(self) -> list[str]:
        """The ids of all stored events in the order of the log."""
        pages = self.desk.store.log.pages("acme")
        return [uuid for frame, _ in pages for uuid in frame["event.id"].to_list()]


@contextmanager
def world(
    folder: Path,
    items: Sequence[Item] | Simulation,
    now: datetime,
    *,
    faults: Sequence[str] = (),
    **more: object,
) -> Iterator[World]:
    """An account that starts now; `texts`, `point` and `deadline_s` as keywords."""
    clock, asked = Clock(now), list[tuple[str, dict[str, Any]]]()
    lived = items if isinstance(items, Simulation) else company(items)
    deadline_s = float(more.pop("deadline_s", 5.0))  # type: ignore[arg-type]
    with serve(lived, clock, faults=parse_faults(faults)) as server:
        desk = open_desk(folder, now, **more)  # type: ignore[arg-type]
        try:
            with closing(source(server, clock, deadline_s, asked)) as api:
                yield World(server, api, desk, clock, asked)
        finally:
            close(desk)


def source(
    server: Server | HandMade,
    clock: Callable[[], datetime],
    deadline_s: float = 5.0,
    asked: list[tuple[str, dict[str, Any]]] | None = None,
) -> OnePassword:
    """The real client of a server, which does not wait for a budget; what it asks is kept."""

    def note(request: httpx.Request) -> None:
        if asked is not None and request.method == "POST":
            asked.append((request.url.path.rsplit("/", 1)[-1], json.loads(request.content)))

    budget = Budget(1_000_000, monotonic=time.monotonic, sleep=time.sleep)
    pace = Pace(budget, clock, deadline_s=deadline_s)
    http = client(server.url, read_timeout_s=1.0)
    http.event_hooks["request"] = [note]
    return OnePassword(server.token, pace=pace, base_url=server.url, name="acme", http=http)


Answer = Callable[[str, dict[str, Any]], tuple[int, bytes]]
"""Status and body for a feed and what was asked."""


@dataclass
class HandMade:
    """An API on loopback whose answers a function makes."""

    url: str
    token: str = "anything, on loopback"


@contextmanager
def hand_made(answer: Answer) -> Iterator[HandMade]:
    """Serve what `answer` says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = answer(self.path.rsplit("/", 1)[-1], asked)
            self.send_response_only(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield HandMade(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


NO_RULES = Texts()
"""An engine that only stores."""


NOW = at("0:00")
MAKE = {AUDIT: audit, SIGNIN: sign_in, USAGE: usage}


def items(count: int = 30, days: int = 6) -> list[Item]:
    """So many items of each feed in the last days."""
    step = timedelta(days=days) / count
    return [
        MAKE[feed]("ann", "paris", NOW - step * (place + 1))
        for place in range(count)
        for feed in FEEDS
    ]


MANY = items(1100)
"""More than a page of each feed."""


def whole(one: World, expected: list[Item]) -> None:
    """Every event that was served is stored exactly once."""
    assert Counter(one.stored()) == Counter({item.id: 1 for item in expected})


def settled(one: World, expected: list[Item], rounds: int = 12) -> None:
    """After some more rounds everything is there once, and every feed is complete."""
    for _ in range(rounds):
        one.poll(timedelta(minutes=5))
    whole(one, expected)
    ends = [each.complete for each in one.desk.store.coverage("acme").values()]
    assert ends == [one.clock.time] * 3
