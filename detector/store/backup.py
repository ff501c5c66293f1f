"""A backup: the database as it stands in one moment, the files that it vouches for, and a list.

The list (`backup.json`) is written last: a folder without it is no backup. A backup is made while
the service runs, and is proven whole by its own SHA-256 sums before anything is restored from it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from detector.store import forgetting, migrations, segments
from detector.store.database import FILE, RESTORING, Database, StoreError, locked
from detector.store.migrations import durable

LIST: Final = "backup.json"
_TRIES: Final = 3


class Listing(msgspec.Struct, frozen=True):
    """What a backup holds: each file below the folder with its SHA-256."""

    schema: int
    at: datetime
    events: int
    files: dict[str, str]


def backup(directory: Path, target: Path, at: datetime) -> Listing:
    """Copy the data of a directory to an empty folder. Raises StoreError."""
    with _in_words(target):
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(target.iterdir()):
            msg = f"{target}: is not empty; name a new folder"
            raise StoreError(msg)
    for left in reversed(range(_TRIES)):
        try:
            with _in_words(target):
                return _copy(directory, target, at)
        except _Gone as error:
            # A file that is written anew, or too old, goes while it is copied.
            if not left:
                msg = f"{error}: is missing; 'vaultwatch doctor' says more"
                raise StoreError(msg) from error
    raise AssertionError


class _Gone(Exception):
    """A file that the database vouched for a moment ago is not there."""


def _copy(directory: Path, target: Path, at: datetime) -> Listing:
    shutil.rmtree(target / segments.FOLDER, ignore_errors=True)
    source = Database(directory, write=False)
    try:
        source.copy_to(target / FILE)
    finally:
        source.close()
    copy = Database(target, write=False)
    try:
        rows = copy.rows("SELECT file, sha256 FROM segment WHERE file IS NOT NULL ORDER BY file")
        events = copy.rows("SELECT COALESCE(sum(events), 0) FROM segment")[0][0]
    finally:
        copy.close()
    for file, sha256 in rows:
        _copy_file(directory / file, target / file, sha256)
    sums = {FILE: segments.digest(target / FILE)} | dict(rows)
    made = Listing(len(migrations.shipped()), at, events, sums)
    part = target / f"{LIST}.part"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(made)))
    durable(part)
    part.replace(target / LIST)
    durable(target)
    return made


def _copy_file(source: Path, target: Path, sha256: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError as error:
        raise _Gone(source) from error
    durable(target)
    durable(target.parent)
    if segments.digest(target) != sha256:
        msg = f"{source}: is not what was written; the disk may be failing"
        raise StoreError(msg)


def verify(folder: Path) -> Listing:
    """What a backup holds, if all of it is there and unchanged. Raises StoreError."""
    try:
        listing = msgspec.json.decode((folder / LIST).read_bytes(), type=Listing)
    except OSError as error:
        msg = f"{folder}: is no whole backup: {LIST} cannot be read: {error.strerror}"
        raise StoreError(msg) from error
    except msgspec.DecodeError as error:
        msg = f"{folder}: is no whole backup: {LIST} is damaged: {error}"
        raise StoreError(msg) from error
    for file, sha256 in listing.files.items():
        path = folder / file
        if not path.resolve().is_relative_to(folder.resolve()):
            msg = f"{folder}: {LIST} names a file outside of the backup: {file}"
            raise StoreError(msg)
        if not path.is_file() or segments.digest(path) != sha256:
            words = "is not what was backed up" if path.is_file() else "is missing"
            msg = f"{path}: {words}; use another backup"
            raise StoreError(msg)
    _verify_database(folder, listing)
    return listing


def _verify_database(folder: Path, listing: Listing) -> None:
    database = Database(folder, write=False)
    try:
        verdict = database.rows("PRAGMA integrity_check")[0][0]
        files = {file for (file,) in database.rows("SELECT file FROM segment WHERE file NOT NULL")}
    finally:
        database.close()
    if verdict != "ok" or files != set(listing.files) - {FILE}:
        words = verdict if verdict != "ok" else "its files are not those of the list"
        msg = f"{folder / FILE}: {words}; use another backup"
        raise StoreError(msg)


def restore(folder: Path, directory: Path, *, replace: bool) -> Listing:
    """Put a verified backup in the place of a data directory. Raises StoreError.

    Data that is there goes only with `replace`. Who was forgotten there, or in the backup, stays
    forgotten.
    """
    listing = verify(folder)
    with _in_words(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = locked(directory)
        try:
            _restore(folder, directory, listing, replace=replace)
        finally:
            os.close(lock)
    return listing


def _restore(folder: Path, directory: Path, listing: Listing, *, replace: bool) -> None:
    there = (directory / FILE).exists()
    if there and not replace:
        msg = f"{directory}: holds data already; --replace puts the backup in its place"
        raise StoreError(msg)
    forgotten = _forgotten(directory) if there else []
    new = directory / RESTORING
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    for file in listing.files:
        (new / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, new / file)
    (new / FILE).chmod(0o600)
    _forget(new, forgotten)
    _swap(directory, new)


def _forgotten(directory: Path) -> list[forgetting.Tombstone]:
    """Who was forgotten in the data that is there."""
    try:
        database = Database(directory, write=False)
        try:
            return forgetting.tombstones(database)
        finally:
            database.close()
    except StoreError as error:
        msg = (
            f"{error}; so it cannot be read who was forgotten there: move {FILE} away to restore "
            "all the same, and forget them again"
        )
        raise StoreError(msg) from error


def _forget(directory: Path, forgotten: list[forgetting.Tombstone]) -> None:
    """Let restored data forget the same people, also those of whom the backup says so."""
    database = Database(directory, write=True)
    try:
        for each in forgotten:
            forgetting.begin(database, each.account, each.person, each.at)
        forgetting.finish(database, lambda _: None)
    finally:
        database.close()
    for path in directory.rglob("*"):
        if path.is_file():
            durable(path)


def _swap(directory: Path, new: Path) -> None:
    """Put the new data in the place of the old; the database, which is the last, vouches for all."""
    (directory / FILE).unlink(missing_ok=True)
    for rest in ("-wal", "-shm"):
        (directory / f"{FILE}{rest}").unlink(missing_ok=True)
    shutil.rmtree(directory / segments.FOLDER, ignore_errors=True)
    if (new / segments.FOLDER).exists():
        (new / segments.FOLDER).rename(directory / segments.FOLDER)
    (new / FILE).rename(directory / FILE)
    shutil.rmtree(new)
    durable(directory)


@contextmanager
def _in_words(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"{place}: {error.strerror or error}"
        raise StoreError(msg) from error
