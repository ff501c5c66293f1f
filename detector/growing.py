"""Arrays that grow at their ends: there is as much room again each time that there is none left."""

from __future__ import annotations

from typing import Final

import numpy as np

LEAST_ROOM: Final = 1024


class Growing:
    """An array of which the first rows are in use: `rows`. What is new in it is 0."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = self._space = rows

    def grow(self, count: int) -> np.ndarray:
        """Let so many rows be in use, if it is more than now; returns those that are new."""
        used = len(self.rows)
        if count > len(self._space):
            room = max(LEAST_ROOM, 2 * len(self._space), count)
            space = np.zeros((room, *self._space.shape[1:]), dtype=self._space.dtype)
            space[:used] = self.rows
            self._space = space
        self.rows = self._space[: max(used, count)]
        return self.rows[used:]
