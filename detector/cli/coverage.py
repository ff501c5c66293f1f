"""`vaultwatch coverage`: what is known to be complete, and every gap with its name."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from rich.table import Table

from detector import app, settings
from detector.cli import output
from detector.coverage import NAMES, Coverage, sentence
from detector.store.sqlite import Sqlite

CELLS: Final = 56
COMPLETE, SWEPT, OPEN, LOST, UNKNOWN = "█", "▓", "░", "x", "·"
LEGEND: Final = (
    f"{COMPLETE} complete   {SWEPT} gap, swept again   {OPEN} gap, not swept again yet   "
    f"{LOST} lost   {UNKNOWN} not read"
)


def run(args: Namespace) -> int:
    """Print the ledger of every account, or of one; 1 if a feed has a gap that is open or lost."""
    config, now = settings.load(args.config, os.environ), app.now()
    with closing(Sqlite(config.data.directory, write=False)) as store:
        names = store.accounts()
        if args.account is not None:
            names = [output.account(names, args.account, config.data.directory)]
        ledgers = {name: list(store.coverage(name).values()) for name in names}
    since = now - timedelta(days=args.days)
    for name, feeds in ledgers.items():
        if args.json:
            output.as_json(_object(name, feeds, now))
        else:
            _print(name, feeds, since, now)
    gaps = [gap for feeds in ledgers.values() for each in feeds for gap in each.gaps]
    return int(any(gap.end > since and (gap.lost or gap.swept is None) for gap in gaps))


def timeline(feed: Coverage, since: datetime, now: datetime, cells: int = CELLS) -> str:
    """One character for each part of a time: the worst that is known of it.

    >>> from datetime import UTC
    >>> from detector.coverage import Interval
    >>> start = datetime(2026, 3, 2, tzinfo=UTC)
    >>> end = start + timedelta(hours=6)
    >>> timeline(Coverage("itemusages", (Interval(start, end),)), start, end, cells=6)
    '██████'
    """
    step = (now - since) / cells
    edges = [(since + step * place, since + step * (place + 1)) for place in range(cells)]
    return "".join(_cell(feed, start, end) for start, end in edges)


def _cell(feed: Coverage, start: datetime, end: datetime) -> str:
    gaps = [gap for gap in feed.gaps if gap.start < end and start < gap.end]
    if any(gap.lost for gap in gaps):
        return LOST
    if any(gap.swept is None for gap in gaps):
        return OPEN
    middle = start + (end - start) / 2
    if not any(span.start <= middle < span.end for span in feed.intervals):
        return UNKNOWN
    return SWEPT if gaps else COMPLETE


def _object(name: str, feeds: Sequence[Coverage], now: datetime) -> dict[str, object]:
    told = [asdict(each) | {"complete": each.complete} for each in feeds]
    return {"account": name, "sentence": sentence(feeds, now), "feeds": told}


def _print(name: str, feeds: Sequence[Coverage], since: datetime, now: datetime) -> None:
    terminal = output.console()
    terminal.print(output.plain(f"{name}: {sentence(feeds, now, since=since)}"))
    table = Table("feed", "known since", "complete up to", "gaps", box=None, header_style="bold")
    for each in feeds:
        first = each.intervals[0].start
        complete = each.complete
        table.add_row(
            NAMES[each.feed],
            f"{first:%Y-%m-%d %H:%M}",
            f"{complete:%Y-%m-%d %H:%M}" if complete else "being read",
            str(len(each.gaps)),
        )
    if feeds:
        terminal.print(table)
        _print_timeline(feeds, since, now)
    gaps = [gap for each in feeds for gap in each.gaps if gap.end > since]
    for gap in sorted(gaps, key=lambda gap: (gap.start, gap.feed)):
        fate = "lost" if gap.lost else f"swept {gap.swept:%m-%d %H:%M}" if gap.swept else "open"
        span = f"{gap.start:%Y-%m-%d %H:%M} - {gap.end:%Y-%m-%d %H:%M}"
        terminal.print(output.plain(f"gap {span}  {NAMES[gap.feed]}, {fate}: {gap.why}"))


def _print_timeline(feeds: Sequence[Coverage], since: datetime, now: datetime) -> None:
    widest = max(len(name) for name in NAMES.values())
    lines = [f"{NAMES[each.feed]:>{widest}} {timeline(each, since, now)}" for each in feeds]
    start, end = f"{since:%Y-%m-%d %H:%M}", f"{now:%Y-%m-%d %H:%M} UTC"
    axis = start + end.rjust(CELLS - len(start))
    sys.stdout.write("\n".join([*lines, f"{'':>{widest}} {axis}", LEGEND, ""]))
