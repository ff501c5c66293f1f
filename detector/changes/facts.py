"""What a person says about facts: an entry of the log."""

from __future__ import annotations

from typing import Any, Final

from detector import accounts
from detector.changes.base import ChangeRefused, Office, Request
from detector.corrections import Correction, How
from detector.observations import KINDS
from detector.state import Memory
from detector.store.sqlite import Commit, Control

LONGEST: Final = 2_000
"""Characters of a value that a row keeps."""


class Correct(Request, frozen=True):
    """Pin or reject one fact about a person, or forget all about them."""

    account: str
    how: How
    person: str
    kind: str = ""
    value: str = ""

    def carry_out(self, office: Office) -> dict[str, Any]:
        """Let it take effect at the next place in the log."""
        desk = office.desk(self.account)
        if self.how is not How.RESET and (
            self.kind not in KINDS or not 0 < len(self.value) <= LONGEST
        ):
            msg = f"{self.kind!r} {self.value[:80]!r} is no fact; kinds are {', '.join(KINDS)}"
            raise ChangeRefused(msg)
        with desk.changing() as account:
            name = find(account.state.memory, self.person)
            correction = Correction(self.how, name, self.kind, self.value)
            seq = account.state.memory.seq + 1
            control = Control(seq, accounts.FACT, office.now, correction.dump())
            desk.commit(Commit(account.name, office.now, controls=[control]), "fact")
            accounts.apply(desk.store, account, control)
        return {"account": self.account, "person": name, "how": str(self.how), "seq": seq}


def find(memory: Memory, person: str) -> str:
    """The key of the person with that id or e-mail. Raises ChangeRefused."""
    if person in memory.facts.people:
        return person
    named = [
        name
        for name, (email, _) in memory.contacts.items()
        if email and email.casefold() == person.casefold() and name in memory.facts.people
    ]
    if len(named) != 1:
        words = "nobody" if not named else f"{len(named)} people"
        msg = f"{person}: {words} of that id or e-mail; 'vaultwatch facts list' shows who is known"
        raise ChangeRefused(msg)
    return named[0]
