"""`vaultwatch events`: look into the stored events, take them out as files, forget a person."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import polars as pl
from rich.table import Table

from detector import app, events, settings
from detector.changes.forgetting import Forget
from detector.cli import output
from detector.rulebook.selecting import Selection, select
from detector.settings import ConfigError
from detector.store.export import Choice, export
from detector.store.sqlite import Sqlite

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = {
    "event.time": "time (UTC)",
    "event.feed": "feed",
    "what": "action",
    "who": "person",
    "source.ip": "address",
    "source.country": "country",
    "object": "object",
}


def run(args: Namespace) -> int:
    """Dispatch to the verb."""
    config = settings.load(args.config, os.environ)
    with closing(Sqlite(config.data.directory, write=False)) as store:
        account = output.account(store.accounts(), args.account, config.data.directory)
        if args.verb == "export":
            return _export(args, store, account)
        if args.verb == "query":
            return _query(args, store, account)
    return _forget(args, config, account)


def _export(args: Namespace, store: Sqlite, account: str) -> int:
    choice = Choice(args.format, args.feed, args.since, args.until)
    counts = export(store, account, args.out, choice)
    if args.json:
        output.as_json({"account": account, "out": str(args.out), "events": counts})
    else:
        words = ", ".join(f"{count:,} {feed}" for feed, count in counts.items())
        sys.stdout.write(f"{args.out}: {words}\n")
    return 0


def _query(args: Namespace, store: Sqlite, account: str) -> int:
    found = _found(args, store, account)
    if args.json:
        count = 0
        for frame in found:
            for row in frame.iter_rows(named=True):
                output.as_json({name: value for name, value in row.items() if value is not None})
            count += frame.height
        return 0 if count else 1
    return _show(pl.concat([*found, pl.DataFrame(schema=events.SCHEMA)]), args.limit)


def _found(args: Namespace, store: Sqlite, account: str) -> Iterator[pl.DataFrame]:
    """The events that are asked for, segment by segment, in order of arrival."""
    selection = _selection(args)
    since, names = args.since or _BEGINNING, list(events.SCHEMA)
    for frame in store.log.columns(account, names, since=since, upto=store.log.last_seq(account)):
        time = pl.col("event.time")
        wanted = frame.cast(pl.Schema(events.SCHEMA)).filter(
            time >= since, time < args.until if args.until else True
        )
        if args.person:
            asked = args.person.lower()
            person = [pl.col(name).str.to_lowercase() for name in ("user.id", "user.email")]
            wanted = wanted.filter(pl.any_horizontal(name == asked for name in person))
        if args.feed:
            wanted = wanted.filter(pl.col("event.feed") == args.feed)
        if selection is not None:
            wanted = selection.of(wanted)
        if wanted.height:
            yield wanted


def _selection(args: Namespace) -> Selection | None:
    """The terms of the question, the options for the commonest of them included."""
    terms = [*args.term]
    terms += [f"event.action={args.action}"] if args.action else []
    terms += [f"source.ip|cidr={args.ip}"] if args.ip else []
    selection = select(terms) if terms else None
    if selection is not None and selection.mistakes:
        raise ConfigError("\n".join(selection.mistakes))
    return selection


def _show(found: pl.DataFrame, limit: int) -> int:
    """The newest events as a table."""
    table = Table(*_SHOWN.values(), box=None, header_style="bold")
    rows = found.sort("event.time").tail(limit).with_columns(
        pl.coalesce("event.action", "event.category").alias("what"),
        pl.coalesce("user.email", "user.name", "user.id").alias("who"),
        pl.coalesce("item.id", "target.email", "object.id").alias("object"),
        pl.col("event.time").dt.strftime("%Y-%m-%d %H:%M:%S"),
    )  # fmt: skip
    for row in rows.select(*_SHOWN).iter_rows():
        table.add_row(*(output.plain(value or "") for value in row))
    terminal = output.console()
    terminal.print(table if found.height else "no events")
    if found.height > limit:
        terminal.print(f"the newest {limit} of {found.height:,}; --limit shows more")
    return 0 if found.height else 1


def _forget(args: Namespace, config: settings.Settings, account: str) -> int:
    if not args.yes:
        if not sys.stdin.isatty():
            msg = "--yes: is needed where nobody can be asked; what is forgotten is gone for ever"
            raise ConfigError(msg)
        sys.stdout.write(
            f"Forget {args.actor} in account {account}? Every event and alert that names them "
            "goes, for ever. Type yes: "
        )
        sys.stdout.flush()
        if sys.stdin.readline().strip() != "yes":
            return 1
    done = app.ask(config, Forget(account, args.actor))
    if args.json:
        output.as_json(done)
    else:
        people = ", ".join(done["people"])
        sys.stdout.write(f"{done['events']:,} events forgotten of {people}\n")
    return 0
