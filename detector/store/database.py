"""The SQLite file: opened by one process, one connection, one transaction at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

VERSION: Final = 1
FILE: Final = "vaultwatch.sqlite3"
LOCK: Final = "lock"


class StoreError(Exception):
    """The data directory cannot be used; the text says why and what to do."""


class DirectoryInUse(StoreError):
    """Another process holds the data directory."""


class Database:
    """One connection to the file in a data directory; with `write`, its only writer."""

    def __init__(self, directory: Path, *, write: bool) -> None:
        self.path = directory / FILE
        self._mutex = threading.RLock()
        self._lock: int | None = None
        try:
            if write:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock = _locked(directory / LOCK)
            elif not self.path.is_file():
                msg = f"{directory}: no data here yet; start 'vaultwatch run' first"
                raise StoreError(msg)
            self._connection = _connect(self.path, write=write)
            self._prepare(write=write)
        except (OSError, sqlite3.Error) as error:
            self.close()
            msg = f"{directory}: cannot be used as data directory: {error}"
            raise StoreError(msg) from error
        except StoreError:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or none. Nothing else of this process writes meanwhile."""
        with self._mutex, self._in_words():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may have made SQLite roll back already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[Any]:
        """All rows of a query. Raises StoreError."""
        with self._mutex, self._in_words():
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        """Write the log back into the file and let go of the directory."""
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            msg = f"{self.path}: {error}"
            raise StoreError(msg) from error

    def _prepare(self, *, write: bool) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            msg = (
                f"{self.path}: written by a newer version (schema {version}, this one knows "
                f"{VERSION}); install that version again"
            )
            raise StoreError(msg)
        if version == 0 and not write:
            msg = f"{self.path.parent}: no data here yet; start 'vaultwatch run' first"
            raise StoreError(msg)
        if version == 0:
            text = files("detector.store").joinpath("schema.sql").read_text(encoding="utf-8")
            self._connection.executescript(
                f"BEGIN; {text} PRAGMA user_version = {VERSION}; COMMIT;"
            )


def _connect(path: Path, *, write: bool) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    if write:
        # The file tells what people did; what SQLite puts beside it inherits this mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    elif os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists():
        uri += "?mode=ro"
    else:
        # Even a reader puts files beside the database, unless it is told that nobody writes.
        uri += "?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA busy_timeout = 5000")
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _locked(path: Path) -> int:
    """Hold the directory for this process. Raises StoreError if another one does."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        msg = f"{path.parent}: in use by another vaultwatch process; stop it first"
        raise DirectoryInUse(msg) from error
    return handle
