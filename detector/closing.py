"""What time alone brings about: silences that have become too long, windows that are over.

How far the feeds are complete is the newest honest event time of each, and what a poll proves
that read it to its end; a clock that other feeds move says nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from detector import correlating
from detector.events import FEEDS
from detector.findings import Finding
from detector.observations import Observations
from detector.rule_types.base import Moment
from detector.rulebook.book import Rulebook


def close(rulebook: Rulebook, tails: Mapping[str, Any], moment: Moment) -> list[Finding]:
    """What behaviours and correlations find at a full hour of the clock."""
    silent = [
        finding
        for entry in rulebook.waiting
        for finding in entry.behavior.close(entry.rule, moment, tails[entry.rule.id])
    ]
    found = [each for each in silent if rulebook.rules[each.rule_id].raises] if silent else []
    return found + correlating.close(rulebook, tails, moment.clock, moment.seq, silent)


class Frontier:
    """How far the feeds of a page have come at each of its rows."""

    def __init__(self, page: Observations) -> None:
        feeds = page.columns.series("event.feed")
        honest = np.where(page.time_us <= np.array(page.received), page.time_us, 0)
        self._upto = {
            feed: np.maximum.accumulate(np.where((feeds == feed).to_numpy(), honest, 0))
            for feed in FEEDS
        }

    def reach(self, complete: dict[str, int], end: int) -> None:
        """Let the feeds be complete as far as the rows before `end` say."""
        for feed, upto in self._upto.items():
            newest = int(upto[end - 1])
            if newest > complete.get(feed, 0):
                complete[feed] = newest
