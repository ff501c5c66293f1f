"""Events per CPU second of a whole backtest: files in, shaped, all rules, the model trained twice.

`python -m benchmarks.backtest [FOLDER] [--events N]`; a folder comes from `vaultwatch simulate`, and
without one a company of 1,000 people is made for seven weeks: some 900,000 events.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import yaml

from benchmarks.machine import ns_per_store, peak_mb
from detector import kernel, window
from detector.anomaly import channel, model
from detector.anomaly.declaration import Declaration
from detector.rulebook.loading import load
from detector.sources import replay

ROOT = Path(__file__).parent.parent
PAGE = 20_000


def plan() -> kernel.Plan:
    """The shipped rules and model."""
    texts = {str(path): path.read_text() for path in sorted((ROOT / "rules").rglob("*.yml"))}
    shipped = yaml.safe_load((ROOT / "models/isolation_forest.yaml").read_text())
    return kernel.Plan(load(texts).rulebook, Declaration.model_validate(shipped))


@dataclass
class Spent:
    """CPU seconds of making the pages and of the kernel without training, and the alerts raised."""

    pages: float = 0.0
    kernel: float = 0.0
    alerts: set[str] = field(default_factory=set)


def run(state: kernel.State, recorded: replay.Recorded, upto: int) -> Spent:
    """Play a recording."""
    spent = Spent()
    for start in range(0, upto, PAGE):
        begun = process_time()
        frame, raws = recorded.page(start, min(upto, start + PAGE))
        made = process_time()
        outcome = kernel.detect(state, frame, window.contents(raws))
        spent.pages += made - begun
        spent.kernel += process_time() - made
        spent.alerts.update(alert.id for alert in outcome.alerts)
        if kernel.training_due(state) and state.declaration is not None:
            rows = channel.training_rows(state.memory.channel)
            kernel.adopt(state, model.train(rows, state.declaration))
    return spent


def main() -> None:
    """Measure a folder, or a company made for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--events", type=int, default=10_000_000)
    chosen = parser.parse_args()
    if chosen.folder is not None:
        measure(chosen.folder, chosen.events)
        return
    with TemporaryDirectory() as folder:
        company = ("--people", "1000", "--seed", "11", "--out", folder)
        subprocess.run((sys.executable, "-m", "detector", "simulate", *company), check=True)
        measure(Path(folder), chosen.events)


def measure(folder: Path, most: int) -> None:
    """Read a folder, play up to so many of its events, and print one line a figure."""
    before = ns_per_store()
    # What a page leaves behind lives on; looking for garbage in it again and again is waste.
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    begun = process_time()
    recorded = replay.read(folder)
    read, events = process_time() - begun, len(recorded)
    used = min(events, most)
    spent = run(kernel.State(kernel.Memory("bench"), plan()), recorded, used)
    store = (before + ns_per_store()) / 2
    reading = read / events + spent.pages / used
    whole = reading + spent.kernel / used
    print(f"machine            {store:8.0f} ns a dict store")
    print(f"events             {used:8,d}, {len(spent.alerts):,d} alerts")
    print(f"reading            {1 / reading:8,.0f} events/CPU s")
    print(f"kernel             {used / spent.kernel:8,.0f} events/CPU s")
    print(f"together           {1 / whole:8,.0f} events/CPU s")
    print(f"at 40 ns a store   {store / 40 / whole:8,.0f} events/CPU s")
    print(f"peak memory        {peak_mb():8,.0f} MB")


if __name__ == "__main__":
    main()
