"""The kill harness: a real service over a faulty API and a real sink, killed again and again.

`python -m tests.kills --kills 60 --seed 1` prints what the history checker counts. The last day of
a simulated company is squeezed into the time of the run, so that there is news at every moment.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread

from detector import accounts, backtesting, troubles
from detector.alerts import Alert
from detector.delivery.policy import Hold
from detector.plans import Texts
from detector.simulator import (
    Arrival,
    Plan,
    Server,
    Simulation,
    parse_faults,
    serve,
    simulate,
)
from detector.store.sqlite import Sqlite

ROOT = Path(__file__).parents[1]
SPAN = timedelta(days=30)
LIVE = timedelta(days=1)
FAULTS = (
    "*:p=0.04:status=500",
    "*:p=0.04:reset",
    "*:p=0.04:truncated",
    "*:p=0.03:status=429/1",
    "*:p=0.04:invalid-json",
    "*:p=0.06:repeat-page",
    "*:p=0.06:duplicates",
    "*:p=0.06:duplicates-across",
    "*:p=0.04:more-empty",
    "*:p=0.06:shuffled",
)
POINTS = (
    "before_commit",
    "after_commit",
    "after_commit:2",
    "before_tick",
    "after_tick",
    "before_send",
    "after_send",
    "after_mark",
    "before_keep",
    "after_keep",
)
"""The points that a service comes to within seconds; the last two when it is asked to stop."""
REFUSED = 0.1
"""The share of messages that the sink refuses."""
LONGEST_S = 8.0
"""How long to wait for a named point before the process is killed without one."""


def now() -> datetime:
    """The time of day: of the API, of the harness, and of the service."""
    return datetime.now(UTC)


def squeezed(company: Simulation, begin: datetime, length: timedelta) -> Simulation:
    """The company with its last day between `begin` and `begin + length`, all before as it was."""
    live = company.plan.start + timedelta(days=company.plan.days) - LIVE
    end = begin + length

    def moved(moment: datetime) -> datetime:
        return moment if moment < live else min(end, begin + (moment - live) * (length / LIVE))

    def pressed(each: Arrival) -> Arrival:
        stamp = moved(datetime.fromisoformat(each.item["timestamp"]))
        item = each.item | {"timestamp": stamp.isoformat().replace("+00:00", "Z")}
        return replace(each, arrived=moved(each.arrived), item=item)

    arrivals = sorted((pressed(each) for each in company.arrivals), key=lambda each: each.arrived)
    return replace(company, arrivals=tuple(arrivals))


class _Listener(ThreadingHTTPServer):
    """A server whose clients may die in the middle of a request."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that were lost."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@dataclass
class Sink:
    """A web server that counts each message by its key; now and then it refuses one with a 503."""

    chance: Random
    url: str = ""
    keys: Counter[str] = field(default_factory=Counter)

    def answer(self, body: bytes) -> int:
        """The status for a message; one that is refused is not taken."""
        if self.chance.random() < REFUSED:
            return 503
        self.keys[json.loads(body)["id"]] += 1
        return 202

    @contextmanager
    def serving(self) -> Iterator[Sink]:
        """Take messages on loopback."""
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(sink.answer(body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with _Listener(("127.0.0.1", 0), Handler) as server:
            Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_port}/"
            yield self
            server.shutdown()


@dataclass
class Found:
    """What the history checker counts. Every figure of `faults` must be zero."""

    kills: int = 0
    points: int = 0
    requests: int = 0
    served: int = 0
    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    alerts: int = 0
    not_replayed: int = 0
    only_replayed: int = 0
    held: int = 0
    messages: int = 0
    unsent: int = 0
    never_told: int = 0
    unexplained: int = 0
    told_twice: int = 0

    @property
    def faults(self) -> dict[str, int]:
        """What broke a promise; messages may be doubled once for each kill."""
        names = ("lost", "doubled", "foreign", "not_replayed", "only_replayed", "unsent")
        told = {"never_told": self.never_told, "unexplained": self.unexplained}
        beyond = {"told_twice": max(0, self.told_twice - self.kills)}
        return {name: getattr(self, name) for name in names} | told | beyond


@dataclass
class Victim:
    """The service under test, and how often it died."""

    folder: Path
    server: Server
    sink: Sink
    chance: Random
    kills: int = 0
    points: int = 0
    disk: Path | None = None
    """Where the data are, if not in the folder."""
    more: Mapping[str, str] = field(default_factory=dict)
    """What else stands in the service's environment."""

    @property
    def data(self) -> Path:
        """The service's directory."""
        return (self.disk or self.folder) / "data"

    def configure(self, begin: datetime) -> None:
        """Write the configuration; what happened before `begin` only teaches."""
        (self.folder / "vaultwatch.toml").write_text(f"""
            [[sources]]
            name = "acme"
            token = {{ env = "OP_EVENTS_TOKEN" }}
            base_url = "{self.server.url}"
            poll_every = "1s"
            [data]
            directory = "{self.data}"
            [webhook]
            url = "{self.sink.url}"
            secret = {{ env = "SINK_SECRET" }}
            [delivery]
            medium_wait = "1s"
            [flood]
            high = 100000
            other = 100000
        """)
        store = Sqlite(self.data)
        accounts.begin(store, "acme", Texts(), begin)
        store.close()

    def start(self, point: str = "") -> subprocess.Popen[bytes]:
        """Start the service, to die at a point if one is named."""
        secrets = {"OP_EVENTS_TOKEN": self.server.token, "SINK_SECRET": "s3cret"}
        environment = os.environ | secrets | self.more | {"VAULTWATCH_CRASH_AT": point}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "detector", "run", "--config",
                 str(self.folder / "vaultwatch.toml")],
                env=environment, cwd=ROOT, stdout=log, stderr=log,
            )  # fmt: skip

    def kill_at_random(self) -> None:
        """Start, and kill -9 after a time between the start of Python and some rounds of polling."""
        process = self.start()
        time.sleep(self.chance.uniform(0.5, 6.0))
        process.kill()
        process.wait()
        self.kills += 1

    def kill_at(self, point: str) -> None:
        """Start, and die at the point; kill -9 if it does not come."""
        process = self.start(point)
        try:
            if point.endswith("keep"):
                time.sleep(3.0)
                process.send_signal(signal.SIGTERM)
            process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
        self.points += process.wait() == 137
        self.kills += 1

    def settle(self, expected: int, end: datetime, longest_s: float) -> None:
        """Let it live until everything was served, stored and told; then stop it as one should."""
        process = self.start()
        limit = time.monotonic() + longest_s
        try:
            while time.monotonic() < limit and not (now() > end and self._is_done(expected)):
                time.sleep(1.0)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def _is_done(self, expected: int) -> bool:
        store = Sqlite(self.data, write=False)
        waiting = {each.state for each in store.outbox.listed()} & {"waiting", "sending"}
        decided = [store.decisions(each.id) for each in store.alerts()]
        undecided = [each for each in decided if not each or each[-1].reason == Hold.GROUPING]
        stored = store.events("acme")
        store.close()
        return stored >= expected and not waiting and not undecided


