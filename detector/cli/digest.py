"""`vaultwatch digest`: what the next digest says, were it made now."""

from __future__ import annotations

import os
from argparse import Namespace
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta

from detector import app, jobs, settings
from detector.cli import output, planning
from detector.delivery.bulletins import Digest
from detector.store.sqlite import Sqlite


def run(args: Namespace) -> int:
    """Print the daily digest, or the weekly one; nothing is sent."""
    config, now = settings.load(args.config, os.environ), app.now()
    with closing(Sqlite(config.data.directory, write=False)) as store:
        if args.weekly:
            found = jobs.weekly(store, now)
        else:
            built = planning.build(config, now.date())
            mistakes = [str(each) for each in built.mistakes]
            found = jobs.daily(store, args.since or now - timedelta(days=1), now, mistakes)
    if args.json:
        output.as_json(asdict(found))
    else:
        _print(found)
    return 0


def _print(found: Digest) -> None:
    terminal = output.console()
    span = f"{found.since:%a %d %b %H:%M} to {found.until:%a %d %b %H:%M} UTC"
    terminal.print(output.plain(f"{found.title}, {span}"), style="bold")
    terminal.print(output.plain(found.summary))
    for section in found.sections:
        terminal.print()
        terminal.print(output.plain(section.title), style="bold")
        for line in section.lines:
            terminal.print(output.plain(f"  {line}"), soft_wrap=True)
