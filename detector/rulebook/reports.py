"""Collects what is wrong with one document while it is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from detector.rulebook import sections
from detector.rulebook.documents import Document, Path
from detector.rulebook.mistakes import Mistake, did_you_mean, quoted
from detector.rulebook.synonyms import BELONGS

MOST_MISTAKES: Final = 50
"""Mistakes that one document may show; a hostile file cannot keep us busy."""
MOST_GUESSES: Final = 200
"""Words that may turn out to be no mistake, for which a document has the nearest looked up."""


@dataclass(slots=True)
class Report:
    """The mistakes of a document (it is not loaded) and the warnings (it is)."""

    document: Document
    mistakes: list[Mistake] = field(default_factory=list)
    warnings: list[Mistake] = field(default_factory=list)
    guesses: int = 0
    about: str = ""
    """What the whole document is about, if it is no rule."""

    @property
    def broken(self) -> bool:
        """True if the document cannot be loaded."""
        return bool(self.mistakes)

    @property
    def full(self) -> bool:
        """True if no more mistakes are taken."""
        return len(self.mistakes) + len(self.warnings) >= MOST_MISTAKES

    def wrong(
        self, path: Path, text: str, fix: str = "", *, key: bool = False, about: str = ""
    ) -> None:
        """Add a mistake about the value (or key) at `path`; the text is prefixed with its name.

        `about` names the section that explains it, where `path` does not tell.
        """
        if not self.full:
            self.mistakes.append(self._mistake(path, text, fix, key, about))

    def odd(
        self, path: Path, text: str, fix: str = "", *, key: bool = False, about: str = ""
    ) -> None:
        """Add a warning about the value (or key) at `path`."""
        if not self.full:
            self.warnings.append(self._mistake(path, text, fix, key, about))

    def guess(self, word: Any, words: Iterable[str]) -> str:
        """The fix that names the nearest of `words`; empty if none is close, or after too many."""
        self.guesses += 1
        return did_you_mean(word, words) if self.guesses <= MOST_GUESSES else ""

    def not_one_of(
        self, path: Path, word: Any, what: str, words: Iterable[str], *, about: str = ""
    ) -> None:
        """Add the mistake that `word` is not `what`, with the nearest of `words`."""
        if self.full:
            return
        known = sorted(words)
        fix = did_you_mean(word, known) or (f"one of {', '.join(known)}" if len(known) < 9 else "")
        self.wrong(path, f"{quoted(word)} is not {what}", fix, about=about)

    def known_keys(self, path: Path, words: Iterable[str], *, about: str = "") -> None:
        """Add a mistake for every key of the mapping at `path` that is not one of `words`."""
        known = frozenset(words)
        mapping = self.at(path)
        for key in mapping if isinstance(mapping, dict) else ():
            if key not in known and not self.full:
                home = BELONGS.get(key) if not path and not self.about else None
                close = f"it belongs under '{home}:'" if home else did_you_mean(key, known)
                fix = close or (f"one of {', '.join(sorted(known))}" if len(known) < 9 else "")
                place = f" of {_name(path)}" if path else ""
                self.wrong((*path, key), f"not a key{place}", fix, key=True, about=about)

    def at(self, path: Path) -> Any:
        """The value at `path`; null if there is none."""
        value: Any = self.document.value
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def text(self, path: Path) -> str:
        """The text at `path`; empty, and a mistake, if it is something else."""
        value = self.at(path)
        if value is None or isinstance(value, str):
            return value or ""
        what = "a mapping" if isinstance(value, dict) else quoted(value)
        self.wrong(path, f"{what} is not a text", "put it in quotes")
        return ""

    def texts(self, path: Path) -> tuple[str, ...]:
        """The list of texts at `path`; one text stands for a list of one."""
        value = self.at(path)
        if value is None:
            return ()
        if not isinstance(value, list):
            text = self.text(path)
            return (text,) if text else ()
        return tuple(text for index in range(len(value)) if (text := self.text((*path, index))))

    def _mistake(self, path: Path, text: str, fix: str, key: bool, about: str) -> Mistake:
        place = self.document.place(path, key=key)
        name = _name(path)
        file = self.document.file_of(path)
        about = about or self.about or sections.about(path)
        return Mistake(file, *place, f"{name}: {text}" if name else text, fix, about)


def _name(path: Path) -> str:
    """The last words of a path, as a person would say them: `events[0].user`."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            word = step if step.isprintable() and len(step) <= 80 else quoted(step)
            name += f".{word}" if name else word
    return name
