"""Interruptions: false alerts as a recipient hears them, told together where delivery tells them so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from detector.alerts import Alert
from detector.delivery import incidents
from detector.evaluation.grading import Grade

WINDOW: Final = timedelta(hours=2)
"""The default of `delivery.incident_window`."""


@dataclass
class _Incident:
    first_time: datetime
    time: datetime
    held: set[str] = field(default_factory=set)
    is_right: bool = False


def interruptions(grade: Grade) -> int:
    """How many incidents of told alerts hold no alert that names an event of an attack.

    Alerts join by the keys and the nearness in time by which the service joins them; nobody closes
    an incident meanwhile.
    """
    told = [(alert, True) for alert in grade.true_alerts]
    told += [(alert, False) for alert in grade.false_alerts]
    opened: list[_Incident] = []
    for alert, is_right in sorted(told, key=lambda each: (each[0].detected_at, each[0].id)):
        keys = incidents.keys(alert)
        near = [each for each in opened if _joins(alert, keys, each)]
        incident = max(near, key=lambda each: each.time, default=None)
        if incident is None:
            incident = _Incident(alert.first_time, alert.time)
            opened.append(incident)
        incident.first_time = min(incident.first_time, alert.first_time)
        incident.time = max(incident.time, alert.time)
        incident.held.update(keys.holds)
        incident.is_right |= is_right
    return sum(not each.is_right for each in opened)


def _joins(alert: Alert, keys: incidents.Keys, old: _Incident) -> bool:
    span = {"first_time": old.first_time, "time": old.time}
    return not old.held.isdisjoint(keys.seeks) and incidents.joins(alert, window=WINDOW, **span)
