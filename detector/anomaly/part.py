"""The rows of a page within one hour, as open hours take them in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detector.anomaly.own_rows import Shown
from detector.noting import News
from detector.observations import Observations


@dataclass(frozen=True, slots=True)
class Part:
    """Rows `start` to `end` of a page, and what is new in them. Only prompt rows count.

    `rows` are those that do, ascending, and `owners` the lines of their people. `news` are the
    values that they show first in the hour, `places` the news' positions in `rows`, `surprise`
    the news' surprisals. `active` are the active days of each of the page's people.
    """

    page: Observations
    start: int
    end: int
    rows: np.ndarray
    owners: np.ndarray
    news: News
    places: np.ndarray
    surprise: np.ndarray
    active: np.ndarray
    own: Shown | None = None
    """What the rows show of declared features, if there are any."""

    def owners_of(self, rows: np.ndarray) -> np.ndarray:
        """The lines of the people of some of the rows."""
        return self.owners[np.searchsorted(self.rows, rows)]
