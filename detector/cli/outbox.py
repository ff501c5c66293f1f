"""`vaultwatch outbox`: messages that wait, were sent, or cannot be sent."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from contextlib import closing
from dataclasses import asdict

from rich.table import Table

from detector import app, settings
from detector.changes.outbox import Retry
from detector.cli import output
from detector.store.sqlite import Sqlite


def run(args: Namespace) -> int:
    """List the messages, or send again what was not sent."""
    config = settings.load(args.config, os.environ)
    if args.verb == "retry":
        return _retry(args, config)
    with closing(Sqlite(config.data.directory, write=False)) as store:
        return _list(args, store)


def _list(args: Namespace, store: Sqlite) -> int:
    found = store.outbox.listed(args.state)
    if args.json:
        for each in found:
            output.as_json(asdict(each))
        return 0
    table = Table(
        "state",
        "destination",
        "about",
        "why",
        "tries",
        "next try (UTC)",
        "error",
        box=None,
        header_style="bold",
    )
    for each in found:
        later = f"{each.next_at:%Y-%m-%d %H:%M:%S}" if each.state in {"waiting", "sending"} else ""
        table.add_row(
            each.state,
            output.plain(each.destination),
            output.plain(each.about),
            f"{each.kind}, {each.cause}",
            str(each.tries),
            later,
            output.plain(each.error or ""),
        )
    output.console().print(table if found else "no messages")
    return 0


def _retry(args: Namespace, config: settings.Settings) -> int:
    done = app.ask(config, Retry(args.id))
    count = int(done["retried"])
    if args.json:
        output.as_json(done)
    else:
        sent = "1 message" if count == 1 else f"{count} messages"
        about = f" about {args.id}" if args.id else ""
        none = f"no message{about} waits or could not be sent; 'vaultwatch outbox list'"
        sys.stdout.write(f"{sent} will be sent at the next run\n" if count else f"{none}\n")
    return 0 if count else 1
