"""What is left of an alert about a risk when what silences mean is taken out of it.

A replay knows no silences, so the engine adds up whatever was found. Whether anybody is told is decided
here: if what nobody silenced is not enough for the rule, the alert is held back as its parts are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from detector.alerts import Alert, RuleRef
from detector.delivery.silences import Silence, holding


def hushed(silences: Sequence[Silence], alert: Alert, now: datetime) -> Silence | None:
    """The silence without which the rest of a risk would be enough; null if it is, or is no risk."""
    parts = alert.evidence.get("contributions", ())
    held = [holding(silences, _alone(alert, part), now) for part in parts]
    silence = next(filter(None, held), None)
    if silence is None:
        return None
    left = [part for part, quiet in zip(parts, held, strict=True) if quiet is None]
    return None if _is_enough(left, alert.evidence) else silence


def _alone(alert: Alert, part: Mapping[str, Any]) -> Alert:
    """The alert of one part, as far as a silence of its rule or subject can tell."""
    rule = RuleRef(part["rule_id"], part["rule"], part["title"])
    return replace(alert, rule=rule, level=part["level"], evidence={}, tags=())


def _is_enough(left: Sequence[Mapping[str, Any]], evidence: Mapping[str, Any]) -> bool:
    tactics = {part["tactic"] for part in left} - {None}
    points: float = sum(part["points"] for part in left)
    return bool(
        points >= evidence["threshold"]
        and len(left) >= evidence["least_rules"]
        and len(tactics) >= evidence["least_tactics"]
    )
