"""Asking the engine: the kernel judges one event with its notes open, and the answer is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from detector import kernel, rungs, window, workhours
from detector.alerts import Alert, Reason
from detector.correlations.groups import CorrelationTail
from detector.explaining import climbing, conditions, windows
from detector.explaining.explanation import Event, Explanation, Line, Part, Told, Verdict
from detector.findings import Finding
from detector.rule import Rule
from detector.rule_types.notes import Note, Notes
from detector.rulebook.book import BehaviorRule, CorrelationRule, Match, RiskRule
from detector.wording import deed, place

Entry = Match | BehaviorRule | CorrelationRule | RiskRule
_VERDICTS = {
    Reason.FIRST_SEEN: Verdict.OPENED,
    Reason.LEVEL_RAISED: Verdict.RAISED,
    Reason.STILL_HAPPENING: Verdict.JOINED,
    Reason.AMENDED: Verdict.AMENDED,
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What the kernel did with one event, and the state that it left."""

    state: kernel.State
    row: Mapping[str, Any]
    seq: int
    outcome: kernel.Outcome
    notes: Notes

    def found(self, rule: Rule) -> Finding | None:
        """The finding of a rule about this very event; one that is not held back comes first."""
        mine = [
            each
            for each in self.notes.found
            if each.rule_id == rule.id and self.row["event.id"] in each.event_ids
        ]
        return min(mine, key=lambda each: each.suppressed_by is not None, default=None)


def judge(state: kernel.State, frame: pl.DataFrame, raw: bytes) -> Judged:
    """Let the kernel take in one event (a frame of one row) with its notes open."""
    state.notes = notes = Notes()
    outcome = kernel.detect(state, frame, window.contents([raw]))
    state.notes = None
    row = frame.row(0, named=True)
    seq = int(outcome.frame["event.seq"][0]) if outcome.frame.height else 0
    return Judged(state, row, seq, outcome, notes)


def explain(judged: Judged, rule: Rule) -> Explanation:
    """Why one rule did or did not raise an alert at the event."""
    about = Told(rule.id, rule.name, rule.title, rule.level), _event(judged.row)
    if judged.outcome.duplicates:
        return Explanation(
            *about, Verdict.DOUBLE, "an event of this id came before; it counts once"
        )
    entry = _entry(judged, rule)
    if isinstance(entry, Match):
        holds, part, because = conditions.own(entry, judged.row)
        return _told(judged, rule, _Steps(about, [part], because, concerned=holds))
    if isinstance(entry, RiskRule):
        part = conditions.found(judged.state.rules, entry, judged.notes.found)
        steps = _Steps(
            about, [part], "no rule that it hears found anything at it", bool(part.lines)
        )
        return _told(judged, rule, _compared(judged, entry.rule, steps))
    held, part = conditions.bases(judged.state.rulebook, entry, judged.row, judged.notes.found)
    steps = _Steps(about, [part], "none of the rules that it looks at matches", bool(held))
    if judged.outcome.late:
        late = "it came more than seven days late, or far ahead of its receipt: rules that look at "
        return Explanation(*about, Verdict.LATE, f"{late}more than one event leave it out", (part,))
    if isinstance(entry, CorrelationRule):
        return _told(judged, rule, _counted(judged, entry, steps))
    return _told(judged, rule, _compared(judged, entry.rule, steps))


@dataclass(frozen=True, slots=True)
class _Steps:
    """How far an explanation has come: what is told so far, and the word that decided."""

    about: tuple[Told, Event]
    parts: list[Part]
    because: str
    concerned: bool
    enough: bool = True


def _entry(judged: Judged, rule: Rule) -> Entry:
    book = judged.state.rulebook
    every: tuple[Entry, ...] = (
        *book.matches, *book.behaviors, *book.correlations, *book.risks,
    )  # fmt: skip
    return next(entry for entry in every if entry.rule.id == rule.id)


def _compared(judged: Judged, rule: Rule, steps: _Steps) -> _Steps:
    """What a behaviour compared, note by note."""
    notes = judged.notes.of(rule.id)
    lines = tuple(
        Line(note.holds, f"wanted: {note.wants}; seen: {note.sees}", gap=note.gap, unit=note.unit)
        for note in notes
    )
    parts = [*steps.parts, Part("What was compared", lines)] if lines else steps.parts
    concerned = steps.concerned or bool(notes)
    return _Steps(steps.about, parts, _short(notes) or steps.because, concerned, enough=False)


def _short(notes: Sequence[Note]) -> str:
    """What a behaviour did not get: the question that it came nearest to."""
    missed = [note for note in notes if not note.holds]
    if not missed:
        return ""
    nearest = max(missed, key=lambda note: 0.0 if note.gap is None else note.gap)
    return f"the rule wants {nearest.wants}; it saw {nearest.sees}"


