"""Texts with wildcards, looked for piece by piece: no text can make the search go back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detector.rulebook.conditions import Glob, Wildcard


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stands between two stars: words at their places, and any one letter elsewhere."""

    words: tuple[tuple[int, str], ...]
    length: int

    def is_at(self, text: str, at: int) -> bool:
        whole = 0 <= at <= len(text) - self.length
        return whole and all(text.startswith(word, at + place) for place, word in self.words)

    def end(self, text: str, at: int) -> int:
        """Where the first such piece from `at` on ends; -1 if there is none."""
        if not self.words:
            return at + self.length if self.is_at(text, at) else -1
        place, word = self.words[0]
        while (found := text.find(word, at + place)) >= 0:
            at = found - place
            if self.is_at(text, at):
                return at + self.length
            at += 1
        return -1


def shaped(glob: Glob) -> Callable[[str], bool]:
    """Whether a whole text has the shape of a glob.

    >>> holds = shaped(("a", Wildcard.MANY, "b", Wildcard.ONE))
    >>> holds("axxbc"), holds("ab")
    (True, False)
    """
    first, *rest = _pieces(glob)

    def holds(text: str) -> bool:
        if not first.is_at(text, 0):
            return False
        at = first.length
        if not rest:
            return at == len(text)
        for piece in rest[:-1]:
            at = piece.end(text, at)
            if at < 0:
                return False
        last = len(text) - rest[-1].length
        return last >= at and rest[-1].is_at(text, last)

    return holds


def _pieces(glob: Glob) -> list[_Piece]:
    pieces: list[_Piece] = []
    words: list[tuple[int, str]] = []
    length = 0
    for part in (*glob, Wildcard.MANY):
        if part is Wildcard.MANY:
            pieces.append(_Piece(tuple(words), length))
            words, length = [], 0
        elif isinstance(part, str):
            words.append((length, part))
            length += len(part)
        else:
            length += 1
    return pieces
