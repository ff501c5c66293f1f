"""The risk of an entity in words: what came together, and a line for each rule that adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from detector import workhours
from detector.rule import Rule
from detector.rule_types.base import Told
from detector.rule_types.signs import Part, Sum
from detector.wording import plural

MOST_PARTS: Final = 12
"""Rules that evidence lists, the heaviest."""


def evidence(seen: Sum, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """The numbers of a sum, and its parts, the heaviest first."""
    parts = sorted(seen.parts.items(), key=lambda each: (-each[1].points, each[0]))
    times = [part.newest.time for _, part in parts]
    tactics = dict.fromkeys(part.newest.tactic for _, part in parts)
    return {
        "risk": round(seen.score, 1),
        "rules": len(parts),
        "findings": sum(part.count for _, part in parts),
        "span_hours": round((max(times) - min(times)) / workhours.HOUR_US, 1) if times else 0.0,
        "tactics": sorted(tactic for tactic in tactics if tactic is not None),
        "contributions": [_line(rules.get(rule), rule, part) for rule, part in parts[:MOST_PARTS]],
    }


def _line(rule: Rule | None, identity: str, part: Part) -> dict[str, Any]:
    return {
        "rule": rule.name if rule else identity,
        "rule_id": identity,
        "level": part.newest.level,
        "tactic": part.newest.tactic,
        "title": rule.title if rule else identity,
        "points": round(part.points, 1),
        "findings": part.count,
        "time": f"{workhours.instant(part.newest.time):%Y-%m-%dT%H:%M:%SZ}",
        "alert": part.newest.alert,
        "told": part.newest.told >= 0,
    }


def tell(who: str, evidence: dict[str, Any]) -> Told:
    """How much has come together about whom, of how many rules, and what that is measured by."""
    risk, threshold = round(evidence["risk"]), evidence["threshold"]
    rules = plural(evidence["rules"], "rule")
    within = _within(evidence["span_hours"])
    if evidence.get("taken_back"):
        summary = f"No longer so: of the signs about {who}, a risk of {risk} is left"
        return Told(summary, (f"- a part of it was taken back; {threshold:g} would be enough",))
    summary = (
        f"{rules} found something about {who} {within}, which adds up to a risk of {risk} "
        f"({threshold:g} is enough for an alert)"
    )
    why = []
    if tactics := evidence["tactics"]:
        steps = ", ".join(each.replace("-", " ") for each in tactics)
        why.append(f"+ the rules stand for {plural(len(tactics), 'step')} of an attack: {steps}")
    if told := [each["title"] for each in evidence["contributions"] if each["told"]]:
        why.append(f"+ already told by itself: {', '.join(told)}")
    else:
        why.append("- none of this was worth waking anybody by itself")
    why.append(f"- it fades: half of the risk is gone in {_span(evidence['half_life'])}")
    return Told(summary, tuple(why))


def _within(hours: float) -> str:
    """How far the newest findings of the rules lie apart."""
    if hours < 1.5:
        return "within an hour"
    return f"within {hours:.0f} hours" if hours < 48 else f"within {hours / 24:.0f} days"


def _span(half_life: str) -> str:
    return plural(int(half_life[:-1]), "day" if half_life.endswith("d") else "hour")
