"""Findings of rules that one event decides, and their words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from detector.findings import Finding, Subject, SubjectType
from detector.rule import Rule
from detector.rule_types.base import Scene, Told, one_event
from detector.wording import deed

COLUMNS: Final = (
    "user.email", "user.name", "event.feed", "event.action", "event.category", "event.type",
    "object.type", "object.id", "target.id", "target.name", "target.email", "aux.info",
    "source.ip", "source.country", "source.city", "session.id", "device.id", "vault.id",
    "item.id", "client.app_name", "account.id",
)  # fmt: skip
"""Event columns that findings of matches read."""

_SHOWN: Final = (
    "target.email", "target.name", "object.id", "aux.info", "source.ip", "source.country",
    "source.city", "device.id", "vault.id", "item.id", "client.app_name",
)  # fmt: skip
_SUBJECTS: Final = {
    "source.ip": SubjectType.IP,
    "session.id": SubjectType.SESSION,
    "device.id": SubjectType.DEVICE,
    "vault.id": SubjectType.VAULT,
    "account.id": SubjectType.ACCOUNT,
}


def finding(rule: Rule, scene: Scene, row: int, account: str) -> Finding:
    """The finding of a rule at the row that it matched."""
    found = one_event(scene, row, rule, _subject(rule, scene, row, account))
    action = scene.text("event.action", row) or scene.text("event.category", row)
    kind = scene.text("object.type", row)
    evidence: dict[str, Any] = {"action": deed(action, kind), "event.action": action}
    if kind is not None:
        evidence["object.type"] = kind
    for column in _SHOWN:
        value = scene.text(column, row)
        if value is not None:
            evidence[column] = value
    if found.subject.type is SubjectType.PERSON:
        evidence["timezone"] = scene.facts.zone_of(found.subject.id)
    return replace(found, evidence=evidence)


def _subject(rule: Rule, scene: Scene, row: int, account: str) -> Subject:
    """The rule's first group-by if it names a thing, else the actor, else the account."""
    field = rule.group_by[0] if rule.group_by else ""
    value = scene.text(field, row) if field in _SUBJECTS else None
    if value is not None:
        return Subject(_SUBJECTS[field], value)
    return scene.person(row) or Subject(SubjectType.ACCOUNT, account)


def tell(rule: Rule, who: str, evidence: dict[str, Any]) -> Told:
    """Who did what to whom from where, and what the rule says about it."""
    target = evidence.get("target.name") or evidence.get("target.email")
    place = evidence.get("source.city") or evidence.get("source.country")
    summary = f"{rule.title}: {who}"
    if target and target != who:
        summary += f" to {target}"
    if evidence.get("source.ip"):
        summary += f" from {evidence['source.ip']}" + (f" ({place})" if place else "")
    why = [f"+ {evidence['action']} matches the rule"]
    why += [f"- can be harmless: {text}" for text in rule.falsepositives[:2]]
    return Told(summary, tuple(why))
