"""Progress for people: a bar on a terminal, one line elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Advance = Callable[..., None]
"""Told how much is done, and optionally a note: `advance(done, note)`."""


@contextmanager
def progress(terminal: Console, text: str, total: float) -> Iterator[Advance]:
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
