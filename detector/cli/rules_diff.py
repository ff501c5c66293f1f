"""`vaultwatch rules diff`: which alerts of a history an edit of rules adds, removes and changes."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console

from detector import app, backtesting, files, kernel, plans, settings
from detector.cli import complaints, history, output, revisions
from detector.comparing import telling
from detector.comparing.checkpoints import Checkpoints
from detector.comparing.difference import Difference, as_json, difference
from detector.comparing.guests import Guests
from detector.settings import Settings
from detector.terminal import progress

USUALLY: Final = timedelta(days=30)
"""How far back a diff over the store looks."""


def run(args: Namespace) -> int:
    """Replay the history under both sets of rules and tell what is not the same."""
    config = settings.load(args.config, os.environ)
    before, after = (_built(args, config, name) for name in (args.old, args.new))
    with history.opened(args, config) as past:
        since = _since(args, past)
        sides = replayed(past.taught_until(since), (before.plan, after.plan), config)
        found = difference(*sides, since)
    _print(args, found, since)
    return 1 if after.mistakes else 0


def _built(args: Namespace, config: Settings, name: str) -> plans.Built:
    """The plan of one side; tells its mistakes with the name that was asked for."""
    with revisions.rules_of(name, _beside(args, config)) as folder:
        if args.overlay:
            paths = config.paths.model_copy(update={"rules": folder})
            texts = files.texts(paths, timezone=config.timezone)
        else:
            texts = files.texts(config.paths, timezone=config.timezone, own_rules=folder)
        built = plans.build(texts, app.now().date())
        told = [
            replace(each, file=each.file.removeprefix(f"{folder}{os.sep}"))
            for each in built.mistakes
        ]
        complaints.tell(config, told, before=f"{name}: ")
        return built


def _beside(args: Namespace, config: Settings) -> Path:
    """The folder that a revision without one is of: the other side, else where the rules are."""
    named = next((Path(name) for name in (args.new, args.old) if Path(name).is_dir()), None)
    return named or config.paths.rules or Path("rules")


def _since(args: Namespace, past: history.History) -> datetime | None:
    """From when on alerts count; null for all."""
    asked: timedelta | datetime | None = args.since
    if asked is None:
        asked = None if args.folder else USUALLY
    if isinstance(asked, timedelta):
        return past.newest - asked if past.newest else None
    return asked


def replayed(
    past: history.History, sides: tuple[kernel.Plan, kernel.Plan], config: Settings
) -> tuple[backtesting.Replayed, backtesting.Replayed]:
    """Both sides through the engine: once together, and the new one alone from where they part."""
    old, new = sides
    terminal = Console(stderr=True, highlight=False)
    guests = Guests(old, new, past.blank(config).memory)
    marks = Checkpoints(guests, past.events)
    watched = replace(past, steps=lambda: marks.watched(past.steps()))
    readers = replace(backtesting.afresh(old), run_of=guests.run_of)
    with progress(terminal, f"replaying {past.events:,} events", past.events) as advance:

        def ahead(done: int) -> None:
            marks.advance(done)
            advance(done)

        before = history.played(watched, old, config, advance=ahead, readers=readers)
    if not guests.parted:
        return before, guests.replayed()
    mark = marks.newest
    rest = past if mark is None else past.resumed(mark.steps, mark.state(new))
    with progress(terminal, "replaying what the edit changes", past.events) as advance:
        after = history.played(rest, new, config, advance=advance)
    return before, after if mark is None else mark.with_rest(after)


def _print(args: Namespace, found: Difference, since: datetime | None) -> None:
    if args.json:
        output.as_json(as_json(found))
    elif args.markdown:
        over = str(args.folder or "the service's store")
        over += f" since {since:%Y-%m-%d}" if since else ""
        sys.stdout.write(telling.markdown(found, old=args.old, new=args.new, over=over))
    else:
        telling.show(output.console(), found)
