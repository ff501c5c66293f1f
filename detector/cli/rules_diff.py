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

from detector import app, backtesting, files, plans, settings
from detector.cli import history, output, revisions
from detector.comparing import telling
from detector.comparing.difference import Difference, as_json, difference
from detector.settings import Settings
from detector.terminal import progress

USUALLY: Final = timedelta(days=30)
"""How far back a diff over the store looks."""


def run(args: Namespace) -> int:
    """Replay the history under both sets of rules and tell what is not the same."""
    config = settings.load(args.config, os.environ)
    before, after = (_built(args, config, name) for name in (args.old, args.new))
    for built, name in ((before, args.old), (after, args.new)):
        for mistake in built.mistakes:
            sys.stderr.write(f"{name}: {mistake}\n")
    with history.opened(args, config) as past:
        since = _since(args, past)
        sides = _replayed(past.taught_until(since), (before, after), config)
        found = difference(*sides, since)
    _print(args, found, since)
    return 1 if after.mistakes else 0


def _built(args: Namespace, config: Settings, name: str) -> plans.Built:
    """The plan of one side; its mistakes are told with the name that was asked for."""
    with revisions.rules_of(name, _beside(args, config)) as folder:
        if args.overlay:
            paths = config.paths.model_copy(update={"rules": folder})
            texts = files.texts(paths, timezone=config.timezone)
        else:
            texts = files.texts(config.paths, timezone=config.timezone, own_rules=folder)
        rules = {path.replace(f"{folder}{os.sep}", ""): text for path, text in texts.rules.items()}
        return plans.build(replace(texts, rules=rules), app.now().date())


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


def _replayed(
    past: history.History, sides: tuple[plans.Built, plans.Built], config: Settings
) -> tuple[backtesting.Replayed, backtesting.Replayed]:
    """Both sides through the engine; the same rules only once."""
    terminal = Console(stderr=True, highlight=False)
    alike = sides[0].plan.rulebook.version == sides[1].plan.rulebook.version
    done = []
    for name, built in zip(("before", "after"), sides[: 1 if alike else 2], strict=False):
        with progress(
            terminal, f"replaying {past.events:,} events, {name}", past.events
        ) as advance:
            done.append(history.played(past, built.plan, config, advance=advance))
    return done[0], done[-1]


def _print(args: Namespace, found: Difference, since: datetime | None) -> None:
    if args.json:
        output.as_json(as_json(found))
    elif args.markdown:
        over = str(args.folder or "the service's store")
        over += f" since {since:%Y-%m-%d}" if since else ""
        sys.stdout.write(telling.markdown(found, old=args.old, new=args.new, over=over))
    else:
        telling.show(output.console(), found)
