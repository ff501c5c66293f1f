"""What a backtest over other products' events says on the terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table

from detector import workhours
from detector.cli.output import plain
from detector.foreign.comparing import Comparison
from detector.foreign.expectations import Verdict
from detector.foreign.reasons import MEANING
from detector.foreign.reports import Ran

MOST_SHOWN: Final = 20
"""Differences that the terminal shows; the report has more."""


def say(terminal: Console, ran: Ran) -> None:
    """How many events each log source had, what fired how often, and what differed."""
    counts = ran.counts
    terminal.print(
        f"{ran.naming.events.frame.height:,} events, {len(ran.rules):,} rules, "
        f"{counts.total():,} matches of {len(counts):,} rules"
    )
    for stage in ran.stages:
        able = sum(stage.takes(match) for match in ran.rules)
        terminal.print(f"  {len(stage.rows):>9,} events, {able:>5,} rules  {stage.source.name}")
    for rule, count in counts.most_common():
        named = ran.named(rule)
        terminal.print(
            f"  {count:>9,}  {named.level:<13} {named.title}", markup=False, soft_wrap=True
        )
    _say_correlations(terminal, ran)
    if ran.comparison is not None:
        _say_comparison(terminal, ran, ran.comparison)
    if ran.verdict is not None:
        _say_verdict(terminal, ran.verdict)


def _say_correlations(terminal: Console, ran: Ran) -> None:
    watched = ran.watched
    if watched.tails:
        firings = len(watched.findings)
        terminal.print(
            f"{len(watched.tails):,} correlations: {firings:,} windows held, "
            f"{len(ran.folds):,} alerts"
        )
    for rule, tail in watched.tails.items():
        told = {
            "without its group": tail.ungrouped,
            "without its value": tail.valueless,
            "more than are kept": tail.crowded,
        }
        for what, count in told.items():
            if count:
                terminal.print(f"  {count:,} events {what}: {ran.named(rule).title}", markup=False)
    if watched.undated:
        terminal.print(f"  {watched.undated:,} events without a time: say 'time:' in the mapping")
    blind = len(watched.not_run) + len(ran.loaded.rulebook.of_our_own)
    if blind:
        terminal.print(
            f"{blind:,} rules about what is usual did not run: they know our events only"
        )


def _say_comparison(terminal: Console, ran: Ran, comparison: Comparison) -> None:
    same = comparison.same + comparison.same_windows
    terminal.print(
        f"SQLite: {len(comparison.compared):,} rules compared, {same:,} matches the same, "
        f"{comparison.different:,} different, {comparison.unknown:,} of them without a known reason"
    )
    if comparison.reasons:
        table = Table("matches", "reason", "what it is", box=None)
        for reason, count in comparison.reasons.items():
            table.add_row(f"{count:,}", reason, MEANING[reason])
        terminal.print(table)
    for each in comparison.unexplained[:MOST_SHOWN]:
        who = "only ours" if each.ours else "only SQLite's"
        text = f"{ran.naming.where(each.row)}: {who}: {ran.named(each.rule_id).title}"
        terminal.print(plain(text), soft_wrap=True)
    for window in [each for each in comparison.windows if not each.tied][:MOST_SHOWN]:
        rule, group, time = window.firing
        who = "only ours" if window.ours else "only SQLite's"
        text = f"{workhours.instant(time)}: {who}: {ran.named(rule).title}: {', '.join(group)}"
        terminal.print(plain(text), soft_wrap=True)
    if comparison.left_out:
        terminal.print(f"  {len(comparison.left_out):,} rules that SQLite cannot run:")
    for rule, why in list(comparison.left_out.items())[:MOST_SHOWN]:
        terminal.print(plain(f"{ran.named(rule).title}: {why}"), soft_wrap=True)


def _say_verdict(terminal: Console, verdict: Verdict) -> None:
    terminal.print(
        f"expected: {verdict.met:,} met, {len(verdict.surprises):,} different, "
        f"{len(verdict.absent):,} rules are not here"
    )
    for each in verdict.surprises[:MOST_SHOWN]:
        place = each.file if each.line is None else f"{each.file}:{each.line}"
        terminal.print(plain(f"{place}: {each.rule_id}: {each.text}"), soft_wrap=True)
