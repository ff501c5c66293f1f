"""Every change of an alert in a run, with the moment at which the service would learn of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from detector.alerts import Alert
from detector.findings import Finding
from detector.run import Run


@dataclass(frozen=True, slots=True)
class Change:
    """An alert as it stands after a finding; `at` is when that was received (microseconds)."""

    at: int
    alert: Alert


@dataclass
class Listener(Run):
    """A run that keeps each change of an alert: a page's outcome has only the last ones."""

    changes: list[Change] = field(kw_only=True)
    _at: int = 0

    def _tell(self, finding: Finding) -> None:
        before, self._at = self._at, self._received_at(finding.seq)
        super()._tell(finding)
        self._at = before

    def _keep(self, alert: Alert) -> None:
        self.changes.append(Change(self._at, alert))
        super()._keep(alert)
