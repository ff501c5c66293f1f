"""The terminal as a destination."""

from __future__ import annotations

from rich.console import Console

from detector.ports import Attempt, Message, Receipt
from detector.rendering import Renderer


class Terminal:
    """Shows each message on the given console."""

    edits = False

    def __init__(self, console: Console, renderer: Renderer, *, name: str = "console") -> None:
        self.name = name
        self._console = console
        self._renderer = renderer

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Show the message; a second time if asked again, since a terminal keeps no record."""
        self._console.print(self._renderer.console(message))
        self._console.print()
        return Receipt(attempt.key)
