"""The arguments of `vaultwatch outbox`."""

from __future__ import annotations

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    outbox = common.command(
        commands, "outbox", "list messages, and send again what was not sent", "outbox"
    )
    verbs = common.verbs(outbox)
    listing = verbs.add_parser("list", help="list messages, one JSON object a line with --json")
    listing.add_argument("--state", choices=("waiting", "sending", "sent", "dead", "folded"))
    retry = verbs.add_parser("retry", help="send again, also what was given up")
    retry.add_argument("id", nargs="?", default="", help="how the id begins (default: all)")
    common.also(listing)
    common.also(retry)
