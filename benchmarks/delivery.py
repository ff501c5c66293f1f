"""How soon people hear, how an outage ends, and what rendering costs, against an emulated Slack.

`python -m benchmarks.delivery [--minutes 4]`: the real service polls the simulated API once a minute
and tells Slack's emulator, behind a limiter that keeps the limits of Slack's pages. The last day of
a simulated company is squeezed into those minutes. Then ten thousand alerts at once, and rendering.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import flood
from detector import accounts, files
from detector.pictures import picture
from detector.plans import Texts
from detector.rendering import Renderer, sample_messages, samples
from detector.simulator import serve
from detector.store.sqlite import Sqlite
from tests import kills
from tests.conftest_delivery import TOKEN, SlackServer, emulated_slack
from tests.slack_edge import SlackEdge, slack_edge
from tests.slack_limits import SLACK, Limiter

ROUNDS = 200


@contextmanager
def telling(folder: Path, edge: SlackEdge, channel: str, minutes: float) -> Iterator[datetime]:
    """The service at work; yields when its company began to live."""
    begin, length = kills.now(), timedelta(minutes=minutes)
    company = kills.lived(1, begin, length)
    with serve(company, kills.now) as server:
        (folder / "vaultwatch.toml").write_text(f"""
            [[sources]]
            name = "acme"
            token = {{ env = "OP_EVENTS_TOKEN" }}
            base_url = "{server.url}"
            poll_every = "60s"
            [data]
            directory = "{folder / "data"}"
            [slack]
            token = {{ env = "SLACK_TOKEN" }}
            channel = "{channel}"
            base_url = "{edge.base_url}"
        """)
        with closing(Sqlite(folder / "data")) as store:
            accounts.begin(store, "acme", Texts(), begin)
        secrets = {"OP_EVENTS_TOKEN": server.token, "SLACK_TOKEN": TOKEN}
        command = [
            sys.executable,
            "-m",
            "detector",
            "run",
            "--config",
            str(folder / "vaultwatch.toml"),
        ]
        with (folder / "log").open("wb") as log, subprocess.Popen(
            command, env=os.environ | secrets, stdout=log, stderr=log
        ) as service:  # fmt: skip
            try:
                yield begin
            finally:
                service.send_signal(signal.SIGTERM)
                service.wait(60)


def latency(minutes: float) -> None:
    """Print how long after its newest event an incident stood in Slack."""
    with emulated_slack() as slack, tempfile.TemporaryDirectory() as place:
        channel = str(slack.client().conversations_create(name="alerts")["channel"]["id"])
        limiter = Limiter(SLACK)
        with (
            slack_edge(slack.base_url, limiter=limiter) as edge,
            telling(Path(place), edge, channel, minutes),
        ):
            time.sleep(60 * minutes + 90)
        with closing(Sqlite(Path(place) / "data")) as store:
            delays = list(_delays(store, slack, channel))
        posts = Counter(method for method, _ in edge.asked)
    print(
        f"{len(delays)} incidents, one poll a minute: median {statistics.median(delays):.0f} s, "
        f"most {max(delays):.0f} s from the opening event to the Slack message; "
        f"{posts['chat.postMessage']} posts, {posts['chat.update']} edits, "
        f"{len(limiter.refused)} answers of 429"
    )


def _delays(store: Sqlite, slack: SlackServer, channel: str) -> Iterator[float]:
    """Seconds from the newest event that an opening alert had seen to its message."""
    first = {each.incident_id: each for each in reversed(store.alerts())}
    for message in slack.messages(channel):
        payload: dict[str, Any] = message["metadata"]["event_payload"]
        about, _, number = str(payload["idem"]).rpartition(".")
        alert = first.get(about)
        if alert is not None and number == "1":
            told = datetime.fromtimestamp(float(message["ts"]), UTC)
            yield (told - alert.first_time).total_seconds()


def render_times() -> None:
    """Print the median milliseconds of rendering each message, by channel, and of pictures."""
    words = Renderer(files.templates(None))
    said = list(sample_messages().values())
    channels: dict[str, Callable[[], object]] = {
        "Slack": lambda: [words.slack(each, buttons=True) for each in said],
        "mail": lambda: [words.email(each) for each in said],
        "terminal": lambda: [words.console(each) for each in said],
    }
    for name, render in channels.items():
        print(f"{name}: {_median_ms(render, ROUNDS) / len(said):.2f} ms a message")
    drawn = [each for each in samples() if picture(each) is not None]
    spent = _median_ms(lambda: [picture(each) for each in drawn], 10)
    print(f"pictures: {spent / len(drawn):.0f} ms each")


def _median_ms(work: Callable[[], object], rounds: int) -> float:
    spent = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        spent.append(1000 * (time.perf_counter() - begun))
    return statistics.median(spent)


def main() -> None:
    """Measure one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery", description=__doc__)
    parser.add_argument("--minutes", type=float, default=4, help="how long the service is watched")
    args = parser.parse_args()
    render_times()
    flood.main()
    latency(args.minutes)


if __name__ == "__main__":
    main()
