"""Words that an attacker may have written, made harmless for each output.

Every value that reaches a reader passes through `clean`, and then through the escaping of
its output. The order matters: what is invisible goes first, so that it cannot hide markup.
"""

from __future__ import annotations

import re

LONGEST = 2000
ELLIPSIS = "…"

_QUOTE = "\u2039"  # looks like `<`, and starts nothing

# Letters by category, yet they show nothing: fillers, the blank braille cell, variation marks.
_BLANKS = dict.fromkeys(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10)]
)
# Slack has no escape for these; the twins look alike. An underscore is left: names need it.
_TWINS = str.maketrans({"*": "\u2217", "`": "\u02cb", "~": "\u223c"})
_TOKEN = re.compile(r"<(?=[!@#/]|[A-Za-z][\w+.-]*:)")
_LINK = re.compile(r"h(?=t+ps?://)tt", re.IGNORECASE)
_TORN = re.compile(r"(&[a-z]{0,4}|<[^>]*)$")


class Ready(str):
    """Text that has been made harmless for its output already; `finalize` lets it pass."""

    __slots__ = ()


def clean(value: object) -> str:
    r"""One visible line: no control, bidi, zero-width or filler characters, no line breaks.

    >>> clean("a\x1b[31m\u202eb\u200b\r\nBcc: c")
    'a[31mb Bcc: c'
    """
    text = str(value)[: 4 * LONGEST].translate(_BLANKS)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " * c.isspace() for c in text)
    return shorten(" ".join(text.split()), LONGEST)


def defang(text: str) -> str:
    """Write links as analysts do, so that no client makes them clickable.

    >>> defang("see https://evil.example")
    'see hxxps://evil.example'
    """
    return _LINK.sub("hxx", text)


def plain(value: object) -> str:
    """For outputs that show text as it stands: no token of Slack, tag or link survives.

    >>> plain("<!here> 2 < 3").isascii(), plain("2 < 3")
    (False, '2 < 3')
    """
    return _TOKEN.sub(_QUOTE, defang(clean(value)))


def authored(value: object) -> str:
    """For words of the rule itself in the same outputs: a link in them may stay a link."""
    return _TOKEN.sub(_QUOTE, clean(value))


def mrkdwn(value: object) -> str:
    """For Slack's markup: what can start a token is an entity, what can start a style a twin."""
    return escape(defang(clean(value))).translate(_TWINS)


def escape(text: str) -> str:
    """Escape what Slack says to escape, and only that."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut with an ellipsis; never inside an entity or a token.

    >>> shorten("one two", 5)
    'one…'
    """
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    return _TORN.sub("", kept).rstrip() + ELLIPSIS
