"""Messages that are to go out again."""

from __future__ import annotations

from typing import Any

from detector.changes.base import Office, Request


class Retry(Request, frozen=True):
    """Send again what is not sent, of alerts whose id begins with `alert`."""

    alert: str = ""

    def carry_out(self, office: Office) -> dict[str, Any]:
        """Let the next round of telling try."""
        return {"retried": office.store.outbox.retry(self.alert, office.now)}
