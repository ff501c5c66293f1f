"""The daily and the weekly digest: what was only recorded, what waits, what is noisy, what is blind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from detector import rungs
from detector.alerts import Alert
from detector.delivery.bulletins import Digest, DigestKind, Section
from detector.delivery.digests import by_rule, levels, plural
from detector.delivery.nearness import (
    Below,
    Hidden,
    Near,
    below_line,
    hidden_line,
    near_line,
)
from detector.delivery.orders import Timetable
from detector.delivery.silences import Silence

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
MOST: Final = 15


@dataclass(frozen=True, slots=True)
class Daily:
    """What a day brought. `surroundings` are lines on rules, `messages` lines on deliveries.

    `quiet` are alerts that only the digest tells, `trial` those of rules on trial, `told` what
    people were told, `waiting` what is high and nobody has looked at. `held` counts findings
    that a rung held back, by rule and rung; `silenced` and `inhibited` are numbers of alerts.
    """

    quiet: Sequence[Alert] = ()
    trial: Sequence[Alert] = ()
    told: Sequence[Alert] = ()
    waiting: Sequence[Alert] = ()
    silenced: int = 0
    inhibited: int = 0
    silences: Sequence[tuple[Silence, int]] = ()
    held: Sequence[tuple[str, str, int]] = ()
    flaws: int = 0
    coverage: Sequence[str] = ()
    rules: Sequence[str] = ()
    messages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class RuleWeek:
    """How one rule did in a week: its alerts, and what people made of them.

    `patience` is the median time from the alert to the first word of a person about it.
    """

    rule: str
    title: str
    alerts: int
    looked_at: int
    false_positives: int
    benign: int
    resolved: int
    patience: timedelta | None = None

    @property
    def noise(self) -> int:
        """Alerts that were not worth a person's time."""
        return self.false_positives + self.benign


def daily(found: Daily, since: datetime, until: datetime) -> Digest:
    """The digest of a day; one that has nothing to tell says that all is quiet."""
    said = [
        f"{plural(len(found.told), 'alert')} told ({levels(found.told)})" if found.told else "",
        f"{plural(len(found.quiet), 'alert')} only here" if found.quiet else "",
        f"{found.silenced:,} silenced" if found.silenced else "",
        f"{found.inhibited:,} said by another alert" if found.inhibited else "",
    ]
    summary = ", ".join(part for part in said if part) or "All quiet"
    sections = (
        Section("High, and nobody has looked at it", _waiting(found.waiting, until)),
        Section("Only here", tuple(by_rule(found.quiet))),
        Section("Rules on trial", tuple(by_rule(found.trial))),
        Section("Silences", tuple(_silence(*each) for each in found.silences)),
        Section("Held back by rules themselves", tuple(_held(found.held))),
        Section("Coverage", tuple(found.coverage)),
        Section("Rules", tuple(found.rules)),
        Section("Messages and input", (*found.messages, *_flaws(found.flaws))),
    )
    filled = tuple(each for each in sections if each.lines)
    identity = f"dig-daily-{until:%Y%m%d-%H%M}"
    return Digest(identity, DigestKind.DAILY, "The last day", summary + ".", filled, since, until)


@dataclass(frozen=True, slots=True)
class Week:
    """What a week brought: how rules did, what came close, and what was hidden by what.

    `exceptions` are lines on what the exceptions of rules hid, `uncounted` on what correlations
    could not count.
    """

    rules: Sequence[RuleWeek] = ()
    near: Sequence[Near] = ()
    below: Sequence[Below] = ()
    hidden: Sequence[Hidden] = ()
    exceptions: Sequence[str] = ()
    uncounted: Sequence[str] = ()


def weekly(week: Week, since: datetime, until: datetime) -> Digest:
    """The digest of a week: the rules that cost people most for nothing come first."""
    rules = week.rules
    ranked = sorted(rules, key=lambda each: (-each.noise, -each.alerts, each.rule))
    noisy = [each for each in ranked if each.noise]
    alerts, noise = sum(each.alerts for each in rules), sum(each.noise for each in rules)
    summary = (
        f"{plural(alerts, 'alert')} of {plural(len(rules), 'rule')}; {noise:,} were benign or "
        f"false positives" + (f", most of {noisy[0].rule}." if noisy else ".")
    )
    sections = (
        Section("Noisy rules", tuple(_week(each) for each in noisy[:MOST])),
        Section("All others", tuple(_week(each) for each in ranked if not each.noise)[:MOST]),
        Section(
            "Near misses", (*map(near_line, week.near[:MOST]), *map(below_line, week.below[:MOST]))
        ),
        Section("Hidden by silences and other alerts", tuple(map(hidden_line, week.hidden[:MOST]))),
        Section("Hidden by exceptions", tuple(week.exceptions[:MOST])),
        Section("What correlations could not count, so far", tuple(week.uncounted[:MOST])),
    )
    filled = tuple(each for each in sections if each.lines)
    identity = f"dig-weekly-{until:%Y%m%d-%H%M}"
    return Digest(identity, DigestKind.WEEKLY, "The last week", summary, filled, since, until)


def is_due(last: datetime | None, now: datetime, table: Timetable, weekday: int | None) -> bool:
    """Whether a digest is due that was last made then; on that weekday, or each day.

    One that was missed is made up for; the very first waits for its time.
    """
    scheduled = _scheduled(now, table.at, table, weekday)
    if last is None:
        return now - scheduled < timedelta(minutes=15)
    return last < scheduled


def _scheduled(now: datetime, at: time, table: Timetable, weekday: int | None) -> datetime:
    """The newest time that was on the timetable."""
    there = now.astimezone(table.zone)
    moment = datetime.combine(there.date(), at, tzinfo=table.zone)
    while moment > there or (weekday is not None and moment.weekday() != weekday):
        moment = datetime.combine(moment.date() - DAY, at, tzinfo=table.zone)
    return moment


def _waiting(alerts: Sequence[Alert], now: datetime) -> tuple[str, ...]:
    oldest = sorted(alerts, key=lambda each: each.detected_at)[:MOST]
    lines = [
        f"for {_age(now - each.detected_at)}: {each.summary} ({each.id[:8]})" for each in oldest
    ]
    rest = len(alerts) - len(lines)
    return (*lines, f"and {rest:,} more") if rest > 0 else tuple(lines)


def _silence(silence: Silence, hidden: int) -> str:
    until = f"{silence.until:%a %d %b %H:%M} UTC"
    return f"{silence.text} until {until} by {silence.author}, {plural(hidden, 'alert')} hidden: {silence.reason}"


def _held(held: Sequence[tuple[str, str, int]]) -> list[str]:
    return [
        f"{plural(count, 'finding')} of {rule}: {rungs.words(rung)}"
        for rule, rung, count in held[:MOST]
    ]


def _flaws(flaws: int) -> tuple[str, ...]:
    return (f"{plural(flaws, 'record')} of the feeds could not be read as they should be",) * bool(
        flaws
    )


def _week(each: RuleWeek) -> str:
    looked = f"{100 * each.looked_at // each.alerts if each.alerts else 0}% looked at"
    patience = f" after {_age(each.patience)}" if each.patience is not None else ""
    judged = (
        f"{each.false_positives} false positive, {each.benign} benign, {each.resolved} resolved"
    )
    return f"{each.rule}: {plural(each.alerts, 'alert')}, {looked}{patience}, {judged}"


def _age(span: timedelta) -> str:
    """A span of time in its largest unit.

    >>> _age(timedelta(minutes=90)), _age(timedelta(days=3))
    ('90 min', '3 days')
    """
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"
