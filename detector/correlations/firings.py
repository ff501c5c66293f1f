"""Findings of correlations, with what was counted as evidence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import chain
from typing import Any, Final

from detector import workhours
from detector.correlations.definition import Definition
from detector.correlations.judging import Firing
from detector.correlations.walks import Entry, Ordered, Together
from detector.findings import Finding
from detector.rule import Rule

MOST_IDS: Final = 100
SUPERSEDED: Final = "superseded"
"""Why a finding is held back that a late event has made untrue."""


def finding(rule: Rule, what: Definition, firing: Firing, seq: int) -> Finding:
    """The finding of a firing; `seq` is the place in the log at which it was seen."""
    entries = firing.group.entries
    news = [entries[place] for place in firing.news]
    named = _named(entries, firing, news)
    fresh = sum(len(entry.ids) for entry in news)
    last = entries[firing.at].time + (what.span if firing.silent else 0)
    return Finding(
        rule_id=rule.id,
        level=rule.level,
        rarity=_rarity(what, firing),
        subject=firing.group.subject,
        time=workhours.instant(last),
        first_time=workhours.instant(entries[firing.low].time),
        seq=seq,
        event_ids=tuple(chain.from_iterable(entry.ids for entry in named))[-MOST_IDS:],
        event_seqs=tuple(chain.from_iterable(entry.seqs for entry in named))[-MOST_IDS:],
        evidence=_evidence(what, firing),
        suppressed_by=SUPERSEDED if firing.undone else None,
        count=max(firing.at - firing.low + 1, fresh),
        news=fresh,
    )


def _named(entries: list[Entry], firing: Firing, news: list[Entry]) -> Iterable[Entry]:
    """The entries that the evidence names: what was told before, then what is new."""
    room = MOST_IDS - len(news)
    if room <= 0:
        return news[-MOST_IDS:]
    fresh = set(firing.news)
    old: list[Entry] = []
    for place in range(firing.at, firing.low - 1, -1):
        if len(old) == room:
            break
        if place not in fresh:
            old.append(entries[place])
    return [*reversed(old), *news]


def _rarity(what: Definition, firing: Firing) -> float:
    """Half for what just holds, nearer to one the further it goes."""
    least = what.asked.least
    if least is None or least <= 0 or firing.value <= 0:
        return 0.5
    return max(0.5, 1 - 0.5 * least / firing.value)


def _evidence(what: Definition, firing: Firing) -> dict[str, Any]:
    group = dict(zip(what.keys, firing.group.key, strict=True))
    evidence: dict[str, Any] = {
        "correlation": what.kind,
        "group": group,
        "asked": what.asked.words,
        "span_seconds": what.span // 1_000_000,
        "looks_at": [base.phrase for base in what.bases],
        "count": firing.at - firing.low + 1,
    }
    if firing.silent:
        return evidence | {"count": 0, "counted": 0}
    if isinstance(firing.group.walk, Together | Ordered):
        return evidence | {"steps": _steps(what, firing.shown)}
    if what.counted is not None:
        evidence |= {"field": what.counted, "values": firing.shown}
    return evidence | {"counted": firing.value}


def _steps(what: Definition, times: list[int | None]) -> list[str]:
    """What was seen when, in the order of the rules."""
    return [
        f"{workhours.instant(time):%H:%M:%S} {base.phrase}"
        for base, time in zip(what.bases, times, strict=False)
        if time is not None
    ]


def span_of(seconds: int) -> str:
    """A span of time in words.

    >>> span_of(600), span_of(5400), span_of(86400)
    ('10 minutes', '90 minutes', '24 hours')
    """
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % size == 0 and seconds >= (2 * size if unit == "day" else size):
            return f"{seconds // size} {unit}" + "s" * (seconds != size)
    return str(timedelta(seconds=seconds)) if seconds > 120 else f"{seconds} seconds"
