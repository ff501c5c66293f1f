"""An fsync that fails now and then: what was not stored for certain is stored again, and once.

libfiu would be the library for it, but its preload crashes in a process with threads (1.1, "double
free"); so a dozen lines of C stand before the C library's fsync and fdatasync.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from detector.simulator import serve
from tests import kills

LENGTH = timedelta(seconds=20)
PATIENCE = timedelta(minutes=3)
SHIM = """
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>
static atomic_int calls;
static int sync_or_fail(long number, int file) {
    if (atomic_fetch_add(&calls, 1) % 10 == 9) { errno = EIO; return -1; }
    return (int)syscall(number, file);
}
int fsync(int file) { return sync_or_fail(SYS_fsync, file); }
int fdatasync(int file) { return sync_or_fail(SYS_fdatasync, file); }
"""


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """A library whose every tenth fsync fails with EIO."""
    source, library = tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


def _goes_on(log: Path, end: datetime) -> bool:
    """Until everything was served and a write has failed, which takes its time on a busy machine."""
    now = kills.now()
    has_failed = log.exists() and b"disk I/O error" in log.read_bytes()
    assert has_failed or now < end + PATIENCE, "no fsync failed"
    return now < end or not has_failed


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="a C compiler makes fsync fail; install one")
def test_an_fsync_that_fails_loses_and_doubles_nothing(tmp_path: Path, failing: Path) -> None:
    begin, chance = kills.now(), Random(2)
    company = kills.lived(4, begin, LENGTH)
    with serve(company, kills.now) as server, kills.Sink(chance).serving() as sink:
        more = {"LD_PRELOAD": str(failing)}
        victim = kills.Victim(tmp_path, server, sink, chance, more=more)
        victim.configure(begin)
        end = begin + LENGTH
        while _goes_on(tmp_path / "log", end):
            # A disk that fails at the very start ends the service; its unit starts it again.
            process = victim.start()
            while process.poll() is None and _goes_on(tmp_path / "log", end):
                time.sleep(0.2)
        process.terminate()
        process.wait(30)
        calm = replace(victim, more={})
        calm.settle(len(company.arrivals), end, longest_s=150)
        found = kills.checked(calm, company)

    assert found.served > 500
    # A message whose mark was not stored goes out again: at most as often as a write failed.
    failures = (tmp_path / "log").read_bytes().count(b"disk I/O error")
    assert found.told_twice <= failures
    assert not any((found.faults | {"told_twice": 0}).values()), found
