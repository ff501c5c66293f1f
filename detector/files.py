"""The files that the engine runs: what is shipped, overlaid by the user's own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final

from detector.manual import Manual
from detector.plans import Texts
from detector.rulebook.vocabulary import PACK
from detector.settings import ConfigError, PathsConfig

_PACKAGE: Final = Path(__file__).parent
_MANUAL: Final = ("language.md", "fields.md", "behaviors.md", "files.md", "model.md")
"""The pages that say what may be written, not what is shipped."""
_ID: Final = re.compile(r"^id:\s*['\"]?([0-9a-fA-F-]{36})", re.MULTILINE)
_DOCUMENTS: Final = re.compile(r"^(?=---)", re.MULTILINE)
_YAML: Final = (".yml", ".yaml")


@dataclass(frozen=True)
class Saved:
    """Everything that takes effect by being saved: what the engine runs, and how it is told."""

    texts: Texts
    templates: Mapping[str, str]

    @cached_property
    def version(self) -> str:
        """A name for exactly these files."""
        words = json.dumps([self.texts.version, dict(self.templates)], sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()[:16]


def saved(paths: PathsConfig, timezone: str) -> Saved:
    """What lies on the disk now. Raises ConfigError."""
    return Saved(texts(paths, timezone=timezone), templates(paths.templates))


def shipped(room: str) -> Path:
    """The folder of shipped `rules`, `models` or `alert_templates`."""
    packaged = _PACKAGE / "_shipped" / room
    return packaged if packaged.is_dir() else _PACKAGE.parent / room


def manual(base: str) -> Manual:
    """The reference that is shipped; without a `base`, links lead to its files."""
    folder = shipped("reference")
    if not folder.is_dir():
        folder = _PACKAGE.parent / "docs" / "reference"
    pages = {name: read_file(folder / name) for name in _MANUAL}
    return Manual(pages, base or folder.resolve().as_uri())


def read_folder(
    folder: Path, suffixes: Container[str] = _YAML, *, errors: str = "strict"
) -> dict[str, str]:
    """Every file below a folder with one of the suffixes, by path, but none that is hidden.

    Raises ConfigError. `errors` says what is done with bytes that are no UTF-8.
    """
    if not folder.is_dir():
        msg = f"{folder}: no such folder"
        raise ConfigError(msg)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    # Hidden: .git and .github, the lock of an editor, what a mounted ConfigMap really consists of.
    shown = [path for path in paths if not any(map(_is_hidden, path.relative_to(folder).parts))]
    return {str(path): read_file(path, errors=errors) for path in shown if not path.is_dir()}


def rule_files(folder: Path) -> dict[str, str]:
    """The rule files of a folder, as in `read_folder`.

    Bytes that are no UTF-8 come through, so that one such file is one mistake and stops no other.
    """
    return read_folder(folder, errors="surrogateescape")


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def read_file(path: Path, *, errors: str = "strict") -> str:
    """The text of a file. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8-sig", errors=errors)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = error.object[error.start]
        msg = f"{path}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigError(msg) from error
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise ConfigError(msg) from error


def rules(own: Path | None, *, only: bool = False) -> dict[str, str]:
    """Shipped rules (named `rules/...`) and the user's, which `load` lays over them, id by id.

    With `only`, the user's folder stands alone, on top of the shipped base rules and of those
    documents that it changes.
    """
    theirs = own_rules(own) if own is not None else {}
    folder = shipped("rules")
    ours = {
        str(PurePosixPath(PACK) / Path(path).relative_to(folder).as_posix()): text
        for path, text in rule_files(folder).items()
    }
    if only and own is not None:
        changed = {found.lower() for text in theirs.values() for found in _ID.findall(text)}
        ours = {
            path: text if path.startswith(f"{PACK}base/") else _only(text, changed)
            for path, text in ours.items()
        }
    return {path: text for path, text in ours.items() if text} | theirs


def own_rules(folder: Path) -> dict[str, str]:
    """The user's rules by path, never named as shipped ones are. Raises ConfigError."""
    return {
        f"./{path}" if path.startswith(PACK) else path: text
        for path, text in rule_files(folder).items()
    }


def _only(text: str, ids: set[str]) -> str:
    """The documents of a file with these ids, at their lines; empty if it has none of them."""
    kept = [
        part if ids.intersection(map(str.lower, _ID.findall(part))) else "\n" * part.count("\n")
        for part in _DOCUMENTS.split(text)
    ]
    return "".join(kept) if any(map(str.strip, kept)) else ""


def texts(paths: PathsConfig, *, timezone: str = "UTC", own_rules: Path | None = None) -> Texts:
    """Everything that a plan is made of. `own_rules` stands alone on the shipped base rules."""
    models = shipped("models") if paths.models is None else paths.models
    return Texts(
        rules=rules(own_rules, only=True) if own_rules else rules(paths.rules),
        models=_named(read_folder(models), models),
        people=_one(paths.people),
        networks=_one(paths.networks),
        timezone=timezone,
        lists=lists(paths.lists),
    )


def lists(own: Path | None) -> dict[str, str]:
    """The user's lists of values for `|expand`; none are shipped."""
    return read_folder(own, (".txt", *_YAML)) if own is not None else {}


def templates(own: Path | None, *, only: bool = False) -> dict[str, str]:
    """Shipped message templates by file name, overlaid by the user's; or the user's `only`."""
    found = {} if only else read_folder(shipped("alert_templates"), (".j2", ".yaml"))
    if own is not None:
        found |= read_folder(own, (".j2", ".yaml"))
    return {Path(path).name: text for path, text in found.items()}


def _named(found: dict[str, str], folder: Path) -> dict[str, str]:
    return {str(Path(folder.name) / Path(path).name): text for path, text in found.items()}


def _one(path: Path | None) -> dict[str, str]:
    return {str(path): read_file(path)} if path is not None else {}
