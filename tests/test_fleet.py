"""Many accounts in one process: nobody waits for a slow or broken neighbour."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from detector import jobs
from detector.events import FEEDS
from detector.fleet import QUICK, SLOW, Common, Station
from detector.plans import Texts, build
from detector.settings import SourceConfig, load
from detector.simulator import Simulation, parse_faults, serve
from detector.sources.onepassword import OnePassword
from detector.store.sqlite import Sqlite
from tests.api import NO_RULES, company, items, source
from tests.fakes import Clock
from tests.stories import at

ROOT = Path(__file__).parents[1]
NOW = at("0:00")


@contextmanager
def common(folder: Path, make: Callable[[SourceConfig], OnePassword]) -> Iterator[Common]:
    """What the stations of a test share."""
    with closing(Sqlite(folder)) as store, ThreadPoolExecutor(1) as trainer:
        made = Common(
            store, NO_RULES, timedelta(days=30), Clock(NOW), make, threading.Event(),
            jobs.nowhere, trainer,
        )  # fmt: skip
        yield made
        for pool in made.fetchers.values():
            pool.shutdown()


def config(name: str, **more: object) -> SourceConfig:
    fields = {"name": name, "token": {"env": "OP_EVENTS_TOKEN"}, "base_url": None}
    return SourceConfig.model_validate(fields | more)


def test_an_account_is_opened_at_its_first_poll_and_then_quick(tmp_path: Path) -> None:
    with serve(company(items()), Clock(NOW)) as server, ExitStack() as stack:
        api = stack.enter_context(closing(source(server, Clock(NOW))))
        one = stack.enter_context(common(tmp_path, lambda _: api))
        station = Station(one, config("acme"))
        assert (station.desk, station.track, one.store.accounts()) == (None, SLOW, [])

        polled = station.poll()

        assert (polled.events, station.track) == (90, QUICK)
        assert station.desk is station.open()
        assert station.desk.vitals.feeds == FEEDS


def test_who_fails_is_polled_among_the_slow(tmp_path: Path) -> None:
    faults = parse_faults(["itemusages:1:status=401"])
    with serve(company(items()), Clock(NOW), faults=faults) as server, ExitStack() as stack:
        api = stack.enter_context(closing(source(server, Clock(NOW))))
        one = stack.enter_context(common(tmp_path, lambda _: api))
        station = Station(one, config("acme", token={"file": "/dev/null"}))

        assert set(station.poll().failures) == {"itemusages"}
        assert station.track == SLOW
        one.now.time += timedelta(hours=1)  # type: ignore[attr-defined]
        assert station.poll().failures == {}
        assert station.track == QUICK


def test_a_token_that_was_put_in_place_of_a_revoked_one_is_taken(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    with serve(company(items()), Clock(NOW)) as server, ExitStack() as stack:

        def make(found: SourceConfig) -> OnePassword:
            token = found.token.read({}).get_secret_value()
            named = SimpleNamespace(url=server.url, token=token)
            return stack.enter_context(closing(source(named, Clock(NOW))))  # type: ignore[arg-type]

        secret.write_text(server.token)
        one = stack.enter_context(common(tmp_path / "data", make))
        station = Station(one, config("acme", token={"file": str(secret)}))
        station.poll()
        server.revoke(server.token)
        assert len(station.poll().failures) == 3
        secret.write_text(server.issue(FEEDS))

        assert station.poll().failures == {}
        assert station.api.has(SecretStr(secret.read_text()))


def test_accounts_with_the_same_rules_share_their_plan(tmp_path: Path) -> None:
    texts = Texts(rules={"a.yml": "title: x"}, timezone="Europe/Paris")
    again = Texts.parse(texts.dump())

    assert again == texts
    assert Texts.parse(texts.dump()) is again
    assert build(again, NOW.date()) is build(texts, NOW.date())
    assert build(texts, NOW.date()) is not build(Texts(), NOW.date())


CONFIG = """
[data]
directory = "{folder}/data"
{sources}
"""
SOURCE = """
[[sources]]
name = "{name}"
token = {{ env = "OP_EVENTS_TOKEN" }}
base_url = "{url}"
poll_every = "1s"
"""


@contextmanager
def service(folder: Path, **urls: str) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a process, over an account for each url."""
    sources = "".join(SOURCE.format(name=name, url=url) for name, url in urls.items())
    path = folder / "vaultwatch.toml"
    path.write_text(CONFIG.format(folder=folder, sources=sources))
    assert load(path, {})
    with (folder / "log").open("wb") as log, subprocess.Popen(
        [sys.executable, "-m", "detector", "run", "--config", str(path)],
        env={"OP_EVENTS_TOKEN": "anything, on loopback", "PATH": ""}, cwd=ROOT, stdout=log,
        stderr=log,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0


@pytest.fixture
def busy() -> Simulation:
    now = datetime.now(UTC)
    moved = [each for each in items() if each.time > NOW - timedelta(days=1)]
    shift = now - NOW
    for each in moved:
        each.fields["timestamp"] = (each.time + shift - timedelta(hours=1)).isoformat()
    return company(moved)


def test_many_hanging_accounts_never_delay_the_others(tmp_path: Path, busy: Simulation) -> None:
    """Thirty accounts that never answer, and two that do: those are polled each second."""
    with serve(busy, lambda: datetime.now(UTC)) as good, serve(
        busy, lambda: datetime.now(UTC), faults=parse_faults(["*:*:timeout=6"])
    ) as bad:  # fmt: skip
        good._endpoints._tokens["anything, on loopback"] = good._endpoints._tokens[good.token]
        urls = {f"hangs{number:02}": bad.url for number in range(30)}
        with service(tmp_path, **urls, works1=good.url, works2=good.url):
            end = time.monotonic() + 60
            while good.requests < 60 and time.monotonic() < end:
                time.sleep(0.2)
    assert good.requests >= 60
    assert 30 <= bad.requests <= 30 * 8
