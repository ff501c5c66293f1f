"""Collects what is wrong with one document while it is read.

All of it is told at once: whoever finds a mistake reads on, as if it had been mended. A misspelt key is
read under the nearest name (`Report.known_keys`), what cannot be guessed may mean anything, and nothing
is said of what is `spoilt` already. Only `Report.broken` decides in the end that nothing is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from detector.rulebook import sections
from detector.rulebook.documents import Document, Path
from detector.rulebook.mistakes import Mistake, did_you_mean, nearest, quoted
from detector.rulebook.synonyms import BELONGS

MOST_MISTAKES: Final = 50
"""Mistakes that one document may show, and warnings; a hostile file cannot keep us busy."""
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
    is_change: bool = False
    """Whether it only changes a shipped rule, and so need not be one itself."""
    _keys: set[Path] = field(default_factory=set)
    """Keys that are mistakes."""
    _values: set[Path] = field(default_factory=set)
    """Values with a mistake in them."""

    def __post_init__(self) -> None:
        """What YAML makes nothing of was told when the file was read."""
        for path in self.document.unread:
            self._spoil(path)

    @property
    def broken(self) -> bool:
        """True if the document cannot be loaded."""
        return bool(self.mistakes or self.document.unread)

    @property
    def full(self) -> bool:
        """True if no more mistakes are taken."""
        return len(self.mistakes) > MOST_MISTAKES

    def spoilt(self, path: Path, *, key: bool = False) -> bool:
        """True if something is wrong with the value at `path`, or inside of it, or with its key."""
        return path in self._values or (key and path in self._keys)

    def wrong(
        self, path: Path, text: str, fix: str = "", *, key: bool = False, about: str = ""
    ) -> None:
        """Add a mistake about the value (or key) at `path`; the text is prefixed with its name.

        `about` names the section that explains it, where `path` does not tell.
        """
        if self.full or path in self.document.unread:
            return
        _add(self.mistakes, self._mistake(path, text, fix, key, about))
        if key:
            self._keys.add(path)
        self._spoil(path[:-1] if key else path)

    def odd(
        self, path: Path, text: str, fix: str = "", *, key: bool = False, about: str = ""
    ) -> None:
        """Add a warning about the value (or key) at `path`."""
        if len(self.warnings) <= MOST_MISTAKES:
            _add(self.warnings, self._mistake(path, text, fix, key, about))

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
        """Add a mistake for every key of the mapping at `path` that is not one of `words`.

        From then on what stands under it stands under the word that was probably meant.
        """
        known = frozenset(words)
        mapping = self.at(path)
        for key in list(mapping) if isinstance(mapping, dict) else ():
            if key in known or self.full or (*path, key) in self._keys:
                continue
            home = BELONGS.get(key) if not path and not self.about else None
            close = f"it belongs under '{home}:'" if home else did_you_mean(key, known)
            fix = close or (f"one of {', '.join(sorted(known))}" if len(known) < 9 else "")
            place = f" of {_name(path)}" if path else ""
            self.wrong((*path, key), f"not a key{place}", fix, key=True, about=about)
            if home is None:
                self.mend_key((*path, key), known)

    def mend_key(self, path: Path, known: Iterable[str]) -> bool:
        """Let a misspelt key be the nearest of the `known` ones, if that is not there as well."""
        *outer, key = path
        meant = nearest(key, sorted(known))
        if meant is None or meant in self.at(tuple(outer)):
            return False
        self.document.rename(tuple(outer), str(key), meant)
        return True

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

    def _spoil(self, path: Path) -> None:
        self._values |= {path[:size] for size in range(len(path) + 1)}

    def _mistake(self, path: Path, text: str, fix: str, key: bool, about: str) -> Mistake:
        place = self.document.place(path, key=key)
        name = _name(path)
        file = self.document.file_of(path)
        about = about or self.about or sections.about(path)
        return Mistake(file, *place, f"{name}: {text}" if name else text, fix, about)


def _add(told: list[Mistake], mistake: Mistake) -> None:
    """Add one to what is told, or, after the last that is, that there is more."""
    if mistake in told:
        return
    if len(told) == MOST_MISTAKES:
        text = "and more, of which nothing is told before some are mended"
        mistake = replace(mistake, text=text, fix="")
    told.append(mistake)


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