def _counted(judged: Judged, entry: CorrelationRule, steps: _Steps) -> _Steps:
    """What the window of a correlation holds with the event in it."""
    if not steps.concerned:
        return steps
    tail = judged.state.tails.get(entry.rule.id)
    assert isinstance(tail, CorrelationTail)
    found = windows.fullest(entry.logic, tail, judged.seq)
    if found is None:
        word = f"it was not counted: it must say {windows.missing(entry.logic)}"
        return _Steps(steps.about, steps.parts, word, concerned=False)
    part, word = windows.told(entry.logic, found)
    return _Steps(steps.about, [*steps.parts, part], word, concerned=True, enough=False)


def _told(judged: Judged, rule: Rule, steps: _Steps) -> Explanation:
    """The verdict, with the finding that it rests on if there is one."""
    finding, (told, event) = judged.found(rule), steps.about
    if finding is None:
        verdict, because = _without(rule, steps, _entry(judged, rule))
        return Explanation(told, event, verdict, because, tuple(steps.parts))
    parts = list(steps.parts)
    climbed = climbing.climbed(finding)
    summary, why = judged.state.tell(rule, _who(finding), finding.evidence)
    parts += [climbed] if climbed else []
    parts += [Part("For and against", tuple(map(_weighed, why)), weighs=True)]
    alert = _alert(judged, rule, finding)
    verdict, because = _verdict(judged, finding, alert)
    unit = rungs.UNITS.get(finding.suppressed_by or "", "")
    return Explanation(
        told, event, verdict, because, tuple(parts), finding.suppressed_by, finding.margin, unit,
        alert.id if alert else None, summary,
    )  # fmt: skip


def _without(rule: Rule, steps: _Steps, entry: Entry) -> tuple[Verdict, str]:
    """The verdict where nothing was found."""
    if not steps.concerned:
        return Verdict.UNCONCERNED, steps.because
    if not rule.raises:
        return Verdict.BLOCK, "the rule raises no alert of its own; others look at what it matches"
    counted = isinstance(entry, CorrelationRule | RiskRule)
    return Verdict.COUNTED if counted else Verdict.USUAL, steps.because


def _verdict(judged: Judged, finding: Finding, alert: Alert | None) -> tuple[Verdict, str]:
    """The verdict on a finding, and why."""
    time = workhours.microseconds(finding.time)
    if finding.suppressed_by is not None:
        rung = finding.suppressed_by
        said = rungs.margin_of(rung, finding.margin)
        return Verdict.HELD_BACK, rungs.said(rung) + (f" ({said})" if said else "")
    if time < judged.state.memory.teach_until:
        until = workhours.instant(judged.state.memory.teach_until)
        return Verdict.TAUGHT, f"what happened before {_minute(until)} only teaches"
    if alert is None:
        return Verdict.HELD_BACK, rungs.words("amended")
    verdict = _VERDICTS.get(alert.reason, Verdict.JOINED)
    if verdict is Verdict.OPENED:
        return verdict, f"alert {alert.id[:8]}, {alert.level}, score {alert.score}"
    return verdict, f"alert {alert.id[:8]}, which begins at {_minute(alert.first_time)}"


def _alert(judged: Judged, rule: Rule, finding: Finding) -> Alert | None:
    """The alert of the rule that took the finding in."""
    if finding.suppressed_by is not None:
        return None
    mine = [each for each in judged.outcome.alerts if each.rule.id == rule.id]
    same = [each for each in mine if each.subject.id == finding.subject.id]
    return same[-1] if same else None


def _weighed(text: str) -> Line:
    """A sentence for (+) or against (-)."""
    sign, _, rest = text.partition(" ")
    return Line({"+": True, "-": False}.get(sign), rest if sign in {"+", "-"} else text)


def _who(finding: Finding) -> str:
    return finding.subject.name or finding.subject.email or finding.subject.id


def _event(row: Mapping[str, Any]) -> Event:
    city, region, country = (row.get(f"source.{name}") for name in ("city", "region", "country"))
    where = place(f"{city}|{region or ''}|{country or ''}" if city else None, country)
    who = row["user.name"] or row["user.email"] or row["person"] or "nobody"
    action = row["event.action"] or row["event.category"]
    ip = row["source.ip"]
    return Event(
        row["event.id"], row["event.feed"], row["event.time"], str(who),
        deed(action, row["object.type"]), " ".join(part for part in (where, ip and f"({ip})") if part),
    )  # fmt: skip


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
