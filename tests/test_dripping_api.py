"""An API that drips its answer holds nobody: not the other feeds, not the service, not its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detector import jobs
from detector.events import AUDIT, SIGNIN, USAGE
from detector.ports import Page, SourceError
from detector.sources.onepassword import OnePassword
from detector.store.sqlite import Commit, Sqlite
from detector.troubles import Kind
from tests.api import NO_RULES, NOW, HandMade, items, source, whole, world
from tests.delivery import high
from tests.dripping import BODY, HEADERS, dripping
from tests.fakes import Clock
from tests.waiting import until
from tests.web_sink import WebSink, serving

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("answer", [HEADERS, BODY])
def test_an_answer_that_never_ends_is_given_up_as_too_slow(answer: bytes) -> None:
    begun = time.monotonic()
    with dripping(answer) as port, closing(_source(port)) as api:
        with pytest.raises(SourceError, match="auditevents: the answer came too slowly") as caught:
            api.fetch(AUDIT, "c", NOW)
        with pytest.raises(SourceError, match="introspect: the answer came too slowly"):
            api.introspect()
    assert (caught.value.slow, caught.value.permanent) == (True, False)
    assert time.monotonic() - begun < 10


def test_one_feed_that_drips_is_told_and_costs_the_others_nothing(tmp_path: Path) -> None:
    lived = items()
    with (
        dripping(HEADERS) as port,
        closing(_source(port)) as drips,
        world(tmp_path, lived, NOW, texts=NO_RULES) as one,
    ):
        real, asked = one.source.fetch, list[str]()

        def fetch(feed: str, *given: object) -> Page:
            asked.append(feed)
            return (drips.fetch if feed == USAGE else real)(feed, *given)  # type: ignore[arg-type]

        one.source.fetch = fetch  # type: ignore[method-assign]
        polled = one.poll()
        assert asked.count(USAGE) == 1, "the others wait for it"
        assert polled.failures[USAGE].endswith("too slowly")
        one.until(NOW + timedelta(minutes=30))
        jobs.watch(one.desk, one.clock())
        (alert,) = one.desk.store.own_alerts("acme")
        assert (alert.rule.id, alert.subject.id) == (Kind.FEED_FAILING, "acme/itemusages")
        assert "cannot be read: itemusages: the answer came too slowly" in alert.summary
        ends = one.desk.store.coverage("acme")
        assert ends[AUDIT].complete == ends[SIGNIN].complete == one.clock()

        one.source.fetch = real  # type: ignore[method-assign]
        one.until(NOW + timedelta(minutes=90))
        whole(one, lived)


@pytest.mark.parametrize("names", [("acme",), ("acme", "wayne")])
def test_a_service_whose_api_drips_tells_and_ends_when_it_is_asked_to(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    config, log = tmp_path / "vaultwatch.toml", tmp_path / "log"
    found = datetime.now(UTC)
    store = Sqlite(tmp_path / "data")
    store.commit(Commit("acme", found, alerts=[high(time=found, detected_at=found)]))
    store.close()
    with dripping(HEADERS) as port, serving(WebSink()) as sink, log.open("ab") as out:
        sources = [
            f"""
            [[sources]]
            name = "{name}"
            token = {{ env = "OP_EVENTS_TOKEN" }}
            base_url = "http://127.0.0.1:{port}"
            """
            for name in names
        ]
        data = f"[data]\ndirectory = {json.dumps(str(tmp_path / 'data'))}\n"
        hook = f'[webhook]\nurl = "{sink.url}"\nsecret = {{ env = "OP_EVENTS_TOKEN" }}\n'
        config.write_text("".join(sources) + data + hook)
        words = [sys.executable, "-m", "detector", "run", "--config", str(config)]
        environ = os.environ | {"OP_EVENTS_TOKEN": "anything"}
        process = subprocess.Popen(words, env=environ, cwd=ROOT, stdout=out, stderr=out)
        try:
            until(lambda: sink.bodies, patience_s=30)
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            assert time.monotonic() - begun < 15
        finally:
            process.kill()
            process.wait()
    assert "Traceback" not in log.read_text()


def _source(port: int) -> OnePassword:
    """The real client of whatever answers there, which has half a second for an answer."""
    return source(HandMade(f"http://127.0.0.1:{port}"), Clock(NOW), deadline_s=0.5)
