"""Findings become alerts: opened, folded into an open one, raised, amended, or held back.

Everything here runs on event time; what to send and when is decided by delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import msgspec

from detector import workhours
from detector.alerts import Alert, Reason, RuleRef, Status, alert_id
from detector.correlations.firings import SUPERSEDED
from detector.findings import Finding, Level, Subject, SubjectType
from detector.persons import Judged
from detector.rule import Rule
from detector.workhours import DAY_US, HOUR_US

MOST_IDS: Final = 100
BAND: Final = 20
MOST_STANDING: Final = 500
"""Windows of one alert that are remembered; an alert of more is never taken back as a whole."""
MOST_CORRECTIONS: Final = 5
SETTLES_US: Final = DAY_US + 2 * HOUR_US
"""How long after an alert's newest event something may still come under its guard: a day of
suspicion, and the full hours at which that ends and facts settle."""
TOLD_BY_RULE: Final = "told-by-rule"
"""The rung of what the model finds in events that an alert of a rule names."""

Tell = Callable[[Rule, str, dict[str, Any]], tuple[str, tuple[str, ...]]]
"""Puts the evidence of a rule about somebody in words: the sentence, and for and against."""


class Open(msgspec.Struct):
    """An alert that still takes findings. Times are microseconds of UTC.

    `fresh` is the time of its newest evidence as far as it was not ahead of its receipt.
    """

    id: str
    rule_id: str
    subject_type: str
    subject_id: str
    email: str | None
    name: str | None
    level: str
    rarity: float
    time: int
    fresh: int
    first_time: int
    event_ids: list[str]
    count: int
    evidence: dict[str, Any]
    sessions: list[str]
    detected_at: int
    standing: list[str] = []
    """The windows of a correlation that hold, by their end and group; see `MOST_STANDING`."""
    corrections: list[str] = []
    """What was taken back and why, the newest last."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about one finding: the alert it belongs to, and why it changed."""

    finding: Finding
    reason: Reason
    alert: Alert | None


