"""What came of rule files: the rulebook, the stories, the exceptions and every mistake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from detector.rulebook.book import Rulebook
from detector.rulebook.mistakes import Mistake
from detector.rulebook.stories import Story


@dataclass(frozen=True, slots=True)
class Exemption:
    """A filter as people are shown it: what it exempts, until when, and whether that is over."""

    title: str
    rules: str
    expires: date | None
    over: bool
    file: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """One change of a shipped rule: where it stands, and whether it still fits its base."""

    rule: str
    """Name of the shipped rule."""
    place: str
    """File and line of the document that changes it."""
    changes: tuple[str, ...]
    """The keys that it changes; none if it takes the place of the whole rule."""
    base: str
    """The version of the shipped rule as it is now."""
    written_for: str
    """The version for which the change was written, empty if nobody said."""

    @property
    def fits(self) -> bool:
        """False if the shipped rule has changed since."""
        return self.written_for in {"", self.base}

    def __str__(self) -> str:
        """One line for people."""
        what = f"changes {', '.join(self.changes)} of" if self.changes else "takes the place of"
        hint = (
            ""
            if self.written_for
            else f"; write 'base: {self.base}' to hear of changes of the pack"
        )
        return f"{self.place}: {what} {self.rule}{hint}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of the texts: `documents` were found, `loaded` of them without a mistake."""

    rulebook: Rulebook
    stories: tuple[Story, ...]
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]
    documents: int
    loaded: int
    exemptions: tuple[Exemption, ...] = ()
    """The filters, also those that have expired."""
    overlays: tuple[Overlay, ...] = ()
    """What was changed of the shipped pack."""

    @property
    def ages(self) -> bool:
        """Whether another day may make something else of the same texts."""
        return any(each.expires for each in self.exemptions)
