"""The arguments of `vaultwatch coverage`."""

from __future__ import annotations

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    coverage = common.command(
        commands, "coverage", "show what is known to be complete, and every gap", "coverage"
    )
    coverage.add_argument("--days", type=float, default=7.0, help="how far back (default 7)")
    coverage.add_argument("--account", metavar="NAME", help="only this one")
