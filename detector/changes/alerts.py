"""What became of an alert."""

from __future__ import annotations

from typing import Any

from detector.alerts import Alert, Status
from detector.changes.base import ChangeRefused, Office, Request
from detector.store.sqlite import Sqlite


class SetStatus(Request, frozen=True):
    """Give the alert whose id begins with `alert` another status; `who` and `note` are kept."""

    alert: str
    status: Status
    who: str
    note: str = ""

    def carry_out(self, office: Office) -> dict[str, Any]:
        """Change it."""
        alert = one(office.store, self.alert)
        office.store.set_status(alert.id, self.status, at=office.now, who=self.who, note=self.note)
        return {"id": alert.id, "status": self.status}


def one(store: Sqlite, start: str) -> Alert:
    """The alert whose id begins with `start`. Raises ChangeRefused if it is not exactly one."""
    found = store.alert(start)
    if len(found) != 1:
        words = "no alert" if not found else f"{len(found)} alerts"
        msg = f"{start}: {words} of that id; 'vaultwatch alerts list' shows them"
        raise ChangeRefused(msg)
    return found[0]
