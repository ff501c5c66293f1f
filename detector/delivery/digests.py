"""What digests say: many alerts by rule, with how many, about whom, from where."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from detector.alerts import Alert
from detector.delivery.bulletins import Digest, DigestKind, Section
from detector.findings import LEVELS, Level

MOST_RULES: Final = 20
MOST_NAMED: Final = 3


def flood(identity: str, alerts: Sequence[Alert], since: datetime, now: datetime) -> Digest:
    """More alerts than people can read one by one."""
    return Digest(
        identity,
        DigestKind.FLOOD,
        f"{len(alerts):,} more alerts at once",
        f"{levels(alerts)} in {plural(len({each.rule.id for each in alerts}), 'rule')}. "
        f"All of them: vaultwatch alerts list --digest {identity}",
        (Section("By rule", tuple(by_rule(alerts))),),
        since,
        now,
        worst(alerts),
    )


def late(identity: str, alerts: Sequence[Alert], since: datetime, now: datetime) -> Digest:
    """What happened while nobody was looking, with its real times."""
    return Digest(
        identity,
        DigestKind.LATE,
        f"{len(alerts):,} alerts from a time when the feeds could not be read",
        f"{levels(alerts)}, {span(alerts)}. "
        f"All of them: vaultwatch alerts list --digest {identity}",
        (Section("By rule", tuple(by_rule(alerts))), _one_by_one(alerts)),
        since,
        now,
        worst(alerts),
    )


def outage(
    identity: str, destination: str, alerts: Sequence[Alert], since: datetime, now: datetime
) -> Digest:
    """What could not be sent while a destination was away."""
    hours = (now - since).total_seconds() / 3600
    return Digest(
        identity,
        DigestKind.CATCH_UP,
        f"{destination} could not be reached for {hours:,.0f} h: {len(alerts):,} alerts waited",
        f"{levels(alerts)}, {span(alerts)}. What is high and still open follows one by one. "
        f"All of them: vaultwatch alerts list --digest {identity}",
        (Section("By rule", tuple(by_rule(alerts))), _one_by_one(alerts)),
        since,
        now,
        worst(alerts),
    )


def by_rule(alerts: Iterable[Alert]) -> list[str]:
    """A line for each rule: how many, about whom, the top address; the worst rule first."""
    groups: dict[str, list[Alert]] = defaultdict(list)
    for each in alerts:
        groups[each.rule.id].append(each)
    ranked = sorted(groups.values(), key=lambda group: (-worst(group).rank, -len(group)))
    lines = [_rule(group) for group in ranked[:MOST_RULES]]
    if len(ranked) > MOST_RULES:
        rest = sum(len(group) for group in ranked[MOST_RULES:])
        lines.append(f"{rest:,} of {len(ranked) - MOST_RULES} further rules")
    return lines


def levels(alerts: Iterable[Alert]) -> str:
    """How many of each level, the worst first."""
    counts = Counter(each.level for each in alerts)
    found = [f"{counts[level]:,} {level}" for level in reversed(LEVELS) if counts[level]]
    return ", ".join(found) or "none"


def span(alerts: Sequence[Alert]) -> str:
    """From when to when they happened."""
    first, last = min(each.first_time for each in alerts), max(each.time for each in alerts)
    return f"from {first:%a %d %b %H:%M} to {last:%a %d %b %H:%M} UTC"


def worst(alerts: Iterable[Alert]) -> Level:
    """The highest level among them."""
    return max((each.level for each in alerts), key=lambda level: level.rank)


def plural(count: int, noun: str) -> str:
    """A number and its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def who(alert: Alert) -> str:
    """Whom or what an alert is about, in a word or two."""
    subject = alert.subject
    return subject.name or subject.email or f"{subject.type} {subject.id}"


def _rule(group: Sequence[Alert]) -> str:
    people = Counter(who(each) for each in group)
    named = [name for name, _ in people.most_common(MOST_NAMED)]
    rest = len(people) - len(named)
    about = ", ".join(named) + (f" and {rest:,} more" if rest > 0 else "")
    addresses = Counter(str(ip) for each in group if (ip := each.evidence.get("source.ip")))
    top = f"; most from {addresses.most_common(1)[0][0]}" if addresses else ""
    first = group[0]
    return f"{plural(len(group), 'alert')}, {worst(group)}: {first.rule.title}: {about}{top}"


def _one_by_one(alerts: Sequence[Alert]) -> Section:
    """The worst of them, each with its time."""
    ranked = sorted(alerts, key=lambda each: (-each.level.rank, -each.score, each.time))
    lines = [f"{each.time:%a %d %b %H:%M} {each.level}: {each.summary}" for each in ranked]
    return Section("The worst", tuple(lines[:10]))
