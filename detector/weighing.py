"""The risk scores of a rulebook at work: they hear what triage let pass, one finding after the other.

An event that nothing is found at does not come here. What triage holds back (a rung of a ladder, the
model's yielding to a rule), what an exception hides and what only teaches adds nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from detector import rungs
from detector.alerts import Alert
from detector.correlations.firings import SUPERSEDED
from detector.findings import Finding, Level, Subject, SubjectType
from detector.rule import Rule
from detector.rule_types import subjects
from detector.rule_types.alarms import Alarms
from detector.rule_types.base import SUBJECTS, Scene, Tail
from detector.rule_types.entity_risk import Heard
from detector.rule_types.notes import Note
from detector.rule_types.signs import Entity, RiskTail, Sign
from detector.rulebook import attack
from detector.rulebook.book import RiskRule
from detector.rulebook.mistakes import quoted

Telling = tuple[Finding, Alert | None]
"""A finding, and the alert that took it in; null if it was held back."""


@dataclass(frozen=True, slots=True)
class Audience:
    """The risk scores that hear, their tails, every rule by its id, and the id of the model, if any."""

    risks: Sequence[RiskRule]
    tails: Mapping[str, Tail]
    rules: Mapping[str, Rule]
    model: str | None = None

    def heard(self, told: Telling, scene: Scene | None) -> Iterator[Finding]:
        """What the scores find when they hear of a finding; their tails change.

        `scene` is the page in which it was found, null where time alone found it.
        """
        finding, alert = told
        if finding.suppressed_by not in {None, SUPERSEDED} and not _is_asked(scene):
            return  # It adds nothing, and nobody asks why.
        for entry in self.risks:
            tail = self.tails[entry.rule.id]
            assert isinstance(tail, RiskTail)
            if finding.rule_id == entry.rule.id:
                _remember(tail, told)
            elif self._is_for(entry, finding) and not _is_late(finding, scene):
                yield from _Hearing(self.rules, entry, tail, scene).of(finding, alert)

    def _is_for(self, entry: RiskRule, finding: Finding) -> bool:
        if finding.rule_id == self.model:
            return entry.logic.model and not entry.logic.rules
        return finding.rule_id in entry.bases


def _is_asked(scene: Scene | None) -> bool:
    """Whether somebody wants to know what adds nothing, and why."""
    return scene is not None and scene.notes is not None


def _remember(tail: RiskTail, told: Telling) -> None:
    """Note the alert that tells of an entity's risk."""
    finding, alert = told
    entity = tail.entities.get(finding.subject.id)
    if entity is not None and alert is not None:
        entity.alert = alert.id


@dataclass(frozen=True, slots=True)
class _Hearing:
    """One risk score that hears of a finding."""

    rules: Mapping[str, Rule]
    entry: RiskRule
    tail: RiskTail
    scene: Scene | None

    @property
    def alarms(self) -> Alarms:
        return Alarms(self.entry.rule, self.entry.logic, self.rules)

    def of(self, finding: Finding, alert: Alert | None) -> Iterator[Finding]:
        """What comes of it: whatever was held back, counts, sets right or takes back."""
        about = _entity(self.entry, finding, self.scene)
        if finding.suppressed_by == SUPERSEDED:
            left = self.entry.logic.take_back(finding, self.tail)
            yield from filter(None, (self.alarms.recant(each, finding) for each in left))
        elif finding.suppressed_by is not None or alert is None or about is None:
            self._note(finding, "held back" if about else "it names nobody to count it for")
        elif finding.amends:
            yield from self._set_right(_heard(self.rules, finding, alert, about))
        else:
            yield from self._added(_heard(self.rules, finding, alert, about))

    def _added(self, each: Heard) -> Iterator[Finding]:
        sign, finding = self.entry.logic.sign(each), each.finding
        if sign is None:
            self._note(finding, "its weight is 0")
            return
        entity = self.tail.touch(each.entity)
        self.alarms.calm_down(entity, sign.time)
        self.entry.logic.fading.add(entity, finding.rule_id, sign)
        self._note_sum(finding, entity, sign)
        yield from filter(None, [self.alarms.judge(entity, finding)])

    def _set_right(self, each: Heard) -> Iterator[Finding]:
        entity = self.entry.logic.weigh_again(each, self.tail)
        if entity is not None:
            found = self.alarms.recant(entity, each.finding)
            yield from filter(None, [found or self.alarms.judge(entity, each.finding)])

    def _note(self, finding: Finding, why: str) -> None:
        """Say that a finding adds nothing; only where somebody asks."""
        row, rung = _row(finding, self.scene), finding.suppressed_by
        if self.scene is None or self.scene.notes is None or row is None:
            return
        because = rungs.said(rung) if rung else why
        sees = f"{quoted(self.rules[finding.rule_id].title)} adds nothing ({because})"
        wants = "findings that nothing holds back"
        self.scene.notes.add(Note(self.entry.rule.id, row, False, wants, sees))

    def _note_sum(self, finding: Finding, entity: Entity, sign: Sign) -> None:
        """Say how far the sum has come; only where somebody asks."""
        row, risk, rule = _row(finding, self.scene), self.entry.logic, self.entry.rule
        if self.scene is None or self.scene.notes is None or row is None:
            return
        seen = risk.fading.sum(entity, sign.time)
        title = quoted(self.rules[finding.rule_id].title)
        for gap, unit, has in risk.gaps(seen):
            wants = f"{has - gap:g} or more {unit}"
            sees = (
                f"{has:.1f} with the {sign.points:g} points of {title}"
                if unit == "points"
                else f"{has:g}"
            )
            self.scene.notes.add(Note(rule.id, row, gap >= 0, wants, sees, round(gap, 1), unit))


def _heard(rules: Mapping[str, Rule], finding: Finding, alert: Alert, about: Subject) -> Heard:
    rule = rules[finding.rule_id]
    woke = alert.level.rank >= Level.MEDIUM.rank and rule.status != "test"
    told = alert.level.rank if woke else -1
    return Heard(finding, rule, about, attack.tactic(rule.tags), alert.id, told)


def _entity(entry: RiskRule, finding: Finding, scene: Scene | None) -> Subject | None:
    """Whom a finding counts for: its subject where that is of the kind, else whom its event names."""
    field, subject = entry.logic.group_by[0], finding.subject
    people = {SubjectType.PERSON, SubjectType.SERVICE_ACCOUNT}
    if field in subjects.PEOPLE and subject.type in people:
        return subject
    if subject.type is SUBJECTS.get(field):
        return subject
    row = _row(finding, scene)
    return None if scene is None or row is None else subjects.named_by(scene, row, field)


def _row(finding: Finding, scene: Scene | None) -> int | None:
    """The row of the page at which something was found; null if its event is not there."""
    if scene is None:
        return None
    page = scene.page
    row = finding.seq - page.seqs[0]
    inside = 0 <= row < len(page) and page.ids[row] in finding.event_ids
    return row if inside else None


def _is_late(finding: Finding, scene: Scene | None) -> bool:
    """Whether the event came too late, or from too far ahead, for all but rules on single events."""
    row = _row(finding, scene)
    if scene is None or row is None:
        return False
    late = scene.page.late
    place = bisect_left(late, row)
    return place < len(late) and late[place] == row
