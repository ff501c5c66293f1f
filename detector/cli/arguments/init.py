"""The arguments of `vaultwatch init`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the command."""
    init = common.command(commands, "init", "write an example configuration", "init")
    init.add_argument("--out", type=Path, default=Path("vaultwatch.toml"), metavar="FILE")
