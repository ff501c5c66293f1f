"""The schema by its versions: forward only, one numbered file for each step, a copy kept before.

A new database takes every step from the first, so that it cannot differ from one that was
brought here from an older version.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

Steps = Sequence[str]
"""What each version adds to the one before it, as SQL; the first makes the tables."""


def shipped() -> Steps:
    """The steps of this version of the program."""
    folder = files("detector.store").joinpath("schema")
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".sql"))
    return [folder.joinpath(name).read_text(encoding="utf-8") for name in names]


def version(connection: sqlite3.Connection) -> int:
    """How many steps the database has taken; 0 if it is empty."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, path: Path, steps: Steps) -> None:
    """Take the steps that are missing, each in one transaction.

    A database with data in it is copied first, to a file beside it that is named by its version.
    """
    taken = version(connection)
    if 0 < taken < len(steps):
        keep(connection, path.with_name(f"{path.name}.v{taken}"))
    for number in range(taken, len(steps)):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {steps[number]} PRAGMA user_version = {number + 1}; COMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def keep(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the database to a file; it is there whole, and on the disk, or not at all."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_RDWR | os.O_CREAT, 0o600))
    copy = sqlite3.connect(part, isolation_level=None)
    try:
        connection.backup(copy)
        # A copy is one file: its readers need put nothing beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
    durable(part)
    part.replace(target)
    durable(target.parent)


def durable(path: Path) -> None:
    """Wait until a file, or what a folder lists, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
