"""What is known of the pairs of a page: looked up once for all the rows that show one."""

from __future__ import annotations

import numpy as np

from detector.ledger import Ledger
from detector.observations import Observations


class Known:
    """The facts behind the pairs of a page, as they stand.

    What was not known is looked up anew for each hour of the clock: see `meet`.
    """

    def __init__(self, page: Observations, ledger: Ledger) -> None:
        self._page, self._ledger = page, ledger
        self._forget()

    def meet(self, start: int, end: int) -> None:
        """Let what rows show be known as it is now; it stays so until facts settle."""
        if self._edition is not self._ledger.edition:
            self._forget()
        present = np.unique(self._page.who[start:end])
        present = present[present >= 0]
        strangers = present[self.numbers[present] < 0]
        names = [self._page.names[place] for place in strangers.tolist()]
        self.numbers[strangers] = self._ledger.numbers(names)
        shown = self._page.pairs.at[:, start:end].ravel()
        shown = shown[shown >= 0]
        unknown = np.unique(shown[self.days(shown) == 0])
        pairs, places = self._page.pairs, unknown.tolist()
        self.things[unknown], self.lines[unknown] = self._ledger.look_up(
            self.numbers[pairs.who[unknown]],
            pairs.kinds[unknown].tolist(),
            [pairs.values[place] for place in places],
        )

    def days(self, pairs: np.ndarray) -> np.ndarray:
        """On how many distinct prior days each pair was shown, 0 if it is not known."""
        lines = self.lines[pairs]
        found = np.zeros(len(lines), dtype=np.int64)
        known = lines >= 0
        found[known] = self._ledger.table["days"][lines[known]]
        return found

    def crowds(self, pairs: np.ndarray) -> np.ndarray:
        """How many people are known to show the value of each pair."""
        return self._ledger.crowds(self.things[pairs])

    def _forget(self) -> None:
        count, people = len(self._page.pairs), len(self._page.names)
        self._edition = self._ledger.edition
        self.numbers = np.full(people, -1, dtype=np.int64)
        """The ledger's number of each of the page's people, -1 for those it does not know."""
        self.things = np.full(count, -1, dtype=np.int64)
        self.lines = np.full(count, -1, dtype=np.int64)
        """The line of each pair's fact in the ledger, -1 if there is none."""
