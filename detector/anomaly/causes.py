"""What may lie behind an odd hour: features that rise together have one cause.

An explanation tells one reason for each cause; an evaluation leaves out all features of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from detector.anomaly.declaration import FEATURES

CAUSES: Final = {
    "place": ("country", "place", "network", "networks"),
    "device": ("device", "client"),
    "context": ("ratio",),
    "action": ("deed", "deeds", "privileged", "sensitive"),
    "vault": ("vault", "vaults"),
    "time": ("hour",),
    "items": ("new_items", "new_items_day", "new_items_week"),
    "volume": ("extracted", "volume"),
    "failures": ("failed", "failures", "cracked"),
    "dormancy": ("dormancy",),
}
"""By cause its features; every feature has exactly one."""

CAUSE_OF: Final = {feature: cause for cause, members in CAUSES.items() for feature in members}
"""By feature its cause."""


def cause_of(feature: str) -> str:
    """The cause of a feature; one that an analyst declared is its own."""
    return CAUSE_OF.get(feature, feature)


def rarest(features: Sequence[str], surprise: np.ndarray) -> np.ndarray:
    """The largest surprisal of each cause, from those of the features: (n, features) to (n, causes).

    Causes stand in order of their first feature.
    """
    order, starts = _by_cause(tuple(features))
    return np.asarray(np.maximum.reduceat(surprise[:, order], starts, axis=1))


@lru_cache(maxsize=64)
def _by_cause(features: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The columns of features so that those of one cause follow each other, and where each begins."""
    causes = [cause_of(name) for name in features]
    members = [
        [place for place, each in enumerate(causes) if each == cause]
        for cause in dict.fromkeys(causes)
    ]
    sizes = [0, *(len(places) for places in members[:-1])]
    return np.concatenate(members), np.cumsum(sizes)


assert sorted(CAUSE_OF) == sorted(FEATURES)
