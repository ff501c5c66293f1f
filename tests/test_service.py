"""The service as a process: real configuration, real HTTP, real signals, kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from detector import accounts, stopping
from detector.plans import Texts
from detector.simulator import Plan, Server, Simulation, parse_faults, serve, simulate
from detector.store.sqlite import Sqlite
from tests.waiting import until

START = datetime(2026, 3, 2, tzinfo=UTC)
ROOT = Path(__file__).parents[1]


@dataclass
class Place:
    """A configuration over a running API."""

    folder: Path
    server: Server
    company: Simulation

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "vaultwatch.toml"

    def command(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "detector", *words, "--config", str(self.config)],
            env=self.environment(**more), cwd=ROOT, capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip

    def environment(self, **more: str) -> dict[str, str]:
        """The token beside what there is."""
        return os.environ | {"OP_EVENTS_TOKEN": self.server.token} | more

    def service(self) -> subprocess.Popen[bytes]:
        """Start the service."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "detector", "run", "--config", str(self.config)],
                env=self.environment(), cwd=ROOT, stdout=log, stderr=log,
            )  # fmt: skip

    def events(self) -> Counter[str]:
        """How often each event is stored."""
        with_data = Sqlite(self.folder / "data", write=False)
        found = Counter(
            uuid for frame, _ in with_data.log.pages("acme") for uuid in frame["event.id"]
        )
        with_data.close()
        return found

    def served(self) -> set[str]:
        """What the API has, and the service must have."""
        return {str(arrival.item["uuid"]) for arrival in self.company.arrivals}


@pytest.fixture(scope="module")
def company() -> Simulation:
    """Eight people, eight days, two attacks."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
        days=20
    )
    return simulate(Plan(people=8, days=8, attacks=2, attacks_from_day=5, start=start))


FAULTS = ("itemusages:2:reset", "auditevents:1:status=500")
"""An API that fails now and then."""


@contextmanager
def opened(folder: Path, company: Simulation, faults: tuple[str, ...] = FAULTS) -> Iterator[Place]:
    """The company behind HTTP that has faults, and an account that has taught 5 days."""
    with serve(company, lambda: datetime.now(UTC), faults=parse_faults(faults)) as server:
        text = f"""
            [[sources]]
            name = "acme"
            token = {{ env = "OP_EVENTS_TOKEN" }}
            base_url = "{server.url}"
            poll_every = "1s"
            [data]
            directory = "{folder / "data"}"
        """
        (folder / "vaultwatch.toml").write_text(text)
        store = Sqlite(folder / "data")
        accounts.begin(store, "acme", Texts(), company.plan.start + timedelta(days=5))
        store.close()
        yield Place(folder, server, company)


@pytest.fixture
def place(tmp_path: Path, company: Simulation) -> Iterator[Place]:
    """A place of one's own."""
    with opened(tmp_path, company) as found:
        yield found


@pytest.fixture(scope="module")
def done(
    tmp_path_factory: pytest.TempPathFactory, company: Simulation
) -> Iterator[tuple[Place, subprocess.CompletedProcess[str]]]:
    """A place where one round was polled, and how that ended."""
    with opened(tmp_path_factory.mktemp("done"), company) as found:
        yield found, found.command("run", "--once")


Done = tuple[Place, subprocess.CompletedProcess[str]]


def test_one_round_over_a_real_configuration_stores_every_event_once(done: Done) -> None:
    place, process = done
    assert (process.returncode, "Traceback" in process.stderr) == (0, False), process.stderr
    events = place.events()
    assert (set(events), set(events.values())) == (place.served(), {1})
    for output in (process.stdout, process.stderr):
        assert place.server.token not in output
        assert place.server.token.split(".")[1] not in output


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [
        "before_commit:2",
        "after_commit:2",
        "before_tick",
        "after_tick",
        "before_keep",
        "before_send",
    ],
)
def test_a_crash_at_a_named_point_costs_nothing(place: Place, point: str) -> None:
    assert place.command("run", "--once", VAULTWATCH_CRASH_AT=point).returncode == 137

    assert place.command("run", "--once").returncode == 0

    events = place.events()
    assert (set(events), set(events.values())) == (place.served(), {1})


def test_kill_minus_nine_at_any_time_costs_nothing(place: Place) -> None:
    for wait_s in (2.0, 3.1):
        process = place.service()
        time.sleep(wait_s)
        process.kill()
        process.wait()

    assert place.command("run", "--once").returncode == 0

    events = place.events()
    assert (set(events), set(events.values())) == (place.served(), {1})


def _told(lines: str) -> dict[str, dict[str, Any]]:
    alerts = [json.loads(line) for line in lines.splitlines()]
    left_out = dict.fromkeys(("reason", "detected_at", "status", "incident_id"))
    return {alert["id"]: alert | left_out for alert in alerts}


def test_a_term_signal_ends_the_service_with_0_and_a_restart_goes_on(place: Place) -> None:
    process = place.service()
    until(lambda: b'"polled"' in (place.folder / "log").read_bytes())
    second = place.command("run", "--once")
    assert second.returncode == 2
    assert second.stderr.splitlines()[-1].endswith(
        "in use by another vaultwatch process; stop it first"
    )
    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=20) == 0
    before = place.events()
    asked = place.server.requests
    assert place.command("run", "--once").returncode == 0
    assert place.events() == before
    assert place.server.requests - asked in {3, 4}, "one page of each feed; one may fail once"


def test_a_term_signal_ends_the_service_within_seconds_where_the_api_says_nothing(
    tmp_path: Path, company: Simulation
) -> None:
    with opened(tmp_path, company, ("auditevents:*:timeout=25",)) as place:
        process = place.service()
        until(lambda: place.server.requests > 3)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)

        assert process.wait() == 0
        assert time.monotonic() - begun < stopping.GRACE_S + 3
        assert b'"stopped in the middle"' in (tmp_path / "log").read_bytes()


def test_an_api_that_says_no_is_exit_code_1_and_one_line_for_each_feed(place: Place) -> None:
    place.server.revoke(place.server.token)

    done = place.command("run", "--once")

    assert done.returncode == 1
    errors = [json.loads(line) for line in done.stderr.splitlines() if '"feed failed"' in line]
    assert sorted(each["feed"] for each in errors) == [
        "auditevents",
        "itemusages",
        "signinattempts",
    ]
    assert all("401" in each["error"] for each in errors)
    assert place.server.token not in done.stderr


def test_the_token_of_another_account_is_refused(done: Done) -> None:
    place, _ = done
    other = simulate(Plan(seed=8, people=8, days=1, attacks=0))
    with serve(other, lambda: datetime.now(UTC)) as server:
        second = place.command("run", "--once", OP_EVENTS_TOKEN=server.token)

    assert second.returncode == 2
    assert "is of another 1Password account" in second.stderr.splitlines()[-1]


def test_the_store_and_its_export_backtest_to_what_the_service_said(done: Done) -> None:
    place, _ = done
    said = _told(place.command("alerts", "list", "--json").stdout)
    assert said

    from_store = place.command("backtest", "--out", str(place.folder / "again.jsonl"))
    assert from_store.returncode == 0, from_store.stderr
    assert _told((place.folder / "again.jsonl").read_text()) == said

    exported = place.command("events", "export", "--out", str(place.folder / "files"))
    assert exported.returncode == 0, exported.stderr
    from_files = place.command("backtest", "--from", str(place.folder / "files"))
    assert from_files.returncode == 0, from_files.stderr
    assert _told(from_files.stdout) == said
