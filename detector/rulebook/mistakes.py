"""A mistake in a rule file: where it is, what is wrong, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from detector.rulebook import synonyms

LONGEST_WORD: Final = 80
"""Characters of a rule file's own words that a mistake repeats."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong, at its exact place (line and column count from 1)."""

    file: str
    line: int
    column: int
    text: str
    fix: str = ""
    about: str = ""
    """Page and anchor of the reference that explain it, as `language.md#level`."""

    def __str__(self) -> str:
        """One line, as compilers write it."""
        fix = f"; {self.fix}" if self.fix else ""
        return f"{self.file}:{self.line}:{self.column}: {self.text}{fix}"

    @property
    def told(self) -> str:
        """The same line, with the name that `vaultwatch rules reference` knows its section by."""
        name = self.about.partition("#")[2]
        return f"{self} [{name}]" if name else str(self)


def quoted(word: object) -> str:
    r"""A word of the file in quotes: one line, not too long.

    >>> quoted("hi\nhg")
    "'hi\\nhg'"
    """
    text = str(word)
    return repr(text if len(text) <= LONGEST_WORD else text[:LONGEST_WORD] + "…")


def nearest(word: object, words: Iterable[str]) -> str | None:
    """The word of `words` that was probably meant: what others call so, or one that is close.

    >>> nearest("hihg", ["low", "high"]), nearest("severity", ["level", "title"])
    ('high', 'level')
    """
    if not isinstance(word, str) or len(word) > LONGEST_WORD:
        return None
    return _nearest(word.lower(), tuple(words))


@lru_cache(maxsize=1_024)
def _nearest(word: str, words: tuple[str, ...]) -> str | None:
    """The same mistake is often made in many files."""
    if (meant := synonyms.ours(word, words)) is not None:
        return meant
    known = {known.lower(): known for known in words}
    # To difflib two letters in the wrong order are far apart.
    if turned := next((each for each in known if sorted(each) == sorted(word)), None):
        return known[turned]
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return known[close[0]] if close else None


def did_you_mean(word: object, words: Iterable[str]) -> str:
    """The fix that names the nearest of `words`; empty if none is close."""
    close = nearest(word, words)
    return f"did you mean {close!r}?" if close else ""
