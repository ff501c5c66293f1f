"""What a feed served in one round, to tell when it promises more and never gives it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from detector.ports import Page

MOST_IDLE: Final = 20
"""Pages in a row that promise more and bring nothing new, after which the round ends.

The API says that a page after `has_more` may be empty; it does not say how many.
"""


@dataclass
class Trail:
    """The cursors and pages of one feed in one round."""

    _asked: set[str] = field(default_factory=set)
    _seen: set[int] = field(default_factory=set)
    _idle: int = 0

    def checked(self, asked: str | None, page: Page) -> Page:
        """The page, or the same as `stalled` where to go on would be to go round in circles."""
        self._asked.add(asked or "")
        content = hash(page.items)
        is_new = bool(page.items) and content not in self._seen
        self._seen.add(content)
        self._idle = 0 if is_new else self._idle + 1
        if page.has_more and (page.cursor in self._asked or self._idle >= MOST_IDLE):
            return replace(page, has_more=False, stalled=True)
        return page
