"""Watching over the watcher: what is wrong becomes alerts to the operator, and so does its end.

It runs beside the polls, so that one that hangs is seen; and where the store itself fails, so
that nothing can be put into the outbox, the destinations are told directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from detector import troubles
from detector.alerts import Alert
from detector.delivery.bulletins import Notice
from detector.findings import Level
from detector.jobs.desk import Desk
from detector.jobs.health import Health
from detector.jobs.health import troubles as found_in
from detector.ports import Attempt, DeliveryError, Notifier
from detector.store.database import StoreError
from detector.store.sqlite import Commit
from detector.troubles import Kind, Trouble

TOLD_AGAIN_AFTER: Final = timedelta(hours=1)

log = structlog.get_logger()


def watch(
    desk: Desk, now: datetime, free_bytes: int | None = None, others: tuple[Trouble, ...] = ()
) -> tuple[Alert, ...]:
    """Compare what is wrong with what was told; store and tell the difference. Raises StoreError.

    `others` is what is wrong with the service as a whole.
    """
    store, name = desk.store, desk.account.name
    pulses = {feed: desk.pulse(feed) for feed in desk.vitals.feeds}
    trials = desk.account.state.memory.channel.trials
    health = Health(
        name,
        desk.vitals,
        dict(desk.lanes),
        store.coverage(name),
        pulses,
        free_bytes=free_bytes,
        refused=desk.account.refused,
        trial=trials[-1] if trials else None,
        others=others,
    )
    changed = troubles.decide(found_in(health, now), store.own_alerts(name, closed=True), name, now)
    if not changed:
        return ()
    store.commit(Commit(name, now, alerts=changed))
    for alert in changed:
        log.warning("operator alert", account=name, rule=alert.rule.id, text=alert.summary)
    return changed


@dataclass
class Direct:
    """The way past a store that fails: straight to every destination, at most once an hour."""

    notifiers: Mapping[str, Notifier]
    _told: dict[str, datetime] = field(default_factory=dict)

    def failed(self, account: str, error: str, now: datetime) -> None:
        """Say that the store of an account fails."""
        last = self._told.get(account)
        if last is not None and now - last < TOLD_AGAIN_AFTER:
            return
        self._told[account] = now
        words = (
            f"What {account} reads cannot be stored: {error}",
            *troubles.STEPS[Kind.STORE_FAILING],
        )
        self._send(account, troubles.TITLES[Kind.STORE_FAILING], words, now)

    def worked(self, account: str, now: datetime) -> None:
        """Say that it is over, if it was told that it fails."""
        if self._told.pop(account, None) is not None:
            self._send(account, "The store works again", (f"{account} is stored again.",), now)

    def _send(self, account: str, title: str, lines: tuple[str, ...], now: datetime) -> None:
        notice = Notice(
            f"{Kind.STORE_FAILING}-{account}-{int(now.timestamp())}",
            title,
            lines,
            now,
            Level.CRITICAL,
        )
        for name, notifier in self.notifiers.items():
            try:
                notifier.send(notice, Attempt(notice.id))
            except DeliveryError as error:
                log.error("not told directly", destination=name, error=str(error))
            except Exception:
                # A notifier with a mistake in it must not keep the others from being told.
                log.exception("notifier broke", destination=name)


@dataclass(frozen=True)
class Shared:
    """How the service as a whole fares; its `troubles` are told with the account `teller`."""

    free_bytes: int | None = None
    troubles: tuple[Trouble, ...] = ()
    teller: str = ""


def watch_all(desks: Sequence[Desk], direct: Direct, now: datetime, shared: Shared) -> None:
    """Watch every account; one that cannot be watched does not hide the others."""
    for desk in desks:
        others = shared.troubles if desk.account.name == shared.teller else ()
        try:
            watch(desk, now, shared.free_bytes, others)
        except StoreError as error:
            log.error("cannot be watched", account=desk.account.name, error=str(error))
            direct.failed(desk.account.name, str(error), now)
        else:
            if desk.vitals.broken is None:
                direct.worked(desk.account.name, now)
