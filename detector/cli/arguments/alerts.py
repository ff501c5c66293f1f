"""The arguments of `vaultwatch alerts`."""

from __future__ import annotations

from typing import Final

from detector.cli.arguments import common

_VERBS: Final = {
    "show": "show one alert with its evidence and history",
    "ack": "say that somebody looks at it",
    "snooze": "be told again later",
    "resolve": "say that it is dealt with",
    "false-positive": "say that the rule was wrong",
    "benign": "say that it happened, and was harmless",
}


def add(commands: common.Commands) -> None:
    """Add the command."""
    alerts = common.command(commands, "alerts", "list alerts and change their status", "alerts")
    verbs = common.verbs(alerts)
    listing = verbs.add_parser("list", help="list alerts, one JSON object a line with --json")
    listing.add_argument("--since", type=common.time, metavar="TIME")
    listing.add_argument("--status", metavar="STATUS")
    listing.add_argument(
        "--operator", action="store_true", help="the engine's alerts about itself instead"
    )
    listing.add_argument(
        "--suppressed", action="store_true", help="what an innocent explanation held back, and why"
    )
    common.also(listing)
    listing.add_argument("--digest", metavar="ID", help="those that a digest stands for")
    listing.add_argument("--incident", metavar="ID", help="those of one incident")
    for verb, text in _VERBS.items():
        one = verbs.add_parser(verb, help=text)
        one.add_argument("id", help="id of an alert, or how it begins; or of an incident")
        if verb != "show":
            one.add_argument("--note", default="", help="why")
        if verb == "snooze":
            common.until(one)
        common.also(one)
