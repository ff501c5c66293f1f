"""The terminal: calm to read, and no event can drive it."""

from __future__ import annotations

import dataclasses
import io

import pytest
from inline_snapshot import snapshot
from rich.console import Console

from detector.alerts import Alert
from detector.notifiers.console import Terminal
from detector.ports import Attempt
from detector.rendering import Renderer
from detector.rendering.samples import impossible_travel, simple_match
from tests.fakes import bulletin


def shown(renderer: Renderer, alert: Alert, *, width: int = 100, colour: bool = False) -> str:
    """What the terminal shows."""
    screen = io.StringIO()
    console = Console(
        file=screen,
        width=width,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
    )
    receipt = Terminal(console, renderer).send(bulletin(alert), Attempt("k"))
    assert receipt.message_id == "k"
    return screen.getvalue()


def test_an_alert_in_the_terminal(renderer: Renderer) -> None:
    lines = [line.rstrip() for line in shown(renderer, impossible_travel()).splitlines()]
    assert "\n".join(lines) == snapshot("""\
▌
▌  HIGH   Impossible travel  score 73
▌ Ana Diaz signed in from Lagos 61 minutes after signing in from Toronto, 9,041 km away.
▌
▌ Who           Ana Diaz (ana.diaz@acme.example)
▌ When          Sat 14 Mar 2026, 10:02 UTC · 06:02 Toronto time
▌ From          Toronto, CA
▌ To            Lagos, NG
▌ Distance      9,041 km
▌ Speed needed  8,893 km/h
▌ Address       198.51.100.24
▌ Device        Windows PC
▌ App           1Password for Web 8.10
▌
▌ Why this fired
▌ + No airliner flies at 8,893 km/h.
▌ + Ana was never seen in Nigeria in 90 days.
▌ + The device in Lagos is new for Ana; the one in Toronto has been hers since May.
▌
▌ What speaks against it
▌ - The address in Lagos belongs to a hosting company, so it may be a VPN.
▌
▌ What to do next
▌ 1. Call Ana: did she sign in from Lagos or through a VPN?
▌ 2. If not: suspend the account and end its sessions in 1Password.
▌ 3. See what the Lagos session opened, and rotate those items.
▌
▌ b7ldwhlmfgipndfiaweo7d4cck · impossible_travel · 2 events in 61 min · acme
▌
""")


def test_a_level_is_a_word_and_a_colour(renderer: Renderer) -> None:
    assert "\x1b[" in shown(renderer, impossible_travel(), colour=True)
    assert " HIGH " in shown(renderer, impossible_travel())


@pytest.mark.parametrize("width", [30, 60, 96, 200])
def test_no_line_is_longer_than_the_terminal(renderer: Renderer, width: int) -> None:
    assert max(map(len, shown(renderer, impossible_travel(), width=width).splitlines())) <= width


def test_no_event_drives_the_terminal(renderer: Renderer) -> None:
    attack = "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\ [bold red]x[/] \x1b[2J"
    text = shown(renderer, dataclasses.replace(simple_match(), summary=attack), colour=True)
    assert "\x1b]" not in text
    assert "\x1b[2J" not in text
    assert "[bold red]x[/]" in text
