"""What came of a backtest over other products' events: one object for each match or alert."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from detector.correlations import wording
from detector.findings import Finding
from detector.foreign.reading import FILE, LINE, Events
from detector.rule import Rule
from detector.rulebook.book import Match

MOST_NAMED = 100
"""Events that the alert of a correlation names."""


@dataclass(frozen=True, slots=True)
class Naming:
    """Where the events are, and which of their fields say when they happened and who they are."""

    events: Events
    time: tuple[str, ...] = ()
    id: tuple[str, ...] = ()

    def place(self, row: int) -> tuple[str, int]:
        """File and line of an event."""
        return self.events.frame[FILE][row], self.events.frame[LINE][row]

    def where(self, row: int) -> str:
        """File and line of an event as one text."""
        return "{}:{}".format(*self.place(row))

    def identity(self, row: int) -> str:
        """The event's id; its place where it has none."""
        told = self._first(self.id, row)
        return self.where(row) if told is None else str(told)

    def told_time(self, row: int) -> Any:
        """The event's time as it says it."""
        return self._first(self.time, row)

    def _first(self, names: Iterable[str], row: int) -> Any:
        """The first of the fields that the event has."""
        frame = self.events.frame
        told = (frame[name][row] for name in names if name in frame.columns)
        return next((each for each in told if each is not None), None)


def match_line(match: Match, naming: Naming, row: int, has: dict[str, object]) -> dict[str, Any]:
    """The match of a rule and an event; `has` is what the event says in the rule's fields."""
    where = naming.where(row)
    return {
        "id": _key(match.rule, where),
        **_who(match.rule),
        "log_source": str(match.source),
        "time": naming.told_time(row),
        "event_ids": [naming.identity(row)],
        "where": where,
        "summary": match.rule.title,
        "evidence": has,
        "tags": match.rule.tags,
    }


@dataclass
class Fold:
    """Findings of one correlation and group that follow each other as one alert does."""

    rule: Rule
    first: Finding
    best: Finding
    last: Finding
    rows: dict[int, None] = field(default_factory=dict)
    """The events behind it, in their order."""
    firings: int = 0

    def takes(self, finding: Finding) -> bool:
        """Whether the finding comes before the alert's quiet time is over."""
        return finding.time - self.last.time <= self.rule.fold_for

    def add(self, finding: Finding) -> None:
        """Take a finding in; the worse evidence is kept."""
        self.last = finding
        self.best = max(self.best, finding, key=lambda each: each.rarity)
        self.rows |= dict.fromkeys(map(int, finding.event_ids))
        self.firings += 1


def folded(findings: Iterable[Finding], rules: Mapping[str, Rule]) -> list[Fold]:
    """The alerts that the findings make, in the order of their first events."""
    folds: list[Fold] = []
    newest: dict[tuple[str, ...], Fold] = {}
    for finding in sorted(findings, key=lambda each: (each.time, each.rule_id)):
        key = (finding.rule_id, *finding.evidence["group"].values())
        fold = newest.get(key)
        if fold is None or not fold.takes(finding):
            fold = newest[key] = Fold(rules[finding.rule_id], finding, finding, finding)
            folds.append(fold)
        fold.add(finding)
    return folds


def correlation_lines(folds: Iterable[Fold], naming: Naming) -> Iterator[dict[str, Any]]:
    """One object for each alert of a correlation."""
    for fold in folds:
        rule, rows = fold.rule, list(fold.rows)
        group = fold.best.evidence["group"]
        told = wording.tell(rule, ", ".join(group.values()), fold.best.evidence)
        where = naming.where(int(fold.first.event_ids[-1]))
        yield {
            "id": _key(rule, "\n".join((where, *group.values()))),
            **_who(rule),
            "time": _iso(fold.last.time),
            "first_time": _iso(fold.first.first_time),
            "event_ids": [naming.identity(row) for row in rows[:MOST_NAMED]],
            "count": len(rows),
            "firings": fold.firings,
            "where": where,
            "summary": told.summary,
            "evidence": fold.best.evidence,
            "why": told.why,
            "tags": rule.tags,
        }


def _who(rule: Rule) -> dict[str, Any]:
    return {
        "rule": {"id": rule.id, "name": rule.name, "title": rule.title},
        "level": rule.level,
    }


def _key(rule: Rule, where: str) -> str:
    return hashlib.sha256(f"{rule.id}\n{where}".encode()).hexdigest()[:26]


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
