"""Every message in plain words: what is sent where no template speaks, or one is broken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from detector.alerts import Alert
from detector.delivery.bulletins import Bulletin, Message, Notice
from detector.rendering.text import escape, plain, shorten
from detector.rendering.view import utc

MOST_TEXT: Final = 3_500
"""Slack wants messages under 4,000 characters."""


def sentence(alert: Alert) -> str:
    """The alert in plain words: what is sent when a template is broken or refused."""
    level, when = alert.level.capitalize(), utc(alert.time)
    return plain(f"{level}: {alert.summary} ({when}; {alert.rule.title}; {alert.id})")


def escaped_sentence(alert: Alert) -> str:
    """The same for Slack."""
    return escape(sentence(alert))


def title(message: Message) -> str:
    """One line that says what the message is about."""
    if isinstance(message, Bulletin):
        return sentence(message.incident.worst)
    return plain(message.title) or "Vaultwatch"


def paragraphs(message: Message) -> tuple[str, ...]:
    """The message in lines of plain words, its title first; no markup of any kind in them."""
    return (title(message), *(plain(line) for line in _lines(message)))


def escaped_text(message: Message) -> str:
    """The whole message as Slack's text, escaped, and cut where it grows too long."""
    return shorten("\n".join(escape(line) for line in paragraphs(message)), MOST_TEXT)


def _lines(message: Message) -> Iterable[str]:
    if isinstance(message, Bulletin):
        yield from message.changes
    elif isinstance(message, Notice):
        yield from message.lines
    else:
        yield message.summary
        for section in message.sections:
            yield f"{section.title}:"
            yield from (f"- {line}" for line in section.lines)
