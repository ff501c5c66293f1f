"""`vaultwatch reload`: put saved files to work now, and hear what is wrong with them."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from detector import app, settings
from detector.changes.reloading import Reload
from detector.cli import output


def run(args: Namespace) -> int:
    """Ask the service to look; 1 if it refuses what was saved."""
    done = app.ask(settings.load(args.config, os.environ), Reload())
    problems: list[str] = done["problems"]
    if args.json:
        output.as_json(done)
        return 1 if problems else 0
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    words = "is now at work" if done["changed"] else "is at work, as before"
    if problems:
        words = "as far as it is sound is at work" if done["partly"] else "is not at work"
    sys.stdout.write(f"what was saved {words} ({done['version']})\n")
    return 1 if problems else 0
