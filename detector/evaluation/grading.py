"""Alerts against labels: an attack is found by an alert that names one of its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detector.alerts import Alert
from detector.findings import Level
from detector.simulator import Attack


@dataclass(frozen=True, slots=True)
class Catch:
    """An attack, and the alerts that name one of its events in the order of their telling."""

    attack: Attack
    alerts: tuple[Alert, ...]
    told: tuple[Alert, ...]
    """Those of them that interrupt a person."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What was alerted against what was done."""

    catches: tuple[Catch, ...]
    true_alerts: tuple[Alert, ...]
    """Alerts of medium or above that name an event of an attack."""
    false_alerts: tuple[Alert, ...]
    """Alerts of medium or above that name none."""
    digest: tuple[Alert, ...]
    """Alerts below medium, and of rules on trial: kept for the digest, not sent."""


def grade(
    attacks: Sequence[Attack], alerts: Sequence[Alert], on_trial: frozenset[str] = frozenset()
) -> Grade:
    """Compare what was alerted with what was done; `on_trial` are ids of rules that only try out."""

    def is_told(alert: Alert) -> bool:
        return alert.level.rank >= Level.MEDIUM.rank and alert.rule.id not in on_trial

    by_event: dict[str, list[str]] = {}
    for attack in attacks:
        for event in attack.event_uuids:
            by_event.setdefault(event, []).append(attack.id)
    caught: dict[str, list[Alert]] = {attack.id: [] for attack in attacks}
    right, wrong, digest = list[Alert](), list[Alert](), list[Alert]()
    for alert in sorted(alerts, key=lambda each: (each.detected_at, each.id)):
        named = {attack for event in alert.event_ids for attack in by_event.get(event, ())}
        for identity in named:
            caught[identity].append(alert)
        if is_told(alert):
            (right if named else wrong).append(alert)
        else:
            digest.append(alert)
    return Grade(
        catches=tuple(
            Catch(attack, tuple(found := caught[attack.id]), tuple(filter(is_told, found)))
            for attack in attacks
        ),
        true_alerts=tuple(right),
        false_alerts=tuple(wrong),
        digest=tuple(digest),
    )
