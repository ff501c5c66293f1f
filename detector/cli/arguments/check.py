"""The arguments of `vaultwatch check`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    check = common.command(
        commands, "check", "check configuration, rules, models and templates", "check"
    )
    check.add_argument("--rules", type=Path, metavar="DIR", help="check this folder of rules")
    common.pipeline(check)
