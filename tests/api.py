"""Small days behind the real HTTP simulator, and an engine that polls them by the real client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from detector import jobs
from detector.plans import Texts
from detector.simulator import Arrival, Plan, Server, Simulation, parse_faults, serve, simulate
from detector.sources.onepassword import Budget, OnePassword, Pace, client
from tests.fakes import Clock, close, open_desk
from tests.stories import Item


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
        pages = self.desk.store.pages("acme", upto=2**62)
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
    clock = Clock(now)
    lived = items if isinstance(items, Simulation) else company(items)
    deadline_s = float(more.pop("deadline_s", 5.0))  # type: ignore[arg-type]
    with serve(lived, clock, faults=parse_faults(faults)) as server:
        desk = open_desk(folder, now, **more)  # type: ignore[arg-type]
        try:
            with closing(source(server, clock, deadline_s)) as api:
                yield World(server, api, desk, clock)
        finally:
            close(desk)


def source(server: Server, clock: Callable[[], datetime], deadline_s: float = 5.0) -> OnePassword:
    """The real client of a server, which does not wait for a budget."""
    budget = Budget(1_000_000, monotonic=time.monotonic, sleep=time.sleep)
    pace = Pace(budget, clock, deadline_s=deadline_s)
    http = client(server.url, read_timeout_s=1.0)
    return OnePassword(server.token, pace=pace, base_url=server.url, name="acme", http=http)


NO_RULES = Texts()
"""An engine that only stores."""
