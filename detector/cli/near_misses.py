"""`vaultwatch rules near-misses`: what came close to an alert, and what hid how many alerts."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console

from detector import (
    accounts,
    app,
    backtesting,
    exceptions,
    files,
    kernel,
    plans,
    settings,
    thresholds,
    workhours,
)
from detector.cli import complaints, history, output
from detector.cli.history import History
from detector.delivery.nearness import (
    Below,
    Hidden,
    Near,
    below_line,
    hidden_line,
    near_line,
    nearest,
)
from detector.exceptions import Cost
from detector.findings import Finding
from detector.store.sqlite import Sqlite
from detector.terminal import progress


@dataclass(frozen=True)
class Found:
    """Everything that there is to tell of a time."""

    near: Sequence[Near]
    below: Sequence[Below]
    exceptions: Sequence[Cost]
    hidden: Sequence[Hidden]


def run(args: Namespace) -> int:
    """Look into the store, or replay a folder, and tell what came close and what was hidden."""
    config = settings.load(args.config, os.environ)
    with history.opened(args, config) as past:
        asked: timedelta | datetime = args.since
        newest = past.newest or app.now()
        since = newest - asked if isinstance(asked, timedelta) else asked
        if past.store is not None:
            found = _stored(past.store, past, since, config)
        else:
            found = _replayed(past, since, config)
    if args.json:
        output.as_json(asdict(found))
    else:
        _print(output.console(), found, since)
    return 0


def _stored(store: Sqlite, past: History, since: datetime, config: settings.Settings) -> Found:
    """What the service kept."""
    state = accounts.restore(store, past.account, span=config.data.window).state
    held = [each for each in store.held_back(since) if each["account"] == past.account]
    return Found(
        near=nearest(held, {name: rule.name for name, rule in state.rules.items()}),
        below=thresholds.below(state, workhours.microseconds(since)),
        exceptions=_costs(state, past, since, store),
        hidden=store.reports.hidden(since, app.now()),
    )


def _replayed(past: History, since: datetime, config: settings.Settings) -> Found:
    """What comes of a folder under the rules of the configuration."""
    texts = files.texts(config.paths, timezone=config.timezone)
    built = plans.build(texts, app.now().date())
    complaints.tell(config, built.mistakes)
    terminal = Console(stderr=True, highlight=False)
    with progress(terminal, f"replaying {past.events:,} events", past.events) as advance:
        done = history.played(past, built.plan, config, advance=advance)
    assert done.state is not None
    held = [_row(each) for each in done.suppressed if each.time >= since]
    return Found(
        near=nearest(held, {name: rule.name for name, rule in done.state.rules.items()}),
        below=thresholds.below(done.state, workhours.microseconds(since)),
        exceptions=_costs(done.state, past, since, None),
        hidden=(),
    )


def _row(finding: Finding) -> dict[str, object]:
    """A finding as the store has it."""
    return {
        "rule_id": finding.rule_id,
        "rung": finding.suppressed_by or "amended",
        "margin": finding.margin,
        "subject": asdict(finding.subject),
        "time": finding.time.astimezone(UTC).isoformat(),
        "seq": finding.seq,
        "event_ids": finding.event_ids,
    }


def _costs(state: kernel.State, past: History, since: datetime, store: Sqlite | None) -> list[Cost]:
    pages: Iterator[backtesting.Page] = (
        store.log.pages(past.account, since=since)
        if store is not None
        else (step for step in past.steps() if isinstance(step, tuple))
    )
    return exceptions.over(state.rulebook, exceptions.since(pages, since))


def _print(terminal: Console, found: Found, since: datetime) -> None:
    parts = (
        ("Held back by an innocent explanation, the closest first", map(near_line, found.near)),
        ("Counts that nearly were enough", map(below_line, found.below)),
        (f"Hidden by exceptions since {since:%Y-%m-%d}", map(exceptions.line, found.exceptions)),
        (f"Hidden by silences and other alerts since {since:%Y-%m-%d}",
         map(hidden_line, found.hidden)),
    )  # fmt: skip
    for title, lines in parts:
        terminal.print(output.plain(title), style="bold")
        for line in [*lines] or ["nothing"]:
            terminal.print(output.plain(line), soft_wrap=True)
        terminal.print()
