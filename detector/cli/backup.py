"""`vaultwatch backup` and `vaultwatch restore`: a copy of everything, and back again."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from detector import app, settings
from detector.cli import output
from detector.store import backup


def run(args: Namespace) -> int:
    """Make a backup, prove one whole, or put one in the place of the data."""
    config = settings.load(args.config, os.environ)
    directory = config.data.directory
    if args.command == "backup":
        words, made = "backed up to", backup.backup(directory, args.folder, app.now())
    elif args.verify:
        words, made = "whole:", backup.verify(args.folder)
    else:
        words, made = "restored from", backup.restore(args.folder, directory, replace=args.replace)
    if args.json:
        fields = {"events": made.events, "files": len(made.files), "at": made.at}
        output.as_json({"folder": str(args.folder)} | fields)
    else:
        sys.stdout.write(
            f"{words} {args.folder}: {made.events:,} events, files: {len(made.files):,}, "
            f"of {made.at:%Y-%m-%d %H:%M} UTC\n"
        )
    return 0
