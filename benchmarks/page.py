"""What one page costs before its commit, with a small and with a large window (window law).

`python -m benchmarks.page`: the same pages of 1,000 new events, turn about, to one engine whose
window holds 100 thousand rows and to one with 2 million.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from time import process_time

import numpy as np
import polars as pl

from benchmarks.backtest import plan
from benchmarks.machine import ns_per_store, peak_mb
from detector import events, kernel

SMALL, LARGE, SIZE, PAGES, WARM = 100_000, 2_000_000, 1_000, 40, 20
MOST_SLOWER = 1.2
START = datetime(2026, 9, 1, 8, tzinfo=UTC)
PEOPLE = 1_000
FILL = 100_000


def page(
    first: int, size: int, begin: datetime, spacing: timedelta
) -> tuple[pl.DataFrame, np.ndarray]:
    """Usages of items by a thousand people, one after the other."""
    chance = np.random.default_rng(first)
    who = chance.integers(0, PEOPLE, size)
    step_us = spacing // timedelta(microseconds=1)
    times = pl.Series(np.arange(size) * step_us) + int(begin.timestamp() * 1e6)
    when = times.cast(events.TIME)
    frame = pl.DataFrame(
        {name: pl.Series([None], dtype=kind) for name, kind in events.SCHEMA.items()}
    )
    made = frame[np.zeros(size, dtype=np.int64)].with_columns(
        pl.lit(events.USAGE).alias("event.feed"),
        pl.Series("event.id", np.arange(first, first + size)).cast(pl.String),
        when.alias("event.time"),
        when.alias("event.received"),
        pl.lit("fill").alias("event.action"),
        pl.format("P{}", pl.Series(who)).alias("person"),
        pl.format("V{}", pl.Series(who % 40)).alias("vault.id"),
        pl.format("I{}", pl.Series(who * 7 + chance.integers(0, 7, size))).alias("item.id"),
        pl.format("81.3.{}.7", pl.Series(who % 250)).alias("source.ip"),
        pl.lit("FR").alias("source.country"),
        pl.lit("Paris").alias("source.city"),
        pl.lit("1Password for Mac").alias("client.app_name"),
    )
    return made.select(*events.SCHEMA), np.arange(first, first + size, dtype=np.uint64)


def filled(rows: int) -> kernel.State:
    """An engine whose window holds so many rows, all within the last days."""
    state = kernel.State(kernel.Memory("bench"), plan())
    for first in range(0, rows, FILL):
        frame, contents = page(first, FILL, START, timedelta(milliseconds=100))
        state.window.fresh(frame, contents)
        state.window.admit(frame.with_columns(pl.lit(0).alias("event.seq")))
    state.memory.seq = rows
    return state


def pages() -> Iterator[tuple[pl.DataFrame, np.ndarray]]:
    """The pages to measure: a thousand events every half minute of event time."""
    for number in range(WARM + PAGES):
        begin = START + timedelta(days=1, seconds=30 * number)
        yield page(10 * LARGE + number * SIZE, SIZE, begin, timedelta(milliseconds=30))


def main() -> None:
    """Measure both engines turn about, and print the ratio."""
    engines = {rows: filled(rows) for rows in (SMALL, LARGE)}
    spent: dict[int, list[float]] = {rows: [] for rows in engines}
    gc.freeze()
    gc.disable()
    for frame, contents in pages():
        for rows, state in engines.items():
            begun = process_time()
            kernel.detect(state, frame, contents)
            spent[rows].append((process_time() - begun) * 1e3)
    small, large = (median(spent[rows][WARM:]) for rows in engines)
    print(f"machine            {ns_per_store():8.0f} ns a dict store")
    for rows, costs in spent.items():
        typical = median(costs[WARM:])
        print(f"{rows:9,d} rows   {typical:8.1f} ms a page, worst {max(costs[WARM:]):.1f}")
    print(f"ratio              {large / small:8.2f} (at most {MOST_SLOWER})")
    print(f"peak memory        {peak_mb():8,.0f} MB")
    if large > MOST_SLOWER * small:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
