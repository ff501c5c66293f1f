"""What may lie behind an odd hour: features that rise together have one cause.

An explanation tells one reason for each cause; an evaluation leaves out all features of one.
"""

from __future__ import annotations

from typing import Final

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


assert sorted(CAUSE_OF) == sorted(FEATURES)
