"""Silences by file: what stands in it holds, what is taken out of it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import structlog

from detector import files, silence_files
from detector.delivery.journal import Change, How
from detector.delivery.orders import Orders
from detector.delivery.silences import Silence
from detector.jobs.ending import end_silence
from detector.jobs.obeying import add_silence, preview
from detector.settings import ConfigError
from detector.store.sqlite import Sqlite

log = structlog.get_logger()


class SilenceFile:
    """The operator's file of silences; read again whenever it has changed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._text: str | None = None
        self._problems: list[str] = []

    def follow(self, store: Sqlite, orders: Orders, now: datetime) -> None:
        """Do what the file says now. With a mistake in it everything stays as it was."""
        try:
            text = files.read_file(self._path) if self._path else ""
            if text == self._text:
                return
            found = silence_files.read(str(self._path), text or "silences: []", now)
            problems = [each.told for each in found.mistakes]
        except ConfigError as error:
            text, problems = "", [str(error)]
        if problems and problems == self._problems:
            return
        self._problems = problems
        for problem in problems:
            log.error("silences stay as they were", mistake=problem)
        if not problems:
            self._text = text
            follow(store, orders, found.silences, now)


def follow(store: Sqlite, orders: Orders, wanted: Sequence[Silence], now: datetime) -> None:
    """Let these silences of the file hold, and end its others."""
    hidden = {each.id: preview(store, each, now) for each in wanted}
    with store.deciding(now) as book:
        for each in book.shelf.unended():
            if each.how is How.FILE and each.id not in hidden:
                note = "it is no longer in the file"
                change = Change(now, each.id, "expired", each.author, How.FILE, note)
                end_silence(book, orders, each, change)
        for each in wanted:
            add_silence(book, orders, each, hidden[each.id])
