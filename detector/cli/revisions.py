"""A folder of rules, or the rules of a git revision as `main:rules` or `HEAD~1`."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from detector.settings import ConfigError

TIMEOUT_S = 60


@contextmanager
def rules_of(named: str, beside: Path) -> Iterator[Path]:
    """A folder with the rules that a name means, for as long as they are read.

    A folder of that name wins; else it is `REVISION:FOLDER`, or a revision of the folder
    `beside`. Raises ConfigError.
    """
    if Path(named).is_dir():
        yield Path(named)
        return
    revision, colon, folder = named.partition(":")
    with tempfile.TemporaryDirectory(prefix="vaultwatch-rules-") as place:
        target = Path(place)
        if colon:
            _check_out(named, revision, folder, Path.cwd(), target)
        else:
            where = beside if beside.is_dir() else Path.cwd()
            _check_out(named, revision, "./", where, target)
        yield target


def _check_out(named: str, revision: str, folder: str, where: Path, target: Path) -> None:
    """Write the YAML files of a revision's folder below `target`, by their names in it.

    As with git a folder is looked for from the top of the repository, with `./` from `where`.
    """
    if shutil.which("git") is None:
        msg = f"{named}: no such folder, and there is no git to ask for a revision"
        raise ConfigError(msg)
    asked = ("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    commit = None if revision.startswith("-") else _git(named, where, *asked)
    if commit is None:
        msg = f"{named}: no such folder, and no git revision '{revision}' here"
        raise ConfigError(msg)
    within = _git(named, where, "rev-parse", "--show-prefix") or b""
    root = PurePosixPath(within.decode().strip() if folder.startswith("./") else "") / folder
    tree = f"{commit.decode().strip()}:{'' if str(root) == '.' else root}"
    listed = _git(named, where, "ls-tree", "-r", "-z", "--full-tree", tree)
    if listed is None:
        msg = f"{named}: no folder '{root}' in that revision"
        raise ConfigError(msg)
    found = 0
    for entry in filter(None, listed.decode("utf-8", "replace").split("\0")):
        about, _, path = entry.partition("\t")
        kind, identity = about.split()[1:3]
        name = PurePosixPath(path)
        if kind != "blob" or name.suffix not in {".yml", ".yaml"} or ".." in name.parts:
            continue
        body = _git(named, where, "cat-file", "blob", identity)
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body or b"")
        found += 1
    if not found:
        msg = f"{named}: no rule files (.yml) in '{root}' of that revision"
        raise ConfigError(msg)


def _git(named: str, where: Path, *words: str) -> bytes | None:
    """What git says, null if it says no. Raises ConfigError if it cannot be asked."""
    try:
        # Found by its fixed name; the words are ours, and a revision is never an option.
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(where), *words],  # noqa: S607
            capture_output=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"{named}: git cannot be asked: {error}"
        raise ConfigError(msg) from error
    return done.stdout if done.returncode == 0 else None
