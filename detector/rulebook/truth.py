"""Conditions of temporal correlations in words: `a and not (b or c)`, as a truth table."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

LONGEST: Final = 2_000
DEEPEST: Final = 12
_TOKEN: Final = re.compile(r"\s*(?:(\(|\))|([A-Za-z0-9_.-]+))")
_WORDS: Final = frozenset({"and", "or", "not", "(", ")", ""})

Seen = Callable[[int], bool]
"""Whether a condition accepts a set of rules, as a bit mask over their places."""


class Unreadable(Exception):
    """A condition cannot be read; the text says where and why."""


def names(text: str) -> list[str]:
    """The rules that a condition names, in order. Raises Unreadable."""
    return list(dict.fromkeys(word for word in _tokens(text) if word not in _WORDS))


def read(text: str, rules: Sequence[str]) -> Seen:
    """The condition as a question about a mask over `rules`. Raises Unreadable.

    >>> accepts = read("a and not (b or c)", ["a", "b", "c"])
    >>> accepts(0b001), accepts(0b011)
    (True, False)
    """
    reader = _Reader(_tokens(text), rules)
    accepts = reader.either()
    if reader.word:
        msg = f"cannot be read from {reader.word!r} on"
        raise Unreadable(msg)
    return accepts


def _tokens(text: str) -> list[str]:
    if len(text) > LONGEST or text.count("(") > DEEPEST:
        msg = f"too long: at most {LONGEST} characters, {DEEPEST} brackets"
        raise Unreadable(msg)
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            msg = f"cannot be read after character {at}"
            raise Unreadable(msg)
        tokens.append(match[1] or match[2])
        at = match.end()
    return [token.lower() if token.lower() in _WORDS else token for token in tokens]


class _Reader:
    """Reads tokens from left to right; `not` binds tighter than `and`, `and` than `or`."""

    def __init__(self, tokens: list[str], rules: Sequence[str]) -> None:
        self._tokens = tokens[::-1]
        self._rules = rules

    @property
    def word(self) -> str:
        """The next token; empty at the end."""
        return self._tokens[-1] if self._tokens else ""

    def either(self) -> Seen:
        """Parts joined by `or`."""
        parts = [self._both()]
        while self.word == "or":
            self._tokens.pop()
            parts.append(self._both())
        return lambda seen: any(part(seen) for part in parts)

    def _both(self) -> Seen:
        parts = [self._one()]
        while self.word == "and":
            self._tokens.pop()
            parts.append(self._one())
        return lambda seen: all(part(seen) for part in parts)

    def _one(self) -> Seen:
        denied = False
        while self.word == "not":
            self._tokens.pop()
            denied = not denied
        part = self._bracketed() if self.word == "(" else self._rule()
        return (lambda seen: not part(seen)) if denied else part

    def _bracketed(self) -> Seen:
        self._tokens.pop()
        part = self.either()
        if self.word != ")":
            msg = "a bracket is not closed"
            raise Unreadable(msg)
        self._tokens.pop()
        return part

    def _rule(self) -> Seen:
        word = self.word
        if word in _WORDS:
            msg = f"a rule is missing before {word!r}" if word else "a rule is missing at the end"
            raise Unreadable(msg)
        self._tokens.pop()
        if word not in self._rules:
            msg = f"{word!r} is not one of the rules it looks at"
            raise Unreadable(msg)
        place = self._rules.index(word)
        return lambda seen: bool(seen >> place & 1)
