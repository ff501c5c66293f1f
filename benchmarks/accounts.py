"""A thousand accounts polled each minute by one process, against the simulator in another one.

`python -m benchmarks.accounts [ACCOUNTS]`: starts the simulated Events API, runs the service over
so many `[[sources]]`, and prints what it did in its last minute. All accounts read the same small
company, so the figures are those of idle polls: requests, ticks, commits.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTLE_S, MEASURE_S = 150, 60
SOURCE = """
[[sources]]
name = "account-{number:04}"
token = {{ env = "OP_EVENTS_TOKEN" }}
base_url = "{url}"
backfill = "1d"
"""


def usage(pid: int) -> tuple[float, float]:
    """CPU seconds and resident megabytes of a process so far."""
    stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    cpu_s = (int(stat[11]) + int(stat[12])) / ticks
    return cpu_s, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(accounts: int, folder: Path) -> None:
    """Run the service, and print its figures."""
    simulate = [sys.executable, "-m", "detector", "simulate", "--serve", "0", "--people", "8"]
    days = ["--days", "20", "--attacks", "0"]
    with subprocess.Popen([*simulate, *days], stdout=subprocess.PIPE, text=True) as api:
        assert api.stdout is not None
        head = "".join(api.stdout.readline() for _ in range(3))
        found = re.search(r"at (http\S+)\nexport OP_EVENTS_TOKEN=(\S+)", head)
        assert found, head
        sources = "".join(SOURCE.format(number=n, url=found[1]) for n in range(accounts))
        config = folder / "vaultwatch.toml"
        config.write_text(f'[data]\ndirectory = "{folder}/data"\n{sources}')
        with (folder / "log").open("wb") as log, subprocess.Popen(
            [sys.executable, "-m", "detector", "run", "--config", str(config)],
            env=os.environ | {"OP_EVENTS_TOKEN": found[2]}, stdout=log, stderr=log,
        ) as service:  # fmt: skip
            time.sleep(SETTLE_S)
            before, polls = usage(service.pid), polled(folder / "log")
            time.sleep(MEASURE_S)
            after, now = usage(service.pid), polled(folder / "log")
            service.terminate()
        api.kill()
    rate = (now - polls) / MEASURE_S
    print(
        f"{accounts:,} accounts: {now - polls:,} polls in {MEASURE_S} s, {3 * rate:.0f} requests/s"
    )
    print(f"CPU {(after[0] - before[0]) / MEASURE_S:.0%} of one core, {after[1]:,.0f} MB resident")


def polled(log: Path) -> int:
    """How many polls the log speaks of."""
    return log.read_bytes().count(b'"event": "polled"')


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000, Path(place))
