"""What the evaluation counts as heard is what the service would have sent: delivery itself is the judge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from detector import workhours
from detector.alerts import Alert, Reason
from detector.delivery.bulletins import Bulletin, Kind
from detector.delivery.orders import Flood
from detector.evaluation.interruptions import ORDERS, hear
from detector.evaluation.listening import Change
from detector.findings import Level
from detector.store.sqlite import Commit
from tests.delivery import NOON, alert, day
from tests.fakes import Mailbox
from tests.stories import few

LEVELS = (Level.LOW, Level.MEDIUM, Level.MEDIUM, Level.HIGH)
LOUD = replace(
    ORDERS,
    destinations=("mailbox",),
    editing=frozenset({"mailbox"}),
    remind_after=(),
    flood=Flood(high=1_000, other=1_000),
)
"""As measured: no reminders, and every message of a flood counts."""


@st.composite
def stories(draw: st.DrawFn) -> list[Change]:
    """Alerts about three people that come, go on and get worse, each once a minute, within ten hours."""
    known: dict[tuple[str, str], Alert] = {}
    made: list[Change] = []
    minutes = draw(st.lists(st.integers(0, 5) | st.integers(0, 600), min_size=1, max_size=14))
    for minute in sorted(minutes):
        whose = (draw(st.sampled_from(("ann", "ben", "cleo"))), draw(st.sampled_from("abc")))
        now = NOON + timedelta(minutes=minute)
        level, old = draw(st.sampled_from(LEVELS)), known.get(whose)
        if old is not None and old.time == now:
            continue
        if old is None:
            session = {"session.id": draw(st.sampled_from(("S", "T")))}
            made_now = alert(*whose, time=now, first_time=now, detected_at=now, level=level)
            known[whose] = replace(made_now, evidence=session)
        else:
            worse = level.rank > old.level.rank
            reason = Reason.LEVEL_RAISED if worse else Reason.STILL_HAPPENING
            known[whose] = replace(
                old, time=now, reason=reason, level=level if worse else old.level
            )
        made.append(Change(workhours.microseconds(now), known[whose]))
    return made


def _sent(changes: list[Change], folder: Path) -> Iterator[tuple[datetime, Level]]:
    """When the service sends a loud message of the changes, and of what level."""
    with day(folder, LOUD, mailbox=Mailbox(edits=True)) as one:
        minutes = {each.at for each in changes}
        by_minute = {at: list(each) for at, each in groupby(changes, key=lambda each: each.at)}
        for at in sorted(minutes | {at + 60_000_000 for at in minutes}):
            one.now, heard = workhours.instant(at), len(one.box.messages)
            found = [each.alert for each in by_minute.get(at, ())]
            if found:
                one.store.commit(Commit("acme", one.now, alerts=found))
            one.tell()
            for message in one.box.messages[heard:]:
                if isinstance(message, Bulletin) and message.kind in {Kind.NEW, Kind.ALARM}:
                    yield one.now, message.incident.level


@few
@given(changes=stories())
def test_what_is_heard_is_what_the_service_sends(changes: list[Change]) -> None:
    heard = [(workhours.instant(each.at), each.level) for each in hear(changes, [])]

    with TemporaryDirectory() as folder:
        assert list(_sent(changes, Path(folder))) == heard
