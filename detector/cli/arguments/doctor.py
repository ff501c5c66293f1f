"""The arguments of `vaultwatch doctor`."""

from __future__ import annotations

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    doctor = common.command(
        commands, "doctor", "check that everything the service needs works", "doctor"
    )
    doctor.add_argument("--online", action="store_true", help="also ask 1Password")
