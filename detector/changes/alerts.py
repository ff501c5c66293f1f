"""What became of an alert, and which alerts are not to be sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from detector import jobs
from detector.alerts import Alert
from detector.changes.base import ChangeRefused, Office, Request
from detector.delivery.commands import Command, Refused, Verb
from detector.delivery.journal import How
from detector.store.sqlite import Sqlite


class Act(Request, frozen=True):
    """Do what `verb` says to the alert or incident whose id is, or begins with, `target`.

    With `silence` a silence of `matchers` begins, with `expire` the silence `target` ends.
    """

    verb: Verb
    target: str
    who: str
    how: How = How.CLI
    note: str = ""
    until: datetime | None = None
    matchers: tuple[str, ...] = ()

    def carry_out(self, office: Office) -> dict[str, Any]:
        """Do it; the id, the status it has now, and the alerts that a silence would have hidden."""
        command = Command(
            self.verb, self.target, self.who, self.how, self.note, self.until, self.matchers
        )
        try:
            done = jobs.obey(office.store, command, office.orders, office.now)
        except Refused as refusal:
            raise ChangeRefused(str(refusal)) from refusal
        hidden = [each.id for each in done.hidden]
        return {"id": done.id, "status": done.status, "text": done.text, "hidden": hidden}


def one(store: Sqlite, start: str) -> Alert:
    """The alert whose id begins with `start`. Raises ChangeRefused if it is not exactly one."""
    found = store.alert(start)
    if len(found) != 1:
        words = "no alert" if not found else f"{len(found)} alerts"
        msg = f"{start}: {words} of that id; 'vaultwatch alerts list' shows them"
        raise ChangeRefused(msg)
    return found[0]
