"""A disk that is full: the service lives, says so, and goes on when there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from detector.simulator import serve
from tests import kills

LENGTH = timedelta(seconds=12)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes; only root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_survived_and_nothing_is_lost(tmp_path: Path, small_disk: Path) -> None:
    begin, chance = kills.now(), Random(1)
    company = kills.lived(3, begin, LENGTH)
    with serve(company, kills.now) as server, kills.Sink(chance).serving() as sink:
        victim = kills.Victim(tmp_path, server, sink, chance, disk=small_disk)
        victim.configure(begin)
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 200_000))
        process = victim.start()
        time.sleep(LENGTH.total_seconds())
        assert process.poll() is None, "it lives"
        ballast.unlink()
        time.sleep(6)
        process.terminate()
        assert process.wait(30) == 0
        victim.settle(len(company.arrivals), begin + LENGTH, longest_s=60)
        found = kills.checked(victim, company)

    assert b"database or disk is full" in (tmp_path / "log").read_bytes()
    assert found.served > 500
    assert not any(found.faults.values()), found
