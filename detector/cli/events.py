"""`vaultwatch events`: the stored events as files."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from detector import settings
from detector.cli import output
from detector.store.export import Choice, export
from detector.store.sqlite import Sqlite


def run(args: Namespace) -> int:
    """Export the raw items of one account, and the order in which they came."""
    config = settings.load(args.config, os.environ)
    store = Sqlite(config.data.directory, write=False)
    try:
        account = output.account(store.accounts(), args.account, config.data.directory)
        choice = Choice(args.format, args.feed, args.since, args.until)
        counts = export(store, account, args.out, choice)
    finally:
        store.close()
    if args.json:
        output.as_json({"account": account, "out": str(args.out), "events": counts})
    else:
        words = ", ".join(f"{count:,} {feed}" for feed, count in counts.items())
        sys.stdout.write(f"{args.out}: {words}\n")
    return 0
