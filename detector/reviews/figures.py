"""The figures of a replay: alerts by rule and day, examples, and what rungs held back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from detector.alerts import Alert, RuleRef, to_json
from detector.backtesting import Replayed
from detector.findings import LEVELS, Finding, Level
from detector.rule import Rule

SAMPLES: Final = 3
"""Alerts of each rule that are shown."""
MOST_DAYS: Final = 400
"""Days that are counted one by one, the newest: one item of the year 1990 must not make a table."""


@dataclass(frozen=True)
class OfRule:
    """One rule in a replay. `by_day` goes along the days of the review.

    `held` counts findings by the rung that held them back, `taught` those of the teaching time.
    """

    rule: RuleRef
    level: Level
    """The worst of its alerts; the rule's own if it has none."""
    alerts: int
    by_level: Mapping[Level, int]
    by_day: Sequence[int]
    held: Mapping[str, int]
    taught: int
    samples: Sequence[Alert] = ()


@dataclass(frozen=True)
class Review:
    """A replay in figures. `days` are those (UTC) of its events, without a hole.

    `by_day` counts alerts of each level along the days, `events_by_day` events. `held` counts by
    rung over all rules.
    """

    events: int
    duplicates: int
    trained: int
    alerts: int
    held_back: int
    days: Sequence[date]
    events_by_day: Sequence[int]
    by_day: Mapping[Level, Sequence[int]]
    rules: Sequence[OfRule] = field(default=())
    held: Mapping[str, int] = field(default_factory=dict)


def review(done: Replayed) -> Review:
    """The figures of a replay; rules with the most alerts first, those with none left out."""
    found = sorted(done.alerts.values(), key=lambda alert: (alert.time, alert.id))
    days = _days([*done.by_day, *(_day(alert.first_time) for alert in found)])
    alerts: dict[str, list[Alert]] = defaultdict(list)
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for alert in found:
        alerts[alert.rule.id].append(alert)
    for finding in done.suppressed:
        held[finding.rule_id][_rung(finding)] += 1
    names = {*alerts, *held, *done.warm_up}
    rules = [
        _of_rule(_rule(done, name), alerts[name], (days, held[name], done.warm_up.get(name, 0)))
        for name in names
    ]
    return Review(
        events=done.events,
        duplicates=done.duplicates,
        trained=done.trained,
        alerts=len(found),
        held_back=len(done.suppressed),
        days=days,
        events_by_day=[done.by_day.get(day, 0) for day in days],
        by_day={level: _by_day([a for a in found if a.level is level], days) for level in LEVELS},
        rules=sorted(
            rules, key=lambda each: (-each.alerts, -sum(each.held.values()), each.rule.name)
        ),
        held=dict(Counter(map(_rung, done.suppressed)).most_common()),
    )


def as_json(found: Review) -> dict[str, Any]:
    """The review as one JSON object."""
    return {
        "events": found.events,
        "duplicates": found.duplicates,
        "models_trained": found.trained,
        "alerts": found.alerts,
        "held_back": found.held_back,
        "days": [day.isoformat() for day in found.days],
        "events_by_day": list(found.events_by_day),
        "alerts_by_day": {level.value: list(counts) for level, counts in found.by_day.items()},
        "held_back_by_rung": dict(found.held),
        "rules": [
            {
                "id": each.rule.id,
                "name": each.rule.name,
                "title": each.rule.title,
                "level": each.level,
                "alerts": each.alerts,
                "by_level": dict(each.by_level),
                "by_day": list(each.by_day),
                "held_back_by_rung": dict(each.held),
                "taught": each.taught,
                "samples": [to_json(alert) for alert in each.samples],
            }
            for each in found.rules
        ],
    }


def _of_rule(
    rule: Rule, alerts: Sequence[Alert], beside: tuple[Sequence[date], Counter[str], int]
) -> OfRule:
    days, held, taught = beside
    levels = Counter(alert.level for alert in alerts)
    return OfRule(
        rule=RuleRef(rule.id, rule.name or rule.id, rule.title),
        level=max(levels, key=lambda level: level.rank, default=rule.level),
        alerts=len(alerts),
        by_level={level: levels[level] for level in reversed(LEVELS) if levels[level]},
        by_day=_by_day(alerts, days),
        held=dict(held.most_common()),
        taught=taught,
        samples=sorted(alerts, key=lambda alert: (-alert.score, alert.time))[:SAMPLES],
    )


def _rule(done: Replayed, name: str) -> Rule:
    state = done.knew.get(name)
    return state.rules[name] if state else Rule(name, name, name, Level.LOW)


def _rung(finding: Finding) -> str:
    return finding.suppressed_by or "amended"


def _day(time: datetime) -> date:
    return time.astimezone(UTC).date()


def _days(seen: Iterable[date]) -> list[date]:
    """Every day from the first to the last."""
    known = sorted(set(seen))
    if not known:
        return []
    count = min((known[-1] - known[0]).days + 1, MOST_DAYS)
    return [known[-1] - timedelta(days=count - 1 - at) for at in range(count)]


def _by_day(alerts: Iterable[Alert], days: Sequence[date]) -> list[int]:
    counts = Counter(_day(alert.first_time) for alert in alerts)
    return [counts[day] for day in days]
