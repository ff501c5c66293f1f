"""Other rules for an account at work: an entry of its log, between two pages."""

from __future__ import annotations

from datetime import datetime

from detector import accounts
from detector.accounts import Account
from detector.jobs.desk import Desk
from detector.plans import Texts
from detector.store.sqlite import Commit, Control


def adopt(desk: Desk, texts: Texts, now: datetime) -> bool:
    """Let the account run these texts from here on; false if it does. Raises StoreError."""
    if desk.account.texts.version == texts.version:
        return False
    with desk.changing() as account:
        _take(desk, account, texts, now)
    return True


def renew(desk: Desk, now: datetime) -> None:
    """Once a day, adopt the plan anew if an exception in it has expired meanwhile."""
    if desk.looked == now.date():
        return
    with desk.changing() as account:
        if accounts.is_over(desk.store, account, now):
            _take(desk, account, account.texts, now)
    desk.looked = now.date()


def _take(desk: Desk, account: Account, texts: Texts, now: datetime) -> None:
    control = Control(account.state.memory.seq + 1, accounts.PLAN, now, texts.dump())
    desk.commit(Commit(account.name, now, controls=[control]), "plan")
    accounts.apply(desk.store, account, control)
