"""How commands print: JSON for machines, words for people, progress on a terminal only."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from rich.text import Text

from detector.settings import ConfigError


def console() -> Console:
    """The terminal."""
    return Console(highlight=False)


def log_to_stderr(**options: Any) -> None:
    """Log lines go to what is stderr at the time; what a command prints is for others."""
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr), **options)


def plain(value: object) -> Text:
    """Text that anybody may have written: no markup, no control characters, on one line."""
    text = "".join(char if char.isprintable() else " " for char in str(value))
    return Text(" ".join(text.split()))


def account(names: Sequence[str], asked: str | None, directory: Path) -> str:
    """The account that is meant: the one asked for, or the only one. Raises ConfigError."""
    if asked in names or (asked is None and len(names) == 1):
        return asked or names[0]
    if not names:
        msg = f"{directory}: holds no account yet; 'vaultwatch run' fills it"
        raise ConfigError(msg)
    problem = "several accounts" if asked is None else f"no account {asked!r}"
    msg = f"{directory}: {problem}; there are: {', '.join(names)}; name one with --account"
    raise ConfigError(msg)


def until(args: Namespace) -> datetime:
    """The time that `--for` or `--until` says."""
    asked: datetime | None = args.until
    if asked is not None:
        return asked
    # It brings in the whole engine, which commands that only write do without.
    from detector import app

    span: timedelta = args.span
    return app.now() + span


def write_file(path: Path, body: bytes) -> None:
    """Write a file that was asked for. Raises ConfigError."""
    try:
        path.write_bytes(body)
    except OSError as error:
        msg = f"{path}: cannot be written: {error}"
        raise ConfigError(msg) from error


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file for other programs. Raises ConfigError."""
    write_file(path, json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n")


def as_json(value: Any) -> None:
    """One JSON value on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
