"""What came close to an alert, and what silences and inhibitions kept from people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from detector import rungs
from detector.delivery.digests import plural


@dataclass(frozen=True, slots=True)
class Near:
    """How often one rung held one rule back, and the finding that it held back by least.

    `margin` is null where the rung holds or does not; then `who` is of the newest finding.
    """

    rule: str
    rung: str
    count: int
    margin: float | None
    who: str
    time: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class Below:
    """A count that nearly reached what a rule asks, at its highest in the time looked at."""

    rule: str
    who: str
    counted: float
    asked: float
    time: datetime


@dataclass(frozen=True, slots=True)
class Hidden:
    """Alerts that one silence, or the alerts of one rule, kept from people. `what` says which."""

    what: str
    alerts: int


def nearest(held: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> list[Near]:
    """By rule and rung the finding that came closest; `held` as the store has them.

    The closest of all come first, then those whose rung has no number, the most frequent first.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for each in held:
        groups[names.get(each["rule_id"], each["rule_id"]), each["rung"]].append(each)
    found = [_near(rule, rung, group) for (rule, rung), group in groups.items()]
    return sorted(
        found,
        key=lambda near: (
            near.margin is None,
            near.margin or 0.0,
            -near.count,
            near.rule,
            near.rung,
        ),
    )


def _near(rule: str, rung: str, group: Sequence[Mapping[str, Any]]) -> Near:
    newest = max(group, key=lambda each: (each["time"], each["seq"]))
    closest = newest
    if rung in rungs.UNITS:
        known = [each for each in group if each["margin"] is not None]
        closest = min(known, key=lambda each: each["margin"], default=newest)
    margin = closest["margin"] if rung in rungs.UNITS else None
    subject = closest["subject"]
    return Near(
        rule, rung, len(group), margin,
        subject["name"] or subject["email"] or subject["id"],
        datetime.fromisoformat(closest["time"]), (closest["event_ids"] or [""])[-1],
    )  # fmt: skip


def near_line(near: Near) -> str:
    """A rung's findings in one line."""
    by = rungs.margin_of(near.rung, near.margin)
    which = f"nearest {by}" if by else "newest"
    when = f"{near.time:%a %d %b %H:%M} UTC"
    return (
        f"{near.rule}: {plural(near.count, 'finding')} held back: {rungs.words(near.rung)}; "
        f"{which}: {near.who}, {when} (event {near.event_id})"
    )


def below_line(below: Below) -> str:
    """A count that nearly was enough, in one line."""
    return (
        f"{below.rule}: {below.counted:,g} of {below.asked:,g}: {below.who}, "
        f"{below.time:%a %d %b %H:%M} UTC"
    )


def hidden_line(hidden: Hidden) -> str:
    """What something hid, in one line."""
    return f"{hidden.what}: {plural(hidden.alerts, 'alert')} hidden"
