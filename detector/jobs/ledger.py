"""The coverage ledger of one round: from where each feed's chain comes, and how far it got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from detector.coverage import POSSIBLE, Coverage, Gap, Interval, Reading, read_to_the_end


@dataclass(frozen=True)
class Proof:
    """What a commit may say of the feeds whose rows are all in it or before it."""

    covered: Mapping[str, Interval] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()


NOTHING: Final = Proof()
CATCH_UP: Final = timedelta(hours=1)
"""After a longer outage, what happened in it is told as one digest."""


@dataclass
class _Chain:
    """A feed in this round: what was proven before, what is proven now."""

    interval: Interval
    gaps: tuple[Gap, ...] = ()
    moved: bool = False


class Ledger:
    """What one round proves. `reasons` say by feed why it was not read before this round."""

    def __init__(
        self,
        stored: Mapping[str, Coverage],
        begun: datetime,
        patience: timedelta,
        reasons: Mapping[str, str],
    ) -> None:
        self._begun, self._patience, self._reasons = begun, patience, reasons
        self._chains = {
            feed: _Chain(each.intervals[-1]) for feed, each in stored.items() if each.intervals
        }

        ends = [chain.interval for chain in self._chains.values()]
        self._behind = min((each.end for each in ends if each.end > each.start), default=begun)

    def is_live(self, feed: str) -> bool:
        """Whether a feed was complete a short while ago: its pages enter as they come."""
        chain = self._chains.get(feed)
        return chain is not None and chain.interval.end >= self._begun - CATCH_UP

    def is_catch_up(self, time: datetime) -> bool:
        """Whether an event of that time is told as one of a long outage, and not as news."""
        longest = self._begun - CATCH_UP
        return self._behind < longest and time < longest

    def began(self, feed: str, since: datetime, refused: str = "") -> None:
        """A new chain starts at `since`: the feed's first, or one in place of a refused cursor."""
        old = self._chains.get(feed)
        if old is None:
            self._chains[feed] = _Chain(Interval(since, since), moved=True)
        elif refused:
            maybe = Gap(feed, old.interval.end, self._begun, f"{POSSIBLE}: {refused}")
            old.gaps, old.moved = (*old.gaps, maybe), True

    def drained(self, feed: str, asked: datetime) -> None:
        """The feed was read to its end, the last page asked for at `asked`."""
        chain = self._chains.setdefault(feed, _Chain(Interval(self._begun, self._begun)))
        why = self._reasons.get(feed, "not polled")
        reading = Reading(self._begun, asked, why, self._patience)
        chain.interval, found = read_to_the_end(feed, chain.interval, reading)
        named = {gap.start for gap in chain.gaps}
        chain.gaps += tuple(gap for gap in found if gap.lost or gap.start not in named)
        chain.moved = True

    def proof(self, feeds: Iterable[str]) -> Proof:
        """What is new about these feeds; it is said once."""
        moved = {
            feed: chain
            for feed in feeds
            if (chain := self._chains.get(feed)) is not None and chain.moved
        }
        gaps = tuple(gap for chain in moved.values() for gap in chain.gaps)
        covered = {feed: chain.interval for feed, chain in moved.items()}
        for chain in moved.values():
            chain.moved, chain.gaps = False, ()
        return Proof(covered, gaps)
