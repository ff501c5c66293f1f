"""The SQLite file: opened by one process, one connection, one transaction at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from detector.store import migrations, places
from detector.store.migrations import Steps

FILE: Final = "vaultwatch.sqlite3"
LOCK: Final = "lock"
RESTORING: Final = "restoring"
"""Where a backup is made ready to take the place of the data."""
OLDEST_SQLITE: Final = (3, 37, 0)
"""The first with strict tables."""


class StoreError(Exception):
    """The data directory cannot be used; the text says why and what to do."""


class DirectoryInUse(StoreError):
    """Another process holds the data directory."""


class Database:
    """One connection to the file in a data directory; with `write`, its only writer."""

    def __init__(self, directory: Path, *, write: bool, steps: Steps | None = None) -> None:
        self.directory, self.path = directory, directory / FILE
        self._mutex = threading.RLock()
        self._lock: int | None = None
        try:
            if write:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                _refuse_share(directory)
                self._lock = locked(directory)
                _refuse_half_restored(directory)
            elif not self.path.is_file():
                msg = f"{directory}: no data here yet; start 'vaultwatch run' first"
                raise StoreError(msg)
            self._connection = _connect(self.path, write=write)
            self._prepare(migrations.shipped() if steps is None else steps, write=write)
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

    def copy_to(self, path: Path) -> None:
        """Copy the database as it stands now to a file, whole and on the disk."""
        with self._mutex, self._in_words():
            migrations.keep(self._connection, path)

    def vacuum(self) -> None:
        """Write the file anew, so that nothing deleted is left in it or beside it."""
        with self._mutex, self._in_words():
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for old in self.directory.glob(f"{FILE}.v*"):
            old.unlink()

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

    def _prepare(self, steps: Steps, *, write: bool) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            oldest = ".".join(map(str, OLDEST_SQLITE))
            msg = f"SQLite {sqlite3.sqlite_version} is too old; at least {oldest} is needed"
            raise StoreError(msg)
        version = migrations.version(self._connection)
        if version > len(steps):
            msg = (
                f"{self.path}: written by a newer version (schema {version}, this one knows "
                f"{len(steps)}); install that version again"
            )
            raise StoreError(msg)
        if write:
            migrations.migrate(self._connection, self.path, steps)
        elif version == 0:
            msg = f"{self.path.parent}: no data here yet; start 'vaultwatch run' first"
            raise StoreError(msg)
        elif version < len(steps):
            msg = (
                f"{self.path}: of an older version (schema {version}, this one reads "
                f"{len(steps)}); 'vaultwatch run' brings it up to date"
            )
            raise StoreError(msg)


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


def _refuse_share(directory: Path) -> None:
    kind = places.file_system(directory)
    if kind in places.SHARES:
        msg = (
            f"{directory}: lies on a network share ({kind}), where two processes may write at "
            "once; put the data directory on a local disk"
        )
        raise StoreError(msg)


def _refuse_half_restored(directory: Path) -> None:
    if (directory / RESTORING).exists() and not (directory / FILE).exists():
        msg = f"{directory}: a restore was interrupted; run 'vaultwatch restore' again"
        raise StoreError(msg)


def locked(directory: Path) -> int:
    """Hold a directory for this process until the handle is closed.

    Raises DirectoryInUse if another process holds it.
    """
    path = directory / LOCK
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        msg = f"{path.parent}: in use by another vaultwatch process; stop it first"
        raise DirectoryInUse(msg) from error
    return handle
