"""Training now, and going back to an earlier model."""

from __future__ import annotations

from typing import Any

from detector import accounts
from detector.anomaly import model as models
from detector.changes.base import ChangeRefused, Office, Request
from detector.jobs import training
from detector.store.sqlite import Sqlite


class Train(Request, frozen=True):
    """Train the account's model now. In the service it is adopted by a later round of polling."""

    account: str

    def carry_out(self, office: Office) -> dict[str, Any]:
        """Begin; where no service runs, also adopt."""
        desk = office.desk(self.account)
        if desk.account.state.declaration is None:
            msg = (
                f"account {self.account!r} has no model declared; see models/isolation_forest.yaml"
            )
            raise ChangeRefused(msg)
        with desk.mutex:
            if desk.training is None:
                training.begin(desk, office.now)
            if desk.training is None or not desk.training.done():
                return {"account": self.account, "training": "begun", "model": None}
            identity = training.adopt(desk, office.now)
        if identity is None:
            msg = (
                f"account {self.account!r}: no model could be trained; too few hours are known yet"
            )
            raise ChangeRefused(msg)
        return {"account": self.account, "training": "done", "model": identity}


class Adopt(Request, frozen=True):
    """Use the model whose id begins with `model`; without one, the one before the present."""

    account: str
    model: str = ""

    def carry_out(self, office: Office) -> dict[str, Any]:
        """Let it take effect at the next place in the log."""
        desk = office.desk(self.account)
        at_work = desk.account.state.model
        chosen = _chosen(office.store, self, at_work.id if at_work else "")
        model, refused = accounts.usable(office.store, chosen)
        if refused:
            raise ChangeRefused(refused)
        declaration = desk.account.state.declaration
        if model is not None and declaration is not None and not models.fits(model, declaration):
            msg = (
                f"model {chosen} was trained for other declared features; 'vaultwatch model train'"
            )
            raise ChangeRefused(msg)
        training.use(desk, accounts.ROLLBACK, chosen, now=office.now)
        return {"account": self.account, "model": chosen, "before": at_work.id if at_work else None}


def _chosen(store: Sqlite, asked: Adopt, at_work: str) -> str:
    """The model that is meant. Raises ChangeRefused if there is none, or several."""
    names = [name for name, _ in store.models(asked.account)]
    if not asked.model:
        earlier = names[: names.index(at_work)] if at_work in names else names
        if not earlier:
            msg = f"account {asked.account!r} has no earlier model; 'vaultwatch model status' lists them"
            raise ChangeRefused(msg)
        return earlier[-1]
    found = [name for name in names if name.startswith(asked.model)]
    if len(found) != 1:
        words = "no model" if not found else f"{len(found)} models"
        msg = f"{asked.model}: {words} of that id; there are: {', '.join(names) or 'none'}"
        raise ChangeRefused(msg)
    return found[0]
