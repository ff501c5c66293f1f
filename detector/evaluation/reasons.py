"""Whether the reasons of an alert name what the attack did.

What each kind of attack does that its victim does not is stated here by hand, from the scripts of
the simulator: the figures say whether a person is pointed at the attack, not more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from detector.anomaly import model
from detector.anomaly.causes import cause_of
from detector.anomaly.explanation import LEAST_SURPRISE, MOST_REASONS
from detector.evaluation.contest import Watched, weeks

_READS: Final = frozenset({"items", "volume", "vault"})
TRUE_CAUSES: Final[dict[str, frozenset[str]]] = {
    "account_takeover": _READS | {"place", "device"},
    "dormant_revived": _READS | {"place", "device", "dormancy", "action"},
    "mass_reveal": _READS,
    "mfa_fatigue": _READS | {"place", "device", "failures"},
    "new_device": _READS | {"place", "device", "action"},
    "night_admin": frozenset({"time", "action"}),
    "password_spray": _READS | {"place", "device", "failures"},
    "self_grant": _READS | {"action"},
    "session_theft": _READS | {"place", "action"},
    "slow_exfiltration": _READS,
    "swapped_people": _READS | {"place", "device", "time", "action"},
    "token_abuse": _READS | {"place", "device", "time"},
    "weakened_policy": frozenset({"place", "device", "action", "time"}),
}
"""By kind of attack the causes that are right to name."""
_CONTEXT: Final = ("country", "network", "device", "client")
"""What a likelihood ratio is told as: the rarest of these."""


@dataclass(frozen=True, slots=True)
class Named:
    """Of so many attacks that alerted, how many had a true cause first, and among the first three."""

    first: int
    among: int
    of: int


def named(watched: Watched, threshold: float) -> Named:
    """The reasons of the first row over the model's threshold that names each attack."""
    first: dict[int, list[str]] = {}
    for lesson, part in weeks(watched):
        trained = model.train(lesson.features, watched.declaration)
        if trained is None:
            continue
        scores, surprise = trained.score(part.features)
        for place in np.flatnonzero(scores >= threshold).tolist():
            for attack in part.attacks[place]:
                first.setdefault(attack, told(trained.features, surprise[place]))
    right = [
        [cause in TRUE_CAUSES[watched.attacks[attack].kind] for cause in causes]
        for attack, causes in first.items()
        if watched.attacks[attack].kind in TRUE_CAUSES
    ]
    return Named(
        first=sum(each[:1] == [True] for each in right),
        among=sum(any(each) for each in right),
        of=len(right),
    )


def told(features: Sequence[str], surprise: np.ndarray) -> list[str]:
    """The causes that an alert would tell, rarest first: one reason a cause, three at most."""
    of = dict(zip(features, surprise.tolist(), strict=True))
    found: list[str] = []
    for name in sorted(of, key=lambda name: -of[name]):
        meant = name
        if name == "ratio":
            meant = max(_CONTEXT, key=lambda each: of.get(each, 0.0))
        cause = cause_of(meant)
        if of[name] >= LEAST_SURPRISE and cause not in found:
            found.append(cause)
    return found[:MOST_REASONS]
