"""A review on the terminal: a line for each rule, with its days as a row of little bars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from detector import rungs
from detector.reviews.figures import OfRule, Review

BARS: Final = "▁▂▃▄▅▆▇█"
WIDEST: Final = 40
"""Characters of a row of bars; more days share one."""
COLOURS: Final = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "informational": "dim",
}


def show(terminal: Console, found: Review) -> None:
    """Print what came of a replay."""
    terminal.print(
        f"{found.events:,} events ({found.duplicates:,} doubled), {found.alerts:,} alerts, "
        f"{found.held_back:,} findings held back, {found.trained} models trained"
    )
    if any(each.alerts for each in found.rules):
        terminal.print(_alerts(found))
    if found.held:
        terminal.print()
        terminal.print(_held(found))
    taught = sorted((each for each in found.rules if each.taught), key=lambda each: -each.taught)
    if taught:
        terminal.print("\nfindings of the teaching time, not alerted:", style="bold")
        for each in taught:
            terminal.print(Text(f"  {each.taught:>6,}  {each.rule.name}"))


def sparkline(counts: Sequence[int], most: int | None = None) -> str:
    """Counts as a row of bars; nothing is a blank, and `most` is the highest bar.

    >>> sparkline([0, 1, 2, 8])
    ' ▁▂█'
    """
    most = max(counts, default=0) if most is None else most
    return "".join(_bar(count, most) for count in counts)


def gathered(counts: Sequence[int], widest: int = WIDEST) -> list[int]:
    """Counts of as many days together as makes them no more than `widest`.

    >>> gathered([1, 2, 3, 4, 5], 3)
    [3, 7, 5]
    """
    size = max(1, ceil(len(counts) / widest))
    return [sum(counts[at : at + size]) for at in range(0, len(counts), size)]


def _bar(count: int, most: int) -> str:
    if not count:
        return " "
    return BARS[min(len(BARS) - 1, ceil(count * len(BARS) / max(1, most)) - 1)]


def _alerts(found: Review) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("alerts", justify="right")
    table.add_column("worst", no_wrap=True)
    table.add_column("rule", no_wrap=True)
    table.add_column(_span(found), no_wrap=True)
    table.add_column("most a day", justify="right", no_wrap=True)
    for each in found.rules:
        if each.alerts:
            table.add_row(*_row(each))
    totals = [sum(counts) for counts in zip(*found.by_day.values(), strict=True)]
    table.add_row(f"{found.alerts:,}", "", "all", sparkline(gathered(totals)), f"{max(totals):,}",
                  style="bold")  # fmt: skip
    return table


def _row(each: OfRule) -> Iterable[Text]:
    yield Text(f"{each.alerts:,}")
    yield Text(each.level, style=COLOURS[each.level])
    yield Text(each.rule.name)
    yield Text(sparkline(gathered(each.by_day)), style=COLOURS[each.level])
    yield Text(f"{max(each.by_day, default=0):,}")


def _span(found: Review) -> str:
    """Which days the bars are of."""
    if not found.days:
        return "days"
    size = max(1, ceil(len(found.days) / WIDEST))
    each = "" if size == 1 else f", {size} days each"
    return f"{found.days[0]} to {found.days[-1]}{each}"


def _held(found: Review) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), title_justify="left")
    for title, justify in (("held back", "right"), ("by", "left"), ("of rules", "left")):
        table.add_column(title, justify="right" if justify == "right" else "left")
    for rung, count in found.held.items():
        rules = sorted(
            ((each.held[rung], each.rule.name) for each in found.rules if rung in each.held),
            reverse=True,
        )
        named = ", ".join(f"{name} {number:,}" for number, name in rules)
        table.add_row(Text(f"{count:,}"), Text(rungs.said(rung)), Text(named))
    return table
