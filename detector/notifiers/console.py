"""The terminal as a destination."""

from __future__ import annotations

from rich.console import Console

from detector.alerts import Alert
from detector.ports import Receipt
from detector.rendering import Renderer


class Terminal:
    """Shows each alert on the given console."""

    def __init__(self, console: Console, renderer: Renderer, *, name: str = "console") -> None:
        self.name = name
        self._console = console
        self._renderer = renderer

    def send(self, alert: Alert, *, key: str, again: bool) -> Receipt:  # noqa: ARG002
        """Show the alert; a second time if asked again, since a terminal keeps no record."""
        self._console.print(self._renderer.console(alert))
        self._console.print()
        return Receipt(key)
