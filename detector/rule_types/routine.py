"""Routine: what the person at hand is known to do, on a known device and in a known country.

A rule on single events cannot tell an administrator's daily work from the same done with a stolen
session. The facts can: `alert: {routine: ...}` in the rule says which of them make it daily work.
The hour is not asked: what is done at night, `off_hours` tells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from detector import actions
from detector.findings import Finding, Level
from detector.observations import DEED
from detector.rule_types.base import Scene
from detector.rule_types.novelty import NAMES, is_new

SAME_DAYS: Final = 3
"""What was done on so many days before is routine (as with places: seen on 3 days is familiar)."""
ADMINISTRATION_DAYS: Final = 5
"""Whose privileged changes were on so many days, each kind of change counted for itself, administers."""
SURROUNDINGS: Final = ("source.country", "device.id")
"""What must be known of the person, as far as the event tells it."""
_DEEDS: Final = tuple(f"a:{action}:{kind}" for action, kind in sorted(actions.PRIVILEGED))


_DID: Final = {
    "same": "this person did the same on {days} days before",
    "administration": "administration is this person's work ({days} days of such changes before)",
}


def weighed(found: Finding, scene: Scene, row: int, how: str) -> Finding:
    """The finding with what speaks for routine, and low if it is; `how` is one of ROUTINES."""
    name = found.subject.id
    days, least = (
        (_same(scene, row, name), SAME_DAYS)
        if how == "same"
        else (sum(scene.facts.days(name, DEED, deed) for deed in _DEEDS), ADMINISTRATION_DAYS)
    )
    strange = [field for field in SURROUNDINGS if is_new(scene, row, field, name)]
    routine = days >= least and not strange
    evidence = found.evidence | {
        "routine": routine, "routine_days": days, "routine_of": how, "strange": strange,
    }  # fmt: skip
    level = Level.LOW if routine and found.level.rank > Level.LOW.rank else found.level
    return replace(found, level=level, evidence=evidence)


def why(evidence: dict[str, Any]) -> tuple[str, ...]:
    """What speaks for and against routine, in words; nothing where the rule does not ask."""
    if "routine" not in evidence:
        return ()
    if evidence["routine"]:
        did = _DID[evidence["routine_of"]].format(days=evidence["routine_days"])
        return (f"- routine: {did}, and the country and device are known (level down to low)",)
    return tuple(f"+ {NAMES[field]} is new for this person" for field in evidence["strange"])


def _same(scene: Scene, row: int, name: str) -> int:
    done = scene.page.values[DEED][row]
    return scene.facts.days(name, DEED, done) if done else 0
