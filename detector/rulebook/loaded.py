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
class Loaded:
    """What came of the texts: `documents` were found, `loaded` of them are at work."""

    rulebook: Rulebook
    stories: tuple[Story, ...]
    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]
    documents: int
    loaded: int
    exemptions: tuple[Exemption, ...] = ()
    """The filters, also those that have expired."""

    @property
    def ages(self) -> bool:
        """Whether another day may make something else of the same texts."""
        return any(each.expires for each in self.exemptions)
