"""The arguments of `vaultwatch run`."""

from __future__ import annotations

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    run = common.command(commands, "run", "run the service", "run")
    run.add_argument(
        "--once", action="store_true", help="one round of polling and telling, then stop"
    )
