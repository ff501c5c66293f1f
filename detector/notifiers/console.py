"""The terminal as a destination."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.text import Text

from detector.delivery.bulletins import Bulletin
from detector.ports import Message, Receipt
from detector.rendering import Renderer, paragraphs


class Terminal:
    """Shows each message on the given console."""

    edits = False

    def __init__(self, console: Console, renderer: Renderer, *, name: str = "console") -> None:
        self.name = name
        self._console = console
        self._renderer = renderer

    def send(self, message: Message, *, key: str, again: bool) -> Receipt:  # noqa: ARG002
        """Show the message; a second time if asked again, since a terminal keeps no record."""
        self._console.print(self._shown(message))
        self._console.print()
        return Receipt(key)

    def _shown(self, message: Message) -> RenderableType:
        if isinstance(message, Bulletin):
            return self._renderer.console(message.incident.worst)
        first, *others = paragraphs(message)
        return Group(Text(first, style="bold"), *(Text(line) for line in others))
