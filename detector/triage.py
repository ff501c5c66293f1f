"""Findings become alerts: opened, folded into an open one, raised, amended, or held back.

Everything here runs on event time; what to send and when is decided by delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from detector import workhours
from detector.alerts import Alert, Reason, RuleRef, Status, alert_id
from detector.facts import DAY_US
from detector.findings import Finding, Level, Subject, SubjectType
from detector.rule import Rule

MOST_IDS: Final = 100
BAND: Final = 20

Tell = Callable[[Rule, str, dict[str, Any]], tuple[str, tuple[str, ...]]]
"""Puts the evidence of a rule about somebody in words: the sentence, and for and against."""


class Open(msgspec.Struct):
    """An alert that still takes findings. Times are microseconds of UTC."""

    id: str
    rule_id: str
    subject_type: str
    subject_id: str
    email: str | None
    name: str | None
    level: str
    rarity: float
    time: int
    first_time: int
    event_ids: list[str]
    count: int
    evidence: dict[str, Any]
    sessions: list[str]
    detected_at: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about one finding: the alert it belongs to, and why it changed."""

    finding: Finding
    reason: Reason
    alert: Alert | None


def fingerprint(rule_id: str, subject: Subject) -> str:
    """What makes two findings the same trouble: the rule and the subject; never score or time."""
    return f"{rule_id}\x1f{subject.type}\x1f{subject.id}"


def decide(
    finding: Finding, rules: Mapping[str, Rule], opened: dict[str, Open], told: Telling
) -> Verdict:
    """Decide about one finding; `opened` (by fingerprint) is changed accordingly."""
    if finding.suppressed_by is not None:
        return Verdict(finding, Reason.SUPPRESSED, None)
    key = fingerprint(finding.rule_id, finding.subject)
    rule = rules[finding.rule_id]
    old = opened.get(key)
    if old is not None and not _takes(old, finding, rule):
        old = None
    if old is None:
        if finding.amends:
            return Verdict(finding, Reason.SUPPRESSED, None)
        opened[key] = _opened(finding, told.detected_at)
        return Verdict(finding, Reason.FIRST_SEEN, told.alert(opened[key], rule, Reason.FIRST_SEEN))
    reason = _fold(old, finding)
    return Verdict(finding, reason, told.alert(old, rule, reason))


def held_back(finding: Finding, rule: Rule, account: str, tell: Tell) -> Alert:
    """A suppressed finding in the shape of an alert, with the rung that held it back."""
    detected = workhours.microseconds(finding.time)
    telling = Telling(account, tell, detected)
    alert = telling.alert(_opened(finding, detected), rule, Reason.SUPPRESSED)
    return replace(alert, suppressed_by=finding.suppressed_by)


def close(opened: dict[str, Open], rules: Mapping[str, Rule], clock: int) -> None:
    """Drop the alerts that no finding can reach any more, however late it comes."""
    for key, old in list(opened.items()):
        rule = rules.get(old.rule_id)
        quiet = rule.fold_for.total_seconds() * 1e6 if rule else 0
        if old.time + quiet + 8 * DAY_US < clock:
            del opened[key]


@dataclass(frozen=True, slots=True)
class Telling:
    """What an alert needs beside its findings: the account, the words, when it was detected."""

    account: str
    tell: Tell
    detected_at: int

    def alert(self, old: Open, rule: Rule, reason: Reason) -> Alert:
        """The alert as it stands."""
        who = old.name or old.email or old.subject_id
        summary, why = self.tell(rule, who, old.evidence)
        level = Level(old.level)
        return Alert(
            id=old.id,
            rule=RuleRef(rule.id, rule.name, rule.title),
            level=level,
            score=level.rank * BAND + min(BAND - 1, int(old.rarity * BAND)),
            status=Status.OPEN,
            reason=reason,
            subject=Subject(SubjectType(old.subject_type), old.subject_id, old.email, old.name),
            time=workhours.instant(old.time),
            first_time=workhours.instant(old.first_time),
            detected_at=workhours.instant(old.detected_at),
            event_ids=tuple(old.event_ids),
            count=old.count,
            summary=summary,
            evidence=old.evidence,
            why=why,
            suppressed_by=None,
            incident_id=None,
            tags=rule.tags,
            account=self.account,
            runbook=rule.runbook,
        )


def _takes(old: Open, finding: Finding, rule: Rule) -> bool:
    """Whether the open alert takes the finding: no more quiet time between them than allowed."""
    quiet = rule.fold_for.total_seconds() * 1e6
    time = workhours.microseconds(finding.time)
    return old.first_time - quiet <= time <= old.time + quiet


def _opened(finding: Finding, detected_at: int) -> Open:
    subject = finding.subject
    return Open(
        id=alert_id(finding.rule_id, subject, finding.event_ids),
        rule_id=finding.rule_id,
        subject_type=subject.type,
        subject_id=subject.id,
        email=subject.email,
        name=subject.name,
        level=finding.level,
        rarity=finding.rarity,
        time=workhours.microseconds(finding.time),
        first_time=workhours.microseconds(finding.first_time),
        event_ids=list(finding.event_ids[-MOST_IDS:]),
        count=len(finding.event_ids),
        evidence=finding.evidence,
        sessions=[finding.session] if finding.session else [],
        detected_at=detected_at,
    )


def _fold(old: Open, finding: Finding) -> Reason:
    """Take a finding into an open alert; the worse evidence is kept."""
    fresh = [event for event in finding.event_ids if event not in old.event_ids]
    old.count += len(fresh)
    old.event_ids = (old.event_ids + fresh)[:MOST_IDS]
    old.time = max(old.time, workhours.microseconds(finding.time))
    old.first_time = min(old.first_time, workhours.microseconds(finding.first_time))
    alone = finding.session is not None and old.sessions == [finding.session]
    if finding.session and finding.session not in old.sessions:
        old.sessions.append(finding.session)
    if finding.amends:
        if alone:
            old.level, old.rarity, old.evidence = finding.level, finding.rarity, finding.evidence
        return Reason.AMENDED
    raised = finding.level.rank > Level(old.level).rank
    if raised:
        old.level, old.rarity, old.evidence = finding.level, finding.rarity, finding.evidence
    elif finding.level == Level(old.level):
        old.rarity = max(old.rarity, finding.rarity)
    return Reason.LEVEL_RAISED if raised else Reason.STILL_HAPPENING
