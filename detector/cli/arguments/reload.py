"""The arguments of `vaultwatch reload`."""

from __future__ import annotations

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    common.command(
        commands, "reload", "put saved rules, people and templates to work now", "reload"
    )
