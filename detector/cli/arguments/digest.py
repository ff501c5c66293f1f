"""The arguments of `vaultwatch digest`."""

from __future__ import annotations

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    digest = common.command(commands, "digest", "print what the next digest says", "digest")
    digest.add_argument("--weekly", action="store_true", help="the rules of the last 7 days")
    digest.add_argument("--since", type=common.time, metavar="TIME", help="default: a day ago")
