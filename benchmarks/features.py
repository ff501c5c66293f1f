"""What the model channel costs: features by event, and scores by row.

`python -m benchmarks.features [FOLDER]`; a folder comes from `vaultwatch simulate`, and without one a
company of 400 people is made for four weeks: some 200,000 events. The engine runs without rules: with
the channel (features, a model trained half-way, scores of every step) and without it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

from benchmarks.backtest import plan, run
from benchmarks.machine import ns_per_store
from detector import kernel
from detector.anomaly import channel, model
from detector.anomaly.model import Model
from detector.app import settle_process
from detector.rulebook.book import Rulebook
from detector.sources import replay

ROWS = 1_000_000
TIMES = 200
ROUNDS = 3
"""Runs with the channel and without it, in turn; the shortest of each is the least disturbed."""


def main() -> None:
    """Measure a folder, or a company made for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    chosen = parser.parse_args()
    if chosen.folder is not None:
        measure(chosen.folder)
        return
    with TemporaryDirectory() as folder:
        company = ("--people", "400", "--days", "28", "--seed", "11", "--out", folder)
        subprocess.run((sys.executable, "-m", "detector", "simulate", *company), check=True)
        measure(Path(folder))


def measure(folder: Path) -> None:
    """Play the folder's events with and without the channel, score rows, and print a line a figure."""
    settle_process()
    recorded = replay.read(folder)
    events = len(recorded)
    before = ns_per_store()
    declared = kernel.Plan(Rulebook(), plan().declaration)
    bare, whole = float("inf"), float("inf")
    for _ in range(ROUNDS):
        alone = kernel.State(kernel.Memory("bench"), kernel.Plan(Rulebook()))
        bare = min(bare, run(alone, recorded, events).kernel)
        state = kernel.State(kernel.Memory("bench"), declared)
        whole = min(whole, run(state, recorded, events).kernel)
    store = (before + ns_per_store()) / 2
    print(f"machine            {store:10.0f} ns a dict store")
    print(f"events             {events:10,d}")
    print(f"facts and features {events / whole:10,.0f} events/CPU s")
    print(f"facts alone        {events / bare:10,.0f} events/CPU s")
    print(f"features alone     {events / max(1e-9, whole - bare):10,.0f} events/CPU s")
    rows = channel.training_rows(state.memory.channel)
    assert declared.declaration is not None
    trained = model.train(rows, declared.declaration)
    assert trained is not None
    score(trained, rows)


def score(trained: Model, rows: np.ndarray) -> None:
    """One row at a time from common to odd, and a million at once."""
    many = rows[np.random.default_rng(1).integers(0, len(rows), ROWS)]
    begun = process_time()
    for row in many[:TIMES]:
        trained.score(row[None, :])
    one = (process_time() - begun) / TIMES
    odd = trained.golden.rows[-1:]
    begun = process_time()
    for _ in range(TIMES):
        trained.score(odd)
    oddest = (process_time() - begun) / TIMES
    begun = process_time()
    trained.score(many)
    print(f"one row            {one * 1e3:10.3f} ms, an odd one {oddest * 1e3:.3f} ms")
    print(f"a million rows     {process_time() - begun:10.1f} CPU s")


if __name__ == "__main__":
    main()
