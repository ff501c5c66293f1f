"""On which kind of file system the data lies: SQLite's locks do not hold on a network share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SHARES: Final = frozenset({"afs", "cifs", "nfs", "nfs4", "ncpfs", "smb3", "smbfs"})
_MOUNTS: Final = Path("/proc/self/mountinfo")


def file_system(directory: Path, mounts: str | None = None) -> str:
    """The kind of the file system that a directory lies on; empty where the system does not say.

    >>> file_system(Path("/srv/data"), "36 35 0:9 / / rw - ext4 /dev/sda rw\\n")
    'ext4'
    """
    if mounts is None:
        mounts = _MOUNTS.read_text(encoding="utf-8") if _MOUNTS.is_file() else ""
    place, kind, best = directory.resolve(), "", -1
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        where = Path(_unescaped(left.split()[4]))
        # The last line of a place counts: what was mounted there last lies on top.
        if place.is_relative_to(where) and len(where.parts) >= best:
            kind, best = right.split()[0], len(where.parts)
    return kind


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
