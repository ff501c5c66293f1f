"""A person is to be forgotten."""

from __future__ import annotations

from typing import Any

from detector.changes.base import ChangeRefused, Office, Request
from detector.jobs import keep_state


class Forget(Request, frozen=True):
    """Forget who has this uuid or e-mail in an account: events, alerts and what was learned."""

    account: str
    actor: str

    def carry_out(self, office: Office) -> dict[str, Any]:
        """Rewrite the store, then make the account's state anew from what is left of its log."""
        desk = office.desk(self.account)
        with desk.changing():
            people = office.store.people(self.account, self.actor)
            if not people:
                msg = f"{self.actor}: no stored event of account {self.account!r} names anybody so"
                raise ChangeRefused(msg)
            gone = sum(
                office.store.forget(self.account, person, office.now, desk.point)
                for person in people
            )
            desk.reload()
        keep_state(desk, office.now)
        return {"account": self.account, "people": people, "events": gone}
