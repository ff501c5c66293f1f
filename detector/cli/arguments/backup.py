"""The arguments of `vaultwatch backup` and `vaultwatch restore`."""

from __future__ import annotations

from pathlib import Path

from detector.cli.arguments import common


def add(commands: common.Commands) -> None:
    """Add the commands."""
    backup = common.command(
        commands, "backup", "copy everything to a folder, also while it runs", "backup"
    )
    restore = common.command(commands, "restore", "put a backup in the place of the data", "backup")
    restore.add_argument("--verify", action="store_true", help="only prove the backup whole")
    restore.add_argument("--replace", action="store_true", help="even where data is there already")
    for made in (backup, restore):
        made.add_argument("folder", type=Path, metavar="DIR")
        made.set_defaults(command=made.prog.rpartition(" ")[2])
