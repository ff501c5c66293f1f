"""Findings of rules that one event decides, and their words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from detector.findings import Finding, Subject, SubjectType
from detector.observations import DEED
from detector.rule import Rule
from detector.rule_types import routine, subjects
from detector.rule_types.base import Scene, Told, one_event
from detector.wording import deed, done, plural

COLUMNS: Final = (
    "user.email", "user.name", "event.feed", "event.action", "event.category", "event.type",
    "object.type", "object.id", "target.id", "target.name", "target.email", "aux.info",
    "source.ip", "source.country", "source.city", "session.id", "device.id", "vault.id",
    "item.id", "client.app_name", "account.id",
)  # fmt: skip
"""Event columns that findings of matches read."""

KNOWN_DAYS: Final = 5
"""Active days from which on what a person never did says something."""

_SHOWN: Final = (
    "target.email", "target.name", "object.id", "aux.info", "source.ip", "source.country",
    "source.city", "device.id", "vault.id", "item.id", "client.app_name",
)  # fmt: skip


def finding(rule: Rule, scene: Scene, row: int, account: str) -> Finding:
    """The finding of a rule at the row that it matched."""
    found = one_event(scene, row, rule, _subject(rule, scene, row, account))
    action = scene.text("event.action", row) or scene.text("event.category", row)
    kind = scene.text("object.type", row)
    value = scene.page.values[DEED][row]
    said = done(value) if value else deed(action, kind)
    evidence: dict[str, Any] = {"action": said, "event.action": action}
    if kind is not None:
        evidence["object.type"] = kind
    for column in _SHOWN:
        value = scene.text(column, row)
        if value is not None:
            evidence[column] = value
    if found.subject.type is SubjectType.PERSON:
        evidence["timezone"] = scene.facts.zone_of(found.subject.id)
        evidence |= _habit(scene, row, found.subject.id)
    found = replace(found, evidence=evidence)
    known = evidence.get("known_days", 0) >= KNOWN_DAYS
    if rule.routine is None or not known or found.subject.id != scene.page.people[row]:
        return found
    return routine.weighed(found, scene, row, rule.routine)


def _subject(rule: Rule, scene: Scene, row: int, account: str) -> Subject:
    """The rule's first group-by if it names a thing, else the actor, else the account."""
    named = subjects.named_by(scene, row, rule.group_by[0]) if rule.group_by else None
    return named or scene.person(row) or Subject(SubjectType.ACCOUNT, account)


def _habit(scene: Scene, row: int, name: str) -> dict[str, Any]:
    """On how many of the person's active days the same was done before."""
    person, value = scene.facts.people.get(name), scene.page.values[DEED][row]
    if person is None or value is None:
        return {}
    return {"deed_days": scene.facts.days(name, DEED, value), "known_days": person.days}


def tell(rule: Rule, who: str, evidence: dict[str, Any]) -> Told:
    """Who did what to whom from where, how unusual that is, and what the rule says about it."""
    said = evidence["action"]
    summary = f"{who} was {said}" if not said.startswith("'") else f"{rule.title}, by {who}"
    target = evidence.get("target.name") or evidence.get("target.email")
    if target and target != who:
        summary += f", to or for {target}"
    if place := evidence.get("source.city") or evidence.get("source.country"):
        summary += f", from {place}"
    habit, days = "", evidence.get("known_days", 0)
    if days >= KNOWN_DAYS:
        times = evidence["deed_days"]
        seen = f"done on {times} of {plural(days, 'active day')}"
        habit = (
            f"- {seen} before" if times else f"+ never done before in {plural(days, 'active day')}"
        )
        summary += "" if times else f", for the first time in {plural(days, 'active day')}"
    why = ["+ this rule alerts on every such action", *routine.why(evidence)]
    why += [habit] if habit and not evidence.get("routine") else []
    why += [f"- can be harmless: {text}" for text in rule.falsepositives[:2]]
    return Told(summary + ".", tuple(why))
