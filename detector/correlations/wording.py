"""What the alert of a correlation says: one sentence, and the numbers for and against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from detector.correlations.firings import span_of
from detector.rule import Rule
from detector.rule_types.base import Told

THINGS: Final = {
    "user.id": "people",
    "user.email": "people",
    "target.id": "people",
    "target.email": "people",
    "source.ip": "addresses",
    "source.network": "networks",
    "source.country": "countries",
    "source.city": "cities",
    "session.id": "sessions",
    "device.id": "devices",
    "vault.id": "vaults",
    "item.id": "items",
    "object.id": "objects",
    "client.fingerprint": "apps",
    "client.app_name": "apps",
}
"""What different values of a field are called."""
_NUMBERS: Final = {
    "value_sum": "sum",
    "value_avg": "average",
    "value_percentile": "percentile",
    "value_median": "median",
}


def tell(rule: Rule, who: str, evidence: dict[str, Any]) -> Told:
    """Put the evidence of a correlation about `who` in words."""
    span = span_of(evidence["span_seconds"])
    what = _joined(evidence["looks_at"], " or ")
    by = _by(rule, who)
    kind = evidence["correlation"]
    if "steps" in evidence:
        order = ", then " if kind == "temporal_ordered" else " and "
        summary = f"{_joined(evidence['looks_at'], order)} {by} within {span}"
        why = ["+ " + "; ".join(evidence["steps"]) + " (UTC)"]
    elif evidence["counted"] == 0 and evidence["count"] == 0:
        summary = f"no {what} {by} for {span}"
        why = [f"+ the rule asks for {evidence['asked']} within {span}"]
    else:
        summary = f"{_counted(kind, evidence, what)} {by} within {span}"
        why = [f"+ {_number(evidence['counted'])} counted; the rule asks for {evidence['asked']}"]
        if evidence.get("values"):
            why.append(f"+ newest: {', '.join(map(str, evidence['values']))}")
    why += [f"- can be harmless: {text}" for text in rule.falsepositives[:2]]
    return Told(summary[:1].upper() + summary[1:], tuple(why))


def _counted(kind: str, evidence: dict[str, Any], what: str) -> str:
    """What was counted, as in `12 failed sign-ins`."""
    events = f"{evidence['count']:,} {what}"
    if kind == "event_count":
        return events
    field = evidence["field"]
    if kind == "value_count":
        things = THINGS.get(field, f"values of {field}")
        return f"{_number(evidence['counted'])} different {things} in {events}"
    return f"{_NUMBERS[kind]} of {field} is {_number(evidence['counted'])} in {events}"


def _by(rule: Rule, who: str) -> str:
    """How a sentence names whom the rule groups by."""
    field = rule.group_by[0] if rule.group_by else ""
    if field.startswith("user.") or not field:
        return f"by {who}" if field else "in the whole account"
    words = {"source.ip": "from", "session.id": "in session", "device.id": "on device"}
    return f"{words.get(field, 'for')} {who}"


def _joined(phrases: Sequence[str], last: str) -> str:
    every = list(dict.fromkeys(phrases))
    if last == ", then ":
        return last.join(every)
    return last.join([", ".join(every[:-1]), every[-1]]) if len(every) > 1 else every[0]


def _number(value: float) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"
