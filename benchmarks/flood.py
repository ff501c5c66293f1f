"""Ten thousand alerts in one minute: how many messages people get, and how long deciding takes."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from detector.delivery.bulletins import Bulletin
from detector.delivery.orders import Flood
from detector.ports import Message
from detector.store.sqlite import Commit
from tests.delivery import Day, alert, day, high
from tests.fakes import ORDERS, Mailbox

ALERTS = 10_000
ONE_IN = 10
"""One alert in so many is high."""


def main() -> None:
    """Store, decide, send; print each step's seconds and what was sent."""
    orders = replace(ORDERS, destinations=("slack",), editing=frozenset({"slack"}), flood=Flood())
    found = [
        high(f"p{number}") if number % ONE_IN == 0 else alert(f"p{number}")
        for number in range(ALERTS)
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        day(Path(folder), orders, slack=Mailbox("slack", edits=True)) as one,
    ):
        started = time.perf_counter()
        for start in range(0, ALERTS, 1000):
            one.store.commit(Commit("acme", one.now, alerts=found[start : start + 1000]))
        stored = time.perf_counter()
        one.tell()
        told = time.perf_counter()
        one.tell(timedelta(minutes=1))
        listed = {name for each in one.box.messages for name in _named(one, each)}
        print(
            f"{ALERTS:,} alerts: stored in {stored - started:.2f} s, decided and told in "
            f"{told - stored:.2f} s; {len(one.box.messages)} messages, "
            f"{ALERTS - len(listed)} alerts in none of them"
        )


def _named(one: Day, message: Message) -> set[str]:
    """Ids of the alerts that a message tells of."""
    if isinstance(message, Bulletin):
        return {each.id for each in message.incident.alerts}
    return one.store.digested(message.id)


if __name__ == "__main__":
    main()
