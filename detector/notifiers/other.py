"""Any other channel, by Apprise: the text of the mail and nothing else; an optional dependency.

Apprise tells only whether it worked, and what it does to text differs by channel: so every
character that some channel takes for markup or a mention is replaced by one that looks alike.
Not for Slack, which it would send live mentions to.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from detector.ports import Attempt, DeliveryError, Message, Receipt
from detector.rendering import Renderer, TemplateError, paragraphs
from detector.rendering.text import shorten

MOST_TEXT: Final = 3_500
OWN: Final = {"slack": "[slack]", "mailto": "[email]", "mailtos": "[email]"}
"""Schemes for which there is something better here."""
_TWINS: Final = str.maketrans(
    {"<": "\u2039", ">": "\u203a", "[": "(", "]": ")", "*": "\u2217", "`": "\u02cb", "~": "\u223c"}
)
_MENTION: Final = re.compile(r"@(?=everyone|here|channel|all\b|room)", re.IGNORECASE)


class Other:
    """One Apprise URL, which is the secret. Raises ValueError where it cannot be used.

    `notice` is told what went wrong although the message was sent.
    """

    edits = False

    def __init__(
        self,
        url: str,
        renderer: Renderer,
        *,
        name: str = "other",
        notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        scheme = url.partition("://")[0].casefold()
        if scheme in OWN:
            raise ValueError(
                f"{scheme}:// is better served by {OWN[scheme]}, which is safe and edits"
            )
        self.name = name
        self._renderer = renderer
        self._notice = notice
        self._channel = _channel(url)

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Send its text. Nothing can be looked up there: a repeat may be a double."""
        try:
            mail = self._renderer.email(message)
            title, body = mail.subject, mail.text
        except TemplateError as problem:
            self._notice(f"{self.name}: sent without its template: {problem}")
            title, *rest = paragraphs(message)
            body = "\n".join(rest) or title
        done = self._channel.notify(
            harmless(body), title=harmless(title), body_format="text", interpret_escapes=False
        )
        if not done:
            raise DeliveryError(f"{self.name}: Apprise could not send it", ambiguous=True)
        return Receipt(attempt.key)


def harmless(text: str) -> str:
    """Text that no channel takes for markup, a link or a mention.

    >>> harmless("[x](y) <@U1> ana@acme.example")
    '(x)(y) \u2039@U1\u203a ana@acme.example'
    """
    return shorten(_MENTION.sub("\uff20", text.translate(_TWINS)), MOST_TEXT)


def _channel(url: str) -> Any:
    try:
        import apprise
    except ImportError as error:
        msg = "Apprise is not installed; run pip install 'vaultwatch[apprise]'"
        raise ValueError(msg) from error
    made = apprise.Apprise()
    if not made.add(url):
        msg = "this is no URL that Apprise knows; see its pages for how each channel is written"
        raise ValueError(msg)
    return made
