"""Housekeeping of one account's log, beside the polling and never in its way."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from detector.jobs.desk import Desk
from detector.jobs.polling import keep_state

log = structlog.get_logger()


def tidy(desk: Desk, now: datetime, *, remember: timedelta) -> None:
    """Write the pages of days that are over as files; once a day let go of what is too old."""
    name = desk.account.name
    files = desk.store.compact(name, desk.point)
    if files:
        log.info("days written as files", account=name, files=files)
    if desk.tidied == now.date():
        return
    # Only what a snapshot covers may go.
    keep_state(desk, now)
    gone = desk.store.expire(name, now - remember, desk.point)
    if gone:
        log.info("events let go", account=name, events=gone, older_than_days=remember.days)
    desk.store.outbox.forget(now - remember)
    desk.tidied = now.date()
