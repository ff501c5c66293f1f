"""A difference in words: a table for the terminal, Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from detector import rungs
from detector.alerts import Alert
from detector.comparing.difference import Change, Difference, by_rule, shown
from detector.rendering.text import clean, defang

MOST_LINES: Final = 50
"""Alerts of one kind that Markdown lists; a comment of a pull request has its limits."""
SIGNS: Final = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def summary(found: Difference) -> str:
    """The whole in one sentence."""
    counts = [f"{len(found.of(kind)):,} {kind}" for kind in SIGNS]
    if not found.changes:
        return f"No difference: {found.before:,} alerts before and after."
    return f"{', '.join(counts)}: {found.before:,} alerts before, {found.after:,} after."


def show(terminal: Console, found: Difference) -> None:
    """Print a line for each alert that is not the same, and below it what of it is not."""
    widest = max((len(_level(each)) for each in found.changes), default=0)
    for change in found.changes:
        sign, style = SIGNS[change.kind]
        alert = change.alert
        name = clean(alert.rule.name or alert.rule.id)
        line = Text(
            f"{sign} {alert.time:%Y-%m-%d %H:%M}  {_level(change):<{widest}}  ", style=style
        )
        line.append(f"{name}: {clean(alert.summary)}", style="default")
        terminal.print(line, soft_wrap=True)
        for each in details(change):
            terminal.print(Text(f"      {clean(each)}", style="dim"), soft_wrap=True)
    terminal.print(summary(found))


def details(change: Change) -> Iterator[str]:
    """What of an alert is another than before, a line each."""
    if change.kind == "removed" and change.after is not None:
        yield f"held back now: {_rung(change.after)}"
    elif change.kind == "added" and change.before is not None:
        yield f"was held back: {_rung(change.before)}"
    elif change.kind == "changed":
        assert change.before is not None
        assert change.after is not None
        for field in change.fields:
            if field not in {"score", "summary", "level"}:
                was, now = shown(change.before, field), shown(change.after, field)
                yield f"{_NAMES.get(field, field)}: {was}, now {now}"
            elif field == "summary":
                yield f"before: {change.before.summary}"


def markdown(found: Difference, *, old: str, new: str, over: str) -> str:
    """The difference as a comment for a pull request; texts of events are made harmless."""
    lines = [
        "### What this edit does to alerts",
        "",
        f"{summary(found)}",
        "",
        f"From {_code(old)} to {_code(new)}, over {_code(over)}.",
    ]
    if found.changes:
        lines += ["", "| rule | added | removed | changed |", "|---|---:|---:|---:|"]
        lines += [
            f"| {_code(name)} | {counts['added']} | {counts['removed']} | {counts['changed']} |"
            for name, counts in by_rule(found).items()
        ]
    for kind, (sign, _) in SIGNS.items():
        changes = found.of(kind)
        if changes:
            lines += ["", f"<details><summary>{len(changes):,} {kind}</summary>", ""]
            lines += _listed(sign, changes[:MOST_LINES])
            rest = len(changes) - MOST_LINES
            lines += [f"- and {rest:,} more"] if rest > 0 else []
            lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


_TWINS: Final = {ord("`"): "\u02cb", ord("|"): "\u00a6"}
_NAMES: Final = {"first_time": "begins", "count": "events", "suppressed_by": "held back by"}


def _listed(sign: str, changes: Iterable[Change]) -> Iterator[str]:
    for change in changes:
        alert = change.alert
        head = f"{_level(change)}, {alert.time:%Y-%m-%d %H:%M} UTC, {_code(alert.rule.name)}"
        more = "".join(f"; {_code(each)}" for each in details(change))
        yield f"- `{sign}` {head}: {_code(alert.summary)}{more}"


def _rung(alert: Alert) -> str:
    return rungs.said(alert.suppressed_by or "amended")


def _level(change: Change) -> str:
    if change.kind == "changed" and "level" in change.fields and change.before is not None:
        return f"{change.before.level} → {change.alert.level}"
    return change.alert.level


def _code(text: str) -> str:
    """Text as code, in which Markdown knows no markup, mention, link or tag.

    What ends code or a cell of a table is written as its twin.
    """
    return f"`{defang(clean(text)).translate(_TWINS) or ' '}`"