class Judgement(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person said of an alert, as the log keeps it: nothing that a person wrote.

    `since` and `until`, in microseconds of UTC, are when what it is about happened, or was
    found. An older log has neither: then a harmless one means all that is known of the subject.
    """

    alert: str
    subject_type: str
    subject_id: str
    harmless: bool
    since: int = 0
    until: int = 0

    @property
    def said(self) -> Judged | None:
        """What it means for what is learned of the subject, null if nothing."""
        if self.subject_type not in {SubjectType.PERSON, SubjectType.SERVICE_ACCOUNT}:
            return None
        if self.until:
            return Judged(self.since, self.until + SETTLES_US, self.harmless)
        return Judged(0, 2**62, harmless=True) if self.harmless else None

    @classmethod
    def parse(cls, body: bytes) -> Judgement:
        """Read back what `dump` wrote."""
        return msgspec.json.decode(body, type=cls)

    def dump(self) -> bytes:
        """As it is stored."""
        return msgspec.json.encode(self)


def fingerprint(rule_id: str, subject: Subject) -> str:
    """What makes two findings the same trouble: the rule and the subject; never score or time."""
    return f"{rule_id}\x1f{subject.type}\x1f{subject.id}"


def decide(
    finding: Finding, rules: Mapping[str, Rule], opened: dict[str, list[Open]], told: Telling
) -> Verdict:
    """Decide about one finding; `opened` (by fingerprint) is changed accordingly.

    A late finding may belong to an older alert than the newest, or open one before it. What a late
    event has made untrue sets the alert right that tells it.
    """
    if finding.suppressed_by == SUPERSEDED:
        return _take_back(finding, rules, opened, told)
    if finding.suppressed_by is not None:
        return Verdict(finding, Reason.SUPPRESSED, None)
    key = fingerprint(finding.rule_id, finding.subject)
    rule = rules[finding.rule_id]
    olds = opened.get(key, [])
    time = min(workhours.microseconds(finding.time), told.detected_at)
    old = next((old for old in reversed(olds) if _takes(old, time, rule)), None)
    if old is None:
        if finding.amends:
            return Verdict(finding, Reason.SUPPRESSED, None)
        old = _opened(finding, time, told.detected_at)
        _stand(old, finding)
        opened[key] = sorted([*olds, old], key=lambda each: each.fresh)
        return Verdict(finding, Reason.FIRST_SEEN, told.alert(old, rule, Reason.FIRST_SEEN))
    reason = _fold(old, finding, time)
    _stand(old, finding)
    return Verdict(finding, reason, told.alert(old, rule, reason))


def _take_back(
    finding: Finding, rules: Mapping[str, Rule], opened: Mapping[str, list[Open]], told: Telling
) -> Verdict:
    """Set right the open alert that tells a window which holds no more; it stays open.

    When none of its windows is left it says so, and its level is the lowest: whoever looks at it
    decides, and a window that holds again raises it anew.
    """
    window = _window(finding)
    olds = opened.get(fingerprint(finding.rule_id, finding.subject), ())
    old = next((old for old in olds if window in old.standing), None)
    if old is None or window is None:
        return Verdict(finding, Reason.SUPPRESSED, None)
    rule = rules[finding.rule_id]
    summary, _ = told.tell(rule, told.who(old), finding.evidence)
    text = f"taken back: an event came late, so that at {finding.time:%d %b %H:%M:%S} UTC it was"
    old.standing.remove(window)
    old.corrections = [*old.corrections, f"{text}: {summary}"][-MOST_CORRECTIONS:]
    if not old.standing:
        old.level, old.rarity = Level.INFORMATIONAL, 0
    return Verdict(finding, Reason.AMENDED, told.alert(old, rule, Reason.AMENDED))


def _window(finding: Finding) -> str | None:
    """A name for the window that a finding of a correlation is about; null for all others."""
    if "correlation" not in finding.evidence:
        return None
    return "\x1f".join((finding.time.isoformat(), *finding.evidence["group"].values()))


def _stand(old: Open, finding: Finding) -> None:
    """Note that the window holds which the finding is about."""
    window = _window(finding)
    if window is not None and len(old.standing) < MOST_STANDING and window not in old.standing:
        full = len(old.standing) == MOST_STANDING - 1
        old.standing.append("more" if full else window)


def unless_told(finding: Finding, opened: Mapping[str, Sequence[Open]]) -> Finding:
    """The model's finding, held back if a rule woke somebody for the same: it only says "unusual".

    That is an open alert of medium or above about the same subject, of any other rule, which names
    one of the events. Nothing is lost to who looks: the alert stands, and the finding names it.
    """
    subject, named = finding.subject, set(finding.event_ids)
    for olds in opened.values():
        for old in olds:
            if (
                old.rule_id != finding.rule_id
                and (old.subject_type, old.subject_id) == (subject.type, subject.id)
                and Level(old.level).rank >= Level.MEDIUM.rank
                and not named.isdisjoint(old.event_ids)
            ):
                evidence = finding.evidence | {"told_by": old.id}
                return replace(finding, suppressed_by=TOLD_BY_RULE, evidence=evidence)
    return finding


def close(opened: dict[str, list[Open]], rules: Mapping[str, Rule], clock: int) -> None:
    """Drop the alerts that no finding can reach any more, however late it comes."""
    for key, olds in list(opened.items()):
        left = [old for old in olds if old.fresh + _reach_us(old, rules) >= clock]
        if left:
            opened[key] = left
        else:
            del opened[key]


def judge(opened: dict[str, list[Open]], judgement: Judgement) -> bool:
    """Close an alert: it takes no more findings, and the next one opens another.

    Says whether what happened around it may be learned: it was harmless, and no other alert of
    medium or above about the same subject waits for a verdict.
    """
    for key, olds in list(opened.items()):
        left = [old for old in olds if old.id != judgement.alert]
        if not left:
            del opened[key]
        elif len(left) < len(olds):
            opened[key] = left
    subject = (judgement.subject_type, judgement.subject_id)
    waits = any(
        (old.subject_type, old.subject_id) == subject and Level(old.level).rank >= Level.MEDIUM.rank
        for olds in opened.values()
        for old in olds
    )
    return judgement.harmless and not waits


@dataclass(frozen=True, slots=True)
class Telling:
    """What an alert needs beside its findings: the account, the words, when it was detected."""

    account: str
    tell: Tell
    detected_at: int

    @staticmethod
    def who(old: Open) -> str:
        """How a sentence names whom the alert is about."""
        return old.name or old.email or old.subject_id

    def alert(self, old: Open, rule: Rule, reason: Reason) -> Alert:
        """The alert as it stands."""
        summary, why = self.tell(rule, self.who(old), old.evidence)
        evidence = old.evidence
        if old.corrections:
            evidence = evidence | {"corrections": list(old.corrections)}
            why = (*(f"- {text}" for text in reversed(old.corrections)), *why)
            summary = summary if old.standing else f"No longer so: {summary}"
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
            evidence=evidence,
            why=why,
            suppressed_by=None,
            incident_id=None,
            tags=rule.tags,
            account=self.account,
            runbook=rule.runbook,
        )


def _takes(old: Open, time: int, rule: Rule) -> bool:
    """Whether the open alert takes a finding of that time: not too quiet a time lies between."""
    quiet = _quiet_us(rule)
    return old.first_time - quiet <= time <= old.fresh + quiet


def _reach_us(old: Open, rules: Mapping[str, Rule]) -> int:
    """How long after an alert's newest evidence a finding may still come that it takes."""
    return _quiet_us(rules.get(old.rule_id)) + 8 * DAY_US


def _quiet_us(rule: Rule | None) -> int:
    return rule.fold_for // timedelta(microseconds=1) if rule else 0


def _opened(finding: Finding, fresh: int, detected_at: int) -> Open:
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
        fresh=fresh,
        first_time=workhours.microseconds(finding.first_time),
        event_ids=list(finding.event_ids[-MOST_IDS:]),
        count=finding.count or len(finding.event_ids),
        evidence=finding.evidence,
        sessions=[finding.session] if finding.session else [],
        detected_at=detected_at,
    )


def _fold(old: Open, finding: Finding, fresh: int) -> Reason:
    """Take a finding into an open alert; the worse evidence is kept."""
    seen = set(old.event_ids)
    unseen = [event for event in finding.fresh_ids if event not in seen]
    old.count += len(unseen) if finding.news is None else finding.news
    old.event_ids = (old.event_ids + unseen)[:MOST_IDS]
    old.time = max(old.time, workhours.microseconds(finding.time))
    old.fresh = max(old.fresh, fresh)
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
    elif finding.level == Level(old.level) and finding.rarity > old.rarity:
        old.rarity, old.evidence = finding.rarity, finding.evidence
    return Reason.LEVEL_RAISED if raised else Reason.STILL_HAPPENING
