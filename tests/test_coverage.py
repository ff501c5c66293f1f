"""The coverage ledger: what a cursor chain proves, what is a gap, and how both are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import events, jobs
from detector.coverage import (
    RETENTION,
    TOO_LONG_AWAY,
    Coverage,
    Gap,
    Interval,
    Reading,
    read_to_the_end,
    sentence,
)
from detector.ports import SourceError
from detector.store.sqlite import Commit, Sqlite, Start
from tests.fakes import Clock, Death, Mailbox, Mortal, ScriptedSource, close, open_desk, round_
from tests.stories import at, audit, usage

MINUTE = timedelta(minutes=1)


def coverage(feed: str, end: str, *gaps: Gap) -> Coverage:
    return Coverage(feed, (Interval(at("-9 0:00"), at(end)),), gaps)


def test_feeds_that_are_alike_are_told_as_one() -> None:
    feeds = [coverage("auditevents", "14:05:30"), coverage("itemusages", "14:05:10")]

    assert sentence(feeds, at("14:06")) == "complete up to 14:05 UTC"


def test_a_feed_that_stays_behind_is_named() -> None:
    never = Coverage("signinattempts", (Interval(at("-9 0:00"), at("-9 0:00")),))
    feeds = [coverage("auditevents", "14:05"), coverage("itemusages", "-1 9:00"), never]

    assert sentence(feeds, at("14:06")) == (
        "complete up to 14:05 UTC; item usages only up to 1 Mar 09:00; "
        "sign-ins not read to the end yet"
    )


def test_a_gap_of_all_feeds_is_told_once_and_one_of_some_with_their_names() -> None:
    both = [
        Gap(feed, at("2:10"), at("2:25"), "503", swept=at("3:00"))
        for feed in ("auditevents", "itemusages")
    ]
    single = Gap("itemusages", at("-1 23:50"), at("0:10"), "not polled")
    feeds = [
        coverage("auditevents", "14:05", both[0]),
        coverage("itemusages", "14:05", both[1], single),
    ]

    assert sentence(feeds, at("14:06")) == (
        "complete up to 14:05 UTC; gap 02:10-02:25 swept again at 03:00; "
        "gap 1 Mar 23:50 - 00:10 of item usages not swept again yet"
    )
    assert sentence(feeds, at("14:06"), since=at("2:00")) == (
        "complete up to 14:05 UTC; gap 02:10-02:25 swept again at 03:00"
    )


def test_many_gaps_are_counted_and_a_zone_is_kept_to() -> None:
    gaps = [Gap("itemusages", at(f"{h}:00"), at(f"{h}:09"), "503") for h in range(1, 8)]

    told = sentence(
        [coverage("itemusages", "8:00", *gaps)], at("8:01"), zone=ZoneInfo("Asia/Tokyo")
    )

    assert told.startswith("complete up to 17:00 JST; gap 16:00-16:09 not swept again yet; ")
    assert told.endswith("; 4 more gaps")


def test_nothing_and_nothing_complete_are_said_too() -> None:
    assert sentence([], at("1:00")) == "nothing was read yet"
    begun = Coverage("auditevents", (Interval(at("0:00"), at("0:00")),))
    assert sentence([begun], at("1:00")) == "not read to the end yet"


@given(
    st.integers(0, 200 * 24 * 60), st.integers(0, 200 * 24 * 60), st.integers(0, 600), st.booleans()
)
def test_what_is_neither_proven_nor_named_does_not_exist(
    back: int, away: int, length: int, fresh: bool
) -> None:
    """From the start of the chain to now every minute is proven, lost, or both proven and named."""
    end = at("0:00") - away * MINUTE
    chain = Interval(end if fresh else end - back * MINUTE, end)
    reading = Reading(at("0:00"), at("0:00") + length * MINUTE, "503", 5 * MINUTE)

    proven, gaps = read_to_the_end("itemusages", chain, reading)

    lost = [gap for gap in gaps if gap.lost]
    assert proven.end == reading.asked
    assert proven.start == (lost[0].end if lost else chain.start)
    assert all(gap.start == chain.end and gap.end == reading.begun - RETENTION for gap in lost)
    watched = not fresh and back > 0 and away <= 5
    assert bool(gaps) == (away * MINUTE > RETENTION or (away > 5 and not fresh and back > 0))
    assert not (watched and gaps)
    assert all(gap.end <= reading.begun for gap in gaps)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[jobs.Desk]:
    made = open_desk(tmp_path, at("0:00"))
    yield made
    close(made)


def test_a_feed_is_complete_once_it_was_read_to_its_end(desk: jobs.Desk) -> None:
    items = [usage("ann", "paris", f"-1 {hour}:00") for hour in range(9)]
    source = ScriptedSource(items, size=2)
    desk.stopping = lambda: len(source.asked) > 4

    jobs.poll(desk, source, Clock(at("0:00")))

    halfway = desk.store.coverage("acme")["itemusages"]
    begin = at("0:00") - desk.backfill
    assert (halfway.intervals, halfway.complete) == ((Interval(begin, begin),), None)
    assert halfway.newest is not None
    desk.stopping = lambda: False
    jobs.poll(desk, source, Clock(at("0:04")))
    done = desk.store.coverage("acme")
    assert {feed: each.complete for feed, each in done.items()} == dict.fromkeys(
        events.FEEDS, at("0:04")
    )
    assert all(each.gaps == () for each in done.values())


def test_the_ledger_is_written_with_the_cursor_or_not_at_all(tmp_path: Path) -> None:
    for point in range(1, 9):
        folder = tmp_path / str(point)
        desk = open_desk(folder, at("0:00"), point=Mortal(point))
        source = ScriptedSource([audit("ann", "paris", f"-1 {hour}:00") for hour in range(5)])
        try:
            jobs.poll(desk, source, Clock(at("0:00")))
        except Death:
            pass
        finally:
            close(desk)
        with closing(Sqlite(folder, write=False)) as store:
            cursors, ledger = store.cursors("acme"), store.coverage("acme")
            assert set(ledger) == set(cursors)
            for feed, each in ledger.items():
                whole = cursors[feed][0].endswith("|5" if feed == "auditevents" else "|0")
                assert whole or each.complete is None


def test_an_outage_is_a_gap_with_its_reason_and_a_late_poll_is_none(desk: jobs.Desk) -> None:
    source, clock = ScriptedSource(), Clock(at("0:00"))
    jobs.poll(desk, source, clock)
    clock.time = at("0:04")
    jobs.poll(desk, source, clock)
    source.answers = {"itemusages": [SourceError("itemusages: 503", permanent=False)] * 9}
    clock.time = at("0:05")
    jobs.poll(desk, source, clock)
    source.answers = {}
    clock.time = at("0:30")
    jobs.poll(desk, source, clock)
    clock.time = at("2:00")
    jobs.poll(desk, source, clock)

    found = desk.store.coverage("acme")
    assert found["itemusages"].gaps == (
        Gap("itemusages", at("0:04"), at("0:30"), "itemusages: 503"),
        Gap("itemusages", at("0:30"), at("2:00"), "not polled"),
    )
    assert found["auditevents"].gaps[0].start == at("0:05")
    assert all(len(each.intervals) == 1 for each in found.values())


def test_longer_away_than_1password_keeps_events_is_lost_and_said(desk: jobs.Desk) -> None:
    source, clock = ScriptedSource(), Clock(at("0:00"))
    jobs.poll(desk, source, clock)
    clock.time = at("150 0:00")
    jobs.poll(desk, source, clock)

    found = desk.store.coverage("acme")["auditevents"]

    lost = Gap("auditevents", at("0:00"), at("30 0:00"), TOO_LONG_AWAY, lost=True)
    assert found.gaps == (lost, Gap("auditevents", at("30 0:00"), at("150 0:00"), "not polled"))
    assert found.intervals[-1] == Interval(at("30 0:00"), at("150 0:00"))
    assert found.complete == at("150 0:00")


def test_a_refused_cursor_is_a_possible_gap(desk: jobs.Desk) -> None:
    source, clock = ScriptedSource([usage("ann", "paris", "-1 9:00")]), Clock(at("0:00"))
    jobs.poll(desk, source, clock)
    source.refused = {desk.store.cursors("acme")["itemusages"][0]}
    clock.time = at("0:01")

    jobs.poll(desk, source, clock)

    found = desk.store.coverage("acme")["itemusages"]
    why = "possible gap: itemusages: bad cursor"
    assert found.gaps == (Gap("itemusages", at("0:00"), at("0:01"), why),)
    assert found.complete == at("0:01")


def test_a_feed_that_only_promises_proves_nothing(desk: jobs.Desk) -> None:
    class Liar(ScriptedSource):
        def fetch(self, feed: str, cursor: str | None, since: object) -> object:  # type: ignore[override]
            page = super().fetch(feed, cursor, at("-1 0:00"))
            is_lie = feed == "itemusages"
            return type(page)(feed, page.items, cursor or page.cursor, is_lie or page.has_more)

    polled = jobs.poll(desk, Liar([usage("ann", "paris", "-1 9:00")]), Clock(at("0:00")))  # type: ignore[arg-type]

    assert polled.events == 1
    assert desk.store.coverage("acme")["itemusages"].complete is None
    assert desk.store.coverage("acme")["auditevents"].complete == at("0:00")


def test_what_was_read_a_second_time_is_marked(tmp_path: Path) -> None:
    gap = Gap("itemusages", at("2:10"), at("2:25"), "503")
    lost = Gap("itemusages", at("1:00"), at("2:00"), "long ago", lost=True)
    span = Interval(at("0:00"), at("2:30"))
    with closing(Sqlite(tmp_path)) as store:
        start = Commit("acme", at("0:00"), start=Start(at("0:00")), covered={"itemusages": span})
        store.commit(start)
        store.commit(Commit("acme", at("2:30"), gaps=[gap, lost]))
        store.commit(Commit("acme", at("2:50"), swept={"auditevents": span}))
        store.commit(Commit("acme", at("3:00"), swept={"itemusages": span}))
        store.commit(Commit("acme", at("4:00"), swept={"itemusages": span}, gaps=[gap]))

        (found_lost, found) = store.coverage("acme")["itemusages"].gaps

    assert (found.swept, found_lost) == (at("3:00"), lost)


def why(desk: jobs.Desk, who: str) -> set[str]:
    """Why the alerts about somebody were sent or held."""
    ids = [alert.id for alert in desk.store.alerts() if alert.subject.id == who]
    return {each.reason for name in ids for each in desk.store.decisions(name)[:1]}


def test_what_a_long_outage_hid_is_told_in_one_digest(desk: jobs.Desk) -> None:
    clock, source = Clock(at("0:00")), ScriptedSource()
    jobs.poll(desk, source, clock)
    source.add([audit("ann", "lagos", "3:00", deed="export vault")])
    source.add([audit("ben", "lagos", "9:50", deed="export vault")])
    clock.time = at("10:00")

    alerts = jobs.poll(desk, source, clock).alerts

    jobs.decide(round_(desk.store, clock()), {"mailbox": Mailbox()})
    assert len(alerts) >= 2
    assert why(desk, "ANN") == {"catching_up"}
    assert why(desk, "BEN") == {"first_told"}
    clock.time = at("10:10")
    source.add([audit("cleo", "lagos", "7:00", deed="export vault")])
    jobs.poll(desk, source, clock)
    jobs.decide(round_(desk.store, clock()), {"mailbox": Mailbox()})
    assert why(desk, "CLEO") == {"first_told"}
