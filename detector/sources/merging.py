"""Merging the feeds: by event time, with the order inside each feed kept.

A late item waits for nobody, and a single future-dated item holds nothing back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

AHEAD_US: Final = 3_600_000_000
"""An item more than this ahead of most that come after it is future-dated."""
LOOK_AHEAD: Final = 32


def keys(times: np.ndarray) -> np.ndarray:
    """Arrival as far as event times tell: the latest time so far, future-dated items left out.

    Times in microseconds, in order of arrival.

    >>> hour = 3_600_000_000
    >>> (keys(np.array([1, 9, 2, 3, 3, 4]) * hour) // hour).tolist()
    [1, 1, 2, 3, 3, 4]
    """
    if not len(times):
        return times
    padded = np.concatenate((times, np.full(LOOK_AHEAD, np.iinfo(np.int64).max)))
    later = np.lib.stride_tricks.sliding_window_view(padded, LOOK_AHEAD + 1)[: len(times), 1:]
    exist = np.minimum(LOOK_AHEAD, len(times) - 1 - np.arange(len(times)))
    behind = (later < (times - AHEAD_US)[:, None]).sum(axis=1)
    honest = np.where((behind * 2 > exist) & (exist > 0), np.iinfo(np.int64).min, times)
    if honest[0] == np.iinfo(np.int64).min:
        honest[0] = times.min()
    return np.asarray(np.maximum.accumulate(honest))


def order(feeds: Sequence[np.ndarray]) -> np.ndarray:
    """Positions in the concatenated feeds by key; ties go by feed, then by order of arrival."""
    merged = np.concatenate(feeds) if feeds else np.empty(0, dtype=np.int64)
    feed_of = np.concatenate([np.full(len(key), place) for place, key in enumerate(feeds)])
    within = np.concatenate([np.arange(len(key)) for key in feeds])
    return np.lexsort((within, feed_of, merged))
