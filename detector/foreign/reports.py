"""The report of a backtest over other products' events, as one JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from detector import workhours
from detector.foreign.comparing import Comparison, Difference
from detector.foreign.correlating import Watched
from detector.foreign.expectations import Verdict
from detector.foreign.reasons import MEANING, Reason
from detector.foreign.sqlite_correlations import Disputed
from detector.foreign.stages import Stage
from detector.foreign.telling import Fold, Naming
from detector.rule import Rule
from detector.rulebook.book import Match
from detector.rulebook.loaded import Loaded

MOST_SHOWN: Final = 1_000
"""Differences that the report lists; the others are counted."""


@dataclass
class Ran:
    """All that came of a backtest: what was there, what fired where, and what differed."""

    loaded: Loaded
    naming: Naming
    stages: Sequence[Stage]
    rules: Sequence[Match]
    """The rules on single events that raise alerts."""
    firings: dict[str, Counter[tuple[str, int]]] = field(default_factory=dict)
    """By rule id how often it matched which file and line."""
    watched: Watched = field(default_factory=Watched)
    folds: Sequence[Fold] = ()
    comparison: Comparison | None = None
    verdict: Verdict | None = None

    @property
    def counts(self) -> Counter[str]:
        """How often each rule matched."""
        return Counter({rule: fired.total() for rule, fired in self.firings.items()})

    def named(self, rule: str) -> Rule:
        """The rule of an id."""
        return self.loaded.rulebook.rules[rule]

    def fire(self, rule: str, row: int, times: int = 1) -> None:
        """Note that a rule matched an event."""
        self.firings.setdefault(rule, Counter())[self.naming.place(row)] += times

    @property
    def is_clean(self) -> bool:
        """Whether every document loaded and nothing differs that should not."""
        return not (
            self.loaded.mistakes
            or (self.comparison and self.comparison.unknown)
            or (self.verdict and self.verdict.surprises)
        )


def report(ran: Ran) -> dict[str, Any]:
    """What loaded, what failed and why, which events each log source had, what fired and differed."""
    loaded, events = ran.loaded, ran.naming.events
    found = {
        "documents": {"found": loaded.documents, "loaded": loaded.loaded},
        "mistakes": [asdict(mistake) for mistake in loaded.mistakes],
        "events": {"read": events.frame.height, "set_aside": len(events.flaws)},
        "log_sources": [
            {
                "name": stage.source.name,
                "events": len(stage.rows),
                "rules": sum(stage.takes(match) for match in ran.rules),
            }
            for stage in ran.stages
        ],
        "rules": {
            "run": len(ran.rules),
            "without_events": sum(
                not any(stage.takes(match) for stage in ran.stages) for match in ran.rules
            ),
            "fired": len(ran.firings),
        },
        "fired": [_fired(ran.named(rule), count) for rule, count in ran.counts.most_common()],
        "correlations": _correlations(ran),
    }
    if ran.comparison is not None:
        found["compared"] = _compared(ran, ran.comparison)
    if ran.verdict is not None:
        found["expected"] = _expected(ran.verdict)
    return found


def _fired(rule: Rule, count: int) -> dict[str, Any]:
    return {"id": rule.id, "title": rule.title, "level": rule.level, "matches": count}


def _correlations(ran: Ran) -> dict[str, Any]:
    alerts = Counter(fold.rule.id for fold in ran.folds)
    return {
        "run": [
            {
                "id": rule,
                "title": ran.named(rule).title,
                "alerts": alerts[rule],
                "events_without_group": tail.ungrouped,
                "events_without_value": tail.valueless,
                "events_too_many": tail.crowded,
            }
            for rule, tail in ran.watched.tails.items()
        ],
        "not_run": [_titled(entry.rule) for entry in ran.watched.not_run],
        "behaviors_not_run": [_titled(rule) for rule in ran.loaded.rulebook.of_our_own],
        "events_without_time": ran.watched.undated,
    }


def _titled(rule: Rule) -> dict[str, Any]:
    return {"id": rule.id, "title": rule.title}


def _compared(ran: Ran, comparison: Comparison) -> dict[str, Any]:
    return {
        "with": "pysigma-backend-sqlite",
        "rules": len(comparison.compared),
        "rules_left_out": [
            _titled(ran.named(rule)) | {"why": why} for rule, why in comparison.left_out.items()
        ],
        "same_matches": comparison.same,
        "same_windows": comparison.same_windows,
        "different": comparison.different,
        "unexplained": comparison.unknown,
        "reasons": {
            reason: {"matches": count, "meaning": MEANING[reason]}
            for reason, count in comparison.reasons.items()
        },
        "differences": [
            _difference(ran, each)
            for each in sorted(comparison.differences, key=lambda each: bool(each.reason))
        ][:MOST_SHOWN],
        "windows": [_window(ran, each) for each in comparison.windows[:MOST_SHOWN]],
    }


def _window(ran: Ran, each: Disputed) -> dict[str, Any]:
    rule, group, time = each.firing
    return {
        "rule": _titled(ran.named(rule)),
        "group": group,
        "time": workhours.instant(time),
        "held_by": "vaultwatch" if each.ours else "sqlite",
        "reason": Reason.TIES if each.tied else None,
    }


def _difference(ran: Ran, each: Difference) -> dict[str, Any]:
    return {
        "rule": _titled(ran.named(each.rule_id)),
        "where": ran.naming.where(each.row),
        "matched_by": "vaultwatch" if each.ours else "sqlite",
        "item": each.item,
        "value": each.value,
        "reason": each.reason or None,
    }


def _expected(verdict: Verdict) -> dict[str, Any]:
    return {
        "met": verdict.met,
        "differences": [asdict(each) for each in verdict.surprises[:MOST_SHOWN]],
        "not_met": len(verdict.surprises),
        "rules_not_here": sorted(verdict.absent),
    }