def kernel_alerts(store: Sqlite) -> list[Alert]:
    """What the kernel raises when it replays the stored log from its beginning."""
    start = store.started("acme")
    assert start is not None
    state = accounts.blank("acme", start.teach_until, span=SPAN)
    steps = (entry.page or entry.control for entry in store.log.entries("acme", after=0))
    readers = backtesting.as_it_was(store)
    done = backtesting.replay_log(state, (step for step in steps if step), readers, lambda _: None)
    return list(done.alerts.values())


def checked(victim: Victim, company: Simulation) -> Found:
    """Compare what was served, what is stored, what a replay raises, and what the sink has."""
    store = Sqlite(victim.data, write=False)
    stored = Counter(uuid for frame, _ in store.log.pages("acme") for uuid in frame["event.id"])
    served = {str(each.item["uuid"]) for each in company.arrivals}
    alerts = [each for each in store.alerts() if not troubles.is_own(each.rule.id)]
    known, raised = {each.id for each in alerts}, {each.id for each in kernel_alerts(store)}
    keys, letters = victim.sink.keys, store.outbox.listed()
    sent = {f"{each.about}.{each.sequence}" for each in letters if each.state == "sent"}
    untold = [each for each in alerts if not _is_told(store, each, keys)]
    silent = [each for each in untold if not _is_held(store, each)]
    found = Found(
        victim.kills,
        victim.points,
        victim.server.requests,
        served=len(served),
        lost=len(served - set(stored)),
        doubled=sum(count - 1 for count in stored.values()),
        foreign=len(set(stored) - served),
        alerts=len(alerts),
        not_replayed=len(known - raised),
        only_replayed=len(raised - known),
        held=len(untold),
        messages=keys.total(),
        unsent=sum(each.state not in {"sent", "folded"} for each in letters),
        never_told=len(sent - set(keys)) + len(silent),
        unexplained=len(set(keys) - {f"{each.about}.{each.sequence}" for each in letters}),
        told_twice=sum(count - 1 for count in keys.values()),
    )
    store.close()
    return found


def _is_told(store: Sqlite, alert: Alert, keys: Counter[str]) -> bool:
    """Whether a message about the alert's incident, or a digest with the alert, has arrived."""
    about = {key.rpartition(".")[0] for key in keys}
    return alert.incident_id in about or any(
        alert.id in store.digested(each) for each in about if each.startswith("dig-")
    )


def _is_held(store: Sqlite, alert: Alert) -> bool:
    """Whether the last decision keeps it from being a message for good, with a named reason."""
    decisions = store.decisions(alert.id)
    return bool(decisions) and decisions[-1].reason in {
        Hold.ON_TRIAL,
        Hold.DIGEST_ONLY,
        Hold.NO_ROUTE,
    }


def lived(seed: int, begin: datetime, length: timedelta) -> Simulation:
    """A small company whose last day, with most of its attacks, is from `begin` on."""
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - 8 * LIVE
    plan = Plan(seed=seed, people=12, days=6, attacks=8, attacks_from_day=4, start=start)
    return squeezed(simulate(plan), begin, length)


def survive(folder: Path, *, kills: int, seed: int) -> Found:
    """Kill the service so many times, every second time at a named point; check its history."""
    chance = Random(seed)
    begin, length = now(), timedelta(seconds=5 * kills)
    company = lived(seed, begin, length)
    faults = parse_faults(FAULTS, seed=seed)
    points = chance.sample(POINTS, len(POINTS))
    with serve(company, now, faults=faults) as server, Sink(Random(seed)).serving() as sink:
        victim = Victim(folder, server, sink, chance)
        victim.configure(begin)
        for count in range(kills):
            if count % 2:
                victim.kill_at(points[count // 2 % len(points)])
            else:
                victim.kill_at_random()
        victim.settle(len(company.arrivals), begin + length, longest_s=120)
        return checked(victim, company)


def main() -> int:
    """Kill, check, print the figures; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=40, help="how often the service dies")
    parser.add_argument("--seed", type=int, default=1, help="of the instants, faults and company")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = survive(Path(folder), kills=args.kills, seed=args.seed)
    for name, figure in asdict(found).items():
        sys.stdout.write(f"{name:14} {figure:>7,}\n")
    broken = {name: figure for name, figure in found.faults.items() if figure}
    sys.stdout.write(f"broken: {broken}\n" if broken else "no promise was broken\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
