"""Every shipped rule as every channel shows it, kept in tests/golden.

After a wanted change: VAULTWATCH_GOLDEN=write pytest tests/test_golden.py, and read the diff.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console

from detector import files
from detector.alerts import Alert
from detector.delivery.bulletins import Message
from detector.rehearsal.play import rehearse_all
from detector.rendering import Renderer, alone, sample_messages
from detector.rulebook.loading import load

GOLDEN = Path(__file__).parent / "golden"


@cache
def messages() -> dict[str, Message]:
    """The first alert of each rule's own stories as a message, and the sample messages."""
    loaded = load(files.rules(None))
    stories = [story for story in loaded.stories if story.expect.alerts != 0]
    found: dict[str, Alert] = {}
    for verdict in rehearse_all(loaded.rulebook, stories):
        for alert in verdict.alerts:
            found.setdefault(alert.rule.name, alert)
    raising = {rule.name for rule in loaded.rulebook.rules.values() if rule.raises}
    assert raising <= set(found), raising - set(found)
    told: dict[str, Message] = {name: alone(found[name]) for name in sorted(found)}
    return told | {f"sample {name}": each for name, each in sample_messages().items()}


def slack(renderer: Renderer, message: Message) -> str:
    """Fallback and blocks, one block a line."""
    shown = renderer.slack(message, buttons=True)
    return "\n".join([shown.text, *(json.dumps(each, ensure_ascii=False) for each in shown.blocks)])


def email(renderer: Renderer, message: Message) -> str:
    """Subject and text."""
    mail = renderer.email(message)
    return f"Subject: {mail.subject}\n\n{mail.text}"


def html(renderer: Renderer, message: Message) -> str:
    """The mail's HTML without what is the same in all: styles and the frame around the card."""
    body = renderer.email(message).html.split('class="card"')[1]
    bare = re.sub(r' (?:style|width|valign|cellpadding|cellspacing|role)="[^"]*"', "", body)
    return "\n".join(line for line in bare.splitlines() if line.strip())


def console(renderer: Renderer, message: Message) -> str:
    """What a terminal shows, without colours."""
    kept = io.StringIO()
    Console(file=kept, width=100).print(renderer.console(message))
    return "\n".join(line.rstrip() for line in kept.getvalue().splitlines())


@pytest.mark.parametrize("channel", [slack, email, html, console], ids=lambda each: each.__name__)
def test_every_rule_as_the_channel_shows_it(
    renderer: Renderer, channel: Callable[[Renderer, Message], str]
) -> None:
    shown = "".join(
        f"===== {name}\n{channel(renderer, message).rstrip()}\n\n"
        for name, message in messages().items()
    )
    kept = GOLDEN / f"{channel.__name__}.txt"
    if os.environ.get("VAULTWATCH_GOLDEN") == "write":
        kept.write_text(shown, encoding="utf-8")
    assert shown == kept.read_text(encoding="utf-8")
