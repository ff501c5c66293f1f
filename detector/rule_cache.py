"""Rule sets on disk as they were loaded, found by the hash of all that they were made of.

A cache changes no answer: what is missing, damaged, foreign, out of date or cannot be written is
loaded anew, without a word. Its files are named after their keys and appear whole, by a rename, so
that any number of processes can share them.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zoneinfo
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from detector.rulebook import archive
from detector.rulebook.loaded import Loaded

MOST_FILES: Final = 64
MOST_BYTES: Final = 128 * 1024 * 1024
"""What the files of one folder may come to; those not used for longest go first."""
_PACKAGE: Final = Path(__file__).parent
_ENDING: Final = ".rules"
_DIGEST: Final = hashlib.sha256().digest_size
_NO_LISTS: Final[Mapping[str, str]] = MappingProxyType({})


class _Kept(msgspec.Struct, array_like=True):
    """A file: a rule set, whether another day makes another of it, and the day it was made for."""

    ages: bool
    day: date | None
    body: bytes


@dataclass(frozen=True, slots=True)
class RuleCache:
    """Loads rules as `rulebook.loading.load` does, and keeps them in a folder (null: nowhere)."""

    folder: Path | None

    def __call__(
        self, texts: Mapping[str, str], *, today: date | None = None,
        lists: Mapping[str, str] = _NO_LISTS,
    ) -> Loaded:  # fmt: skip
        """What comes of rule files (path to text) and lists on that day."""
        path = None if self.folder is None else _place(self.folder, texts, lists)
        kept = None if path is None else _read(path, today)
        if kept is not None:
            return kept
        # pySigma and what else compiles is imported only where it is needed.
        from detector.rulebook.loading import load

        loaded = load(texts, today=today, lists=lists)
        if path is not None:
            _write(path, loaded, today)
        return loaded


def below(directory: Path) -> RuleCache:
    """The cache of a service, in its data directory."""
    return RuleCache(directory / "cache" / "rules")


def nearest(directory: Path, environ: Mapping[str, str]) -> RuleCache:
    """The cache of a command: that of the data directory if it is ours, else the user's own."""
    if _is_ours(directory):
        return below(directory)
    home = environ.get("HOME", "")
    for folder in (environ.get("XDG_CACHE_HOME", ""), f"{home}/.cache" if home else ""):
        if Path(folder).is_absolute():
            return RuleCache(Path(folder) / "vaultwatch" / "rules")
    return RuleCache(None)


def _is_ours(directory: Path) -> bool:
    """Whether it is there and belongs to this user, so that the service can use what we write."""
    with suppress(OSError):
        return directory.stat().st_uid == os.geteuid()
    return False


def _place(folder: Path, texts: Mapping[str, str], lists: Mapping[str, str]) -> Path | None:
    """The file for these texts; null if they cannot be named."""
    try:
        made_of = msgspec.msgpack.encode((sorted(texts.items()), sorted(lists.items())))
        return folder / (hashlib.sha256(_maker() + made_of).hexdigest() + _ENDING)
    except (OSError, UnicodeEncodeError):
        return None


@cache
def _maker() -> bytes:
    """A hash of all that makes rules of texts: this program, its libraries, the time zones.

    Raises OSError where the program's own text cannot be read.
    """
    found = hashlib.sha256(sys.version.encode())
    for part in (*_sources(), *_installed(), *_zones()):
        found.update(part)
        found.update(b"\0")
    return found.digest()


def _sources() -> Iterator[bytes]:
    for path in sorted(_PACKAGE.rglob("*.py")):
        yield str(path.relative_to(_PACKAGE)).encode("utf-8", "surrogateescape")
        yield path.read_bytes()


def _installed() -> Iterator[bytes]:
    """The distributions on the import path; their folders are named after their versions."""
    for folder in filter(Path.is_dir, map(Path, sys.path)):
        for name in sorted(path.name for path in folder.iterdir()):
            if name.endswith((".dist-info", ".egg-info")):
                yield name.encode("utf-8", "surrogateescape")


def _zones() -> Iterator[bytes]:
    for folder in filter(Path.is_dir, map(Path, zoneinfo.TZPATH)):
        yield f"{folder} {folder.stat().st_mtime_ns}".encode()


def _read(path: Path, today: date | None) -> Loaded | None:
    with suppress(OSError, msgspec.DecodeError, archive.NotKept):
        with path.open("rb") as file:
            # What another user wrote could be any rule set.
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None
            whole = file.read(MOST_BYTES + 1)
        if len(whole) > MOST_BYTES or _seal(path, whole[_DIGEST:]) != whole[:_DIGEST]:
            return None
        kept = msgspec.msgpack.decode(whole[_DIGEST:], type=_Kept)
        if kept.ages and kept.day != today:
            return None
        loaded = archive.unpack(kept.body)
        # Used last, so forgotten last.
        os.utime(path)
        return loaded
    return None


def _write(path: Path, loaded: Loaded, today: date | None) -> None:
    with suppress(OSError, archive.NotKept):
        kept = msgspec.msgpack.encode(_Kept(loaded.ages, today, archive.pack(loaded)))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _put(path, _seal(path, kept) + kept)
        _make_room(path.parent)


def _seal(path: Path, kept: bytes) -> bytes:
    """A digest of a file and its name, so that no file stands in for another."""
    return hashlib.sha256(path.name.encode() + kept).digest()


def _put(path: Path, whole: bytes) -> None:
    """Let a file appear whole or not at all."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=_ENDING)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(whole)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _make_room(folder: Path) -> None:
    """Delete the files that were not used for longest, as far as there are too many."""
    found = [(path.stat(), path) for path in folder.iterdir() if path.name.endswith(_ENDING)]
    found.sort(key=lambda each: each[0].st_mtime_ns, reverse=True)
    size = 0
    for number, (stat, path) in enumerate(found):
        size += stat.st_size
        if number >= MOST_FILES or size > MOST_BYTES:
            path.unlink(missing_ok=True)
