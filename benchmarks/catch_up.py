"""How fast a backlog is read, understood and stored, against the simulator in another process.

`python -m benchmarks.catch_up`: real HTTP, the shipped rules and model, real commits; no request
budget, which would allow 7.6 pages a second (7,600 events).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from detector import app, files, jobs
from detector.settings import PathsConfig
from detector.sources.onepassword import Budget, OnePassword, Pace
from detector.store.sqlite import Sqlite

COMPANY = ("--people", "250", "--days", "60", "--attacks", "0")


@contextmanager
def simulated() -> Iterator[tuple[str, str]]:
    """The address and token of a simulated company."""
    words = [sys.executable, "-m", "detector", "simulate", "--serve", "0", *COMPANY]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as api:
        assert api.stdout is not None
        head = "".join(api.stdout.readline() for _ in range(3))
        found = re.search(r"at (http\S+)\nexport OP_EVENTS_TOKEN=(\S+)", head)
        assert found, head
        yield found[1], found[2]
        api.kill()


def main() -> None:
    """Read the whole backlog, and print events by second."""
    app.settle_process()
    with simulated() as (url, token), tempfile.TemporaryDirectory() as place:
        pace = Pace(Budget(10**9, monotonic=time.monotonic, sleep=time.sleep), app.now)
        texts = files.texts(PathsConfig())
        with closing(Sqlite(Path(place))) as store, closing(
            OnePassword(token, pace=pace, base_url=url)
        ) as api:  # fmt: skip
            account = jobs.open_account(store, "acme", texts, app.now(), span=timedelta(days=30))
            desk = jobs.Desk(account, store, backfill=timedelta(days=100))
            begun, cpu = time.monotonic(), time.process_time()
            polled = jobs.poll(desk, api, app.now)
            wall, used = time.monotonic() - begun, time.process_time() - cpu
            desk.pool.shutdown()
    print(f"{polled.events:,} events in {wall:.1f} s: {polled.events / wall:,.0f} a second")
    print(f"{polled.events / used:,.0f} a CPU second")


if __name__ == "__main__":
    main()
