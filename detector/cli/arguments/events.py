"""The arguments of `vaultwatch events`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common

FEEDS = ("auditevents", "signinattempts", "itemusages")  # as in detector.events, which is heavy


def add(commands: common.Commands) -> None:
    """Add the command."""
    events = common.command(commands, "events", "query, export and forget stored events", "events")
    verbs = common.verbs(events)
    query = verbs.add_parser("query", help="show the events that fit, the newest last")
    query.add_argument(
        "term", nargs="*", metavar="FIELD=VALUE",
        help="as in a Sigma selection: event.action=delete 'user.email|endswith=@example.com'",
    )  # fmt: skip
    query.add_argument("--person", metavar="P", help="uuid or e-mail of who acted")
    query.add_argument("--action", metavar="A", help="what was done; * for any characters")
    query.add_argument("--ip", metavar="IP", help="address or network that it came from")
    query.add_argument("--limit", type=int, default=50, metavar="N", help="of the table (50)")
    export = verbs.add_parser("export", help="write the raw items, one file for each feed")
    export.add_argument("--out", type=Path, metavar="DIR", required=True)
    export.add_argument("--format", choices=("ndjson", "parquet"), default="ndjson")
    for verb in (query, export):
        verb.add_argument("--feed", choices=FEEDS, metavar="F", help=f"one of {', '.join(FEEDS)}")
        verb.add_argument("--since", type=common.time, metavar="T", help="leave out earlier events")
        verb.add_argument("--until", type=common.time, metavar="T", help="leave out later events")
    forget = verbs.add_parser("forget", help="forget a person: events, alerts, what was learned")
    forget.add_argument("--actor", required=True, metavar="WHO", help="uuid or e-mail")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    for verb in (query, export, forget):
        verb.add_argument("--account", metavar="NAME", help="where there are several")
        common.also(verb)
