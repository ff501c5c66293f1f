"""How commands print: JSON for machines, words for people, progress on a terminal only."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


def console() -> Console:
    """The terminal."""
    return Console(highlight=False)


def as_json(value: Any) -> None:
    """One JSON value on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


@contextmanager
def progress(terminal: Console, text: str, total: float) -> Iterator[Any]:
    """A progress bar on a terminal, one line elsewhere; yields `advance(done, note)`."""
    if not terminal.is_terminal:
        terminal.print(f"{text} ...")
        yield lambda _done, _note="": None
        return
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=40),
        TextColumn("{task.percentage:>3.0f}% {task.fields[note]}"),
        TimeElapsedColumn(),
        console=terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task(text, total=total, note="")
        yield lambda done, note="": bar.update(task, completed=done, note=note)
