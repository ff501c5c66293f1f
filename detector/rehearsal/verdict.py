"""What came of a story, held against what it expects, in words for the one who wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from detector import rungs
from detector.alerts import Alert
from detector.findings import Finding
from detector.rule import Rule
from detector.rulebook.mistakes import did_you_mean
from detector.rulebook.stories import Expect, Story

LONGEST = 40
"""Lines of one kind that a report repeats."""


@dataclass(frozen=True, slots=True)
class Played:
    """What the engine made of a story: alerts and suppressed findings of the rule it tests.

    `scenes` are the events as the engine saw them, one line each.
    """

    rule: Rule
    alerts: tuple[Alert, ...]
    suppressed: tuple[Finding, ...]
    scenes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a story came true; if not, `diffs` say what was expected and what came."""

    story: Story
    passed: bool
    diffs: tuple[str, ...]
    alerts: tuple[Alert, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    scenes: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """The whole report: the differences, the alerts, what was held back, and the events."""
        told = [f"{alert.level}: {alert.summary} ({clock(alert.time)})" for alert in self.alerts]
        held = [
            f"{_who(finding)} ({clock(finding.time)}): "
            f"{rungs.said(finding.suppressed_by or 'amended')}{_margin(finding)}"
            for finding in self.suppressed
        ]
        parts = (("alerts", told), ("held back", held), ("events", self.scenes))
        more = (line for name, lines in parts for line in _part(name, lines))
        return (*self.diffs, *more)


def judge(story: Story, played: Played) -> Verdict:
    """Hold what was played against what the story expects."""
    diffs = tuple(_diffs(story.expect, played))
    alerts, suppressed = played.alerts, played.suppressed
    return Verdict(story, not diffs, diffs, alerts, suppressed, played.scenes)


def _diffs(expect: Expect, played: Played) -> list[str]:
    diffs: list[str] = []
    alerts = played.alerts
    if len(alerts) != expect.alerts:
        diffs.append(f"alerts: expected {expect.alerts}, got {len(alerts)}{_silent(played.rule)}")
    newest = max(alerts, key=lambda alert: alert.time, default=None)
    if expect.level is not None and (newest is None or newest.level != expect.level):
        got = newest.level if newest else "no alert"
        diffs.append(f"level: expected {expect.level}, got {got}")
    if expect.subject is not None and (newest is None or not _is_about(newest, expect.subject)):
        got = (newest.subject.email or newest.subject.id) if newest else "no alert"
        diffs.append(f"subject: expected {expect.subject}, got {got}")
    rungs = list(dict.fromkeys(str(each.suppressed_by) for each in played.suppressed))
    if expect.because is not None and expect.because not in rungs:
        got = ", ".join(rungs) or "nothing was held back"
        fix = did_you_mean(expect.because, rungs)
        diffs.append(f"because: expected {expect.because}, got {got}" + (f"; {fix}" if fix else ""))
    return diffs


def _silent(rule: Rule) -> str:
    return "" if rule.raises else f" ({rule.name} is a building block and never alerts)"


def _is_about(alert: Alert, name: str) -> bool:
    subject = alert.subject
    words = (subject.id, subject.email or "", subject.name or "")
    return name.casefold() in {word.casefold() for word in words}


def _part(name: str, lines: Sequence[str]) -> list[str]:
    more = [f"  ... and {len(lines) - LONGEST} more"] if len(lines) > LONGEST else []
    return [
        f"{name}:" + ("" if lines else " none"),
        *(f"  {line}" for line in lines[:LONGEST]),
        *more,
    ]


def _margin(finding: Finding) -> str:
    return f" (by {finding.margin:.3g})" if finding.margin else ""


def _who(finding: Finding) -> str:
    return finding.subject.email or finding.subject.name or finding.subject.id


def clock(time: datetime) -> str:
    """A time of a story, as its author counts: weekday, day and hour."""
    return f"{time:%a} {time.day} {time:%b %H:%M} UTC"
