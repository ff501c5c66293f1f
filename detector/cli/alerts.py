"""`vaultwatch alerts`: list alerts, show one, and say what became of it."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from contextlib import closing

from rich.table import Table

from detector import app, settings
from detector.alerts import Alert, Status, to_json
from detector.changes.alerts import SetStatus, one
from detector.cli import output
from detector.rendering import alone
from detector.settings import ConfigError
from detector.store.sqlite import Sqlite

_STATUS = {
    "ack": Status.ACKNOWLEDGED,
    "resolve": Status.RESOLVED,
    "false-positive": Status.FALSE_POSITIVE,
    "benign": Status.BENIGN,
}


def run(args: Namespace) -> int:
    """Dispatch to the verb."""
    config = settings.load(args.config, os.environ)
    if getattr(args, "status", None) not in {None, *Status}:
        msg = f"--status: {args.status!r} is no status; there are {', '.join(Status)}"
        raise ConfigError(msg)
    if args.verb in _STATUS:
        return _set_status(args, config)
    with closing(Sqlite(config.data.directory, write=False)) as store:
        if args.verb == "list":
            return _list(args, store)
        return _show(args, store, config, one(store, args.id))


def _set_status(args: Namespace, config: settings.Settings) -> int:
    request = SetStatus(args.id, _STATUS[args.verb], who=app.user(), note=args.note)
    done = app.ask(config, request)
    if args.json:
        output.as_json(done)
    else:
        sys.stdout.write(f"{done['id']}: {done['status']}\n")
    return 0


def _list(args: Namespace, store: Sqlite) -> int:
    found = store.alerts(status=args.status, since=args.since)
    if args.json:
        for alert in found:
            output.as_json(to_json(alert))
        return 0
    table = Table(
        "time (UTC)", "level", "score", "status", "summary", "id", box=None, header_style="bold"
    )
    for alert in found:
        table.add_row(
            f"{alert.time:%Y-%m-%d %H:%M}",
            alert.level,
            str(alert.score),
            alert.status,
            output.plain(alert.summary),
            alert.id[:8],
        )
    output.console().print(table if found else "no alerts")
    return 0


def _show(args: Namespace, store: Sqlite, config: settings.Settings, alert: Alert) -> int:
    history = store.history(alert.id)
    if args.json:
        output.as_json(to_json(alert) | {"history": history})
        return 0
    terminal = output.console()
    terminal.print(app.renderer(config).console(alone(alert)))
    for at, who, status, note in history:
        terminal.print(output.plain(f"{at:%Y-%m-%d %H:%M} {who}: {status} {note}"))
    return 0
