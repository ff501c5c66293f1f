"""Days in the life of the poll job: real store and kernel, a scripted API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from detector import accounts, jobs, snapshots, workhours
from detector.jobs import fetching, uncounted
from detector.ports import SourceError
from detector.store.sqlite import Commit, Control, StoreError
from tests import stories
from tests.fakes import Clock, Mortal, ScriptedSource, close, open_desk
from tests.stories import Item, at, audit, sign_in, usage

START = at("0:00")
TRIP = (sign_in("ann", "paris", "10:00"), audit("ann", "lagos", "11:00", deed="export vault"))
"""A day on which something happens: a vault is exported from another continent."""


def history(days: int = 6) -> list[Item]:
    """What happened before the account was started: Ann at work in Paris."""
    return [item for day in range(-days, 0) for item in _day(day)]


def _day(day: int) -> list[Item]:
    return [
        sign_in("ann", "paris", f"{day} 8:00", session=f"S{day}"),
        audit("ann", "paris", f"{day} 8:02", session=f"S{day}"),
        usage("ann", "paris", f"{day} 9:00"),
        usage("ann", "paris", f"{day} 15:00"),
    ]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., jobs.Desk]]:
    """Opens the account's desk, again after the last one was closed."""
    opened: list[jobs.Desk] = []

    def start(now: object = START, **more: object) -> jobs.Desk:
        for desk in opened:
            close(desk)
        opened[:] = [open_desk(tmp_path / "data", now, **more)]  # type: ignore[arg-type]
        return opened[0]

    yield start
    for desk in opened:
        close(desk)


Start = Callable[..., jobs.Desk]


def stored(desk: jobs.Desk) -> list[str]:
    """The ids of all stored events in the order of the log."""
    pages = desk.store.log.pages("acme")
    return [uuid for frame, _ in pages for uuid in frame["event.id"].to_list()]


def test_history_teaches_and_does_not_alert_what_follows_does(started: Start) -> None:
    desk, clock = started(), Clock(START)
    trip_of_last_week = [audit("ann", "lagos", "-3 8:30", deed="export vault")]
    source = ScriptedSource([*history(), *trip_of_last_week])

    first = jobs.poll(desk, source, clock)
    assert (first.events, first.alerts, dict(first.failures)) == (25, (), {})
    assert sum(desk.account.state.memory.warm_up.values()) > 0

    source.add(TRIP)
    clock.time = at("11:01")
    second = jobs.poll(desk, source, clock)

    assert "op_vault_exported" in {alert.rule.name for alert in second.alerts}
    assert {alert.id for alert in desk.store.alerts()} == {alert.id for alert in second.alerts}


def test_backfill_merges_the_feeds_by_event_time(started: Start) -> None:
    desk = started()
    items = history()

    jobs.poll(desk, ScriptedSource(items, size=2), Clock(START))

    assert stored(desk) == [item.id for item in sorted(items, key=lambda item: item.time)]


def test_no_feed_runs_ahead_of_the_slowest(started: Start) -> None:
    desk = started()
    items = [usage("ann", "paris", f"-1 {hour}:00") for hour in range(24)]
    slow = [sign_in("ann", "paris", f"-1 {hour}:30") for hour in range(0, 24, 6)]
    seen: list[list[str]] = []

    jobs.poll(
        desk,
        ScriptedSource([*items, *slow], size=1),
        Clock(START),
        lambda *_: seen.append(stored(desk)),
    )

    in_order = [item.id for item in sorted([*items, *slow], key=lambda item: item.time)]
    assert all(page == in_order[: len(page)] for page in seen)


@pytest.mark.parametrize(
    "error",
    [
        SourceError("itemusages: 401", permanent=True),
        SourceError("itemusages: 500", permanent=False),
        SourceError("itemusages: 429", permanent=False, retry_after_s=900),
    ],
)
def test_a_broken_feed_is_reported_and_does_not_hold_the_others_back(
    started: Start, error: SourceError
) -> None:
    desk = started()
    source = ScriptedSource(history(), answers={"itemusages": [error] * 10})

    with capture_logs() as logs:
        polled = jobs.poll(desk, source, Clock(START))

    assert dict(polled.failures) == {"itemusages": str(error)}
    assert [entry["error"] for entry in logs if entry["event"] == "feed failed"] == [str(error)]
    assert polled.events == 12
    source.answers = {}
    assert jobs.poll(desk, source, Clock(at("1:00"))).events == 12
    assert len(set(stored(desk))) == 24


def test_the_log_says_how_far_which_feeds_were_read_to_their_end(started: Start) -> None:
    """A broken feed is not among them, and a restart knows the same."""
    desk, clock = started(), Clock(START)
    error = SourceError("itemusages: 429", permanent=False, retry_after_s=900)
    jobs.poll(desk, ScriptedSource(history(), answers={"itemusages": [error] * 10}), clock)
    (tick,) = desk.store.log.controls("acme", kind=accounts.TICK)
    read = accounts.completeness(tick.body)
    complete = dict(desk.account.state.memory.complete)

    assert set(read) == {"auditevents", "signinattempts"}
    assert set(read.values()) == {workhours.microseconds(START)}
    assert read.items() <= complete.items()
    assert started(clock()).account.state.memory.complete == complete
    assert accounts.completeness(b"") == {}


def test_a_failure_that_passes_is_no_failure(started: Start) -> None:
    desk, waits = started(), list[float]()
    desk.sleep = waits.append
    hiccup = SourceError("500", permanent=False)
    slow_down = SourceError("429", permanent=False, retry_after_s=7)
    source = ScriptedSource(history(), answers={"auditevents": [hiccup, slow_down]})

    polled = jobs.poll(desk, source, Clock(START))

    assert (polled.events, dict(polled.failures)) == (24, {})
    assert waits == [1.0, 7]
    assert stored(desk) == [item.id for item in sorted(history(), key=lambda item: item.time)]


def test_a_refused_cursor_is_replaced_by_an_overlap_without_loss_or_double(started: Start) -> None:
    desk, clock = started(), Clock(at("1 0:00"))
    source = ScriptedSource([*history(), *TRIP])
    jobs.poll(desk, source, clock)
    cursor = desk.store.cursors("acme")["itemusages"][0]
    late = usage("ann", "paris", "-4 10:00", item="from a laptop that was offline")
    source.add([late, usage("ann", "paris", "1 9:00")])
    source.refused = {cursor}
    clock.time = at("1 10:00")

    with capture_logs() as logs:
        polled = jobs.poll(desk, source, clock)

    assert polled.events == 2
    assert dict(polled.failures) == {}
    assert any("cursor refused" in entry["event"] for entry in logs)
    assert sorted(stored(desk)) == sorted(
        {item.id for feed in source.items.values() for item in feed}
    )
    assert desk.store.cursors("acme")["itemusages"][0] not in {cursor, None}


def test_a_future_dated_item_does_not_shorten_the_overlap(started: Start) -> None:
    desk, clock = started(), Clock(at("1 0:00"))
    source = ScriptedSource([*history(), usage("ann", "paris", "90 0:00")])
    jobs.poll(desk, source, clock)
    source.refused = {desk.store.cursors("acme")["itemusages"][0]}

    jobs.poll(desk, source, clock)

    since = [
        since for feed, cursor, since in source.asked if feed == "itemusages" and cursor is None
    ][-1]
    assert since <= at("1 0:00") - fetching.OVERLAP


def test_an_api_that_refuses_its_own_cursors_is_not_asked_for_ever(started: Start) -> None:
    desk = started()
    source = ScriptedSource(history(), size=1)
    source.refused = {f"{(START - desk.backfill).isoformat()}|1"} | {
        f"{(START - back).isoformat()}|1" for back in (desk.backfill + fetching.OVERLAP,)
    }

    polled = jobs.poll(desk, source, Clock(START))

    assert "auditevents" in polled.failures
    assert len(source.asked) < 20


def test_an_empty_page_moves_the_cursor(started: Start) -> None:
    desk = started()

    jobs.poll(desk, ScriptedSource(), Clock(START))

    assert desk.store.cursors("acme").keys() == {"auditevents", "signinattempts", "itemusages"}
    assert desk.store.counts()["event"] == 0


def test_a_poll_without_news_stores_only_that_time_passed(started: Start) -> None:
    desk, source = started(), ScriptedSource(history())
    jobs.poll(desk, source, Clock(START))
    point = desk.point = Mortal()

    jobs.poll(desk, source, Clock(at("0:01")))

    assert point.seen == ["before_tick", "after_tick"]


def test_time_does_not_pass_while_nothing_can_be_read(started: Start) -> None:
    desk = started()
    away = {
        feed: [SourceError("no connection", permanent=False)] * 9 for feed in ScriptedSource().items
    }

    polled = jobs.poll(desk, ScriptedSource(answers=away), Clock(START))

    assert len(polled.failures) == 3
    assert desk.store.log.controls("acme", kind=accounts.TICK) == []


def test_a_damaged_item_is_set_aside_with_its_reason(started: Start) -> None:
    desk = started()
    nameless = [usage("ann", "paris", "-1 9:30"), usage("ann", "paris", "-1 9:40")]
    for each in nameless:
        del each.fields["uuid"]

    with capture_logs() as logs:
        polled = jobs.poll(desk, ScriptedSource([*history(), *nameless]), Clock(START))

    assert polled.events == 24
    assert desk.store.counts()["flaw"] == 2
    (entry,) = [entry for entry in logs if entry["event"] == "items flawed"]
    assert (entry["reason"], entry["set_aside"]) == ("uuid: missing or not a text", True)
    assert entry["items"] == 2


def test_a_page_in_which_nobody_is_named_is_taken_in(started: Start) -> None:
    desk, nameless = started(), usage("ann", "paris", "-1 9:30")
    nameless.fields["user"] = None

    assert jobs.poll(desk, ScriptedSource([nameless]), Clock(START)).events == 1


def test_a_service_that_is_to_stop_stops_between_two_pages(started: Start) -> None:
    desk, source = started(), ScriptedSource(history(), size=1)
    desk.stopping = lambda: len(source.asked) > 6

    polled = jobs.poll(desk, source, Clock(START))

    assert 0 < polled.events < 24
    assert desk.store.log.controls("acme", kind=accounts.TICK) == []
    desk.stopping = lambda: False
    jobs.poll(desk, source, Clock(START))
    assert sorted(stored(desk)) == sorted(item.id for item in history())


def test_events_are_not_lost_when_state_and_store_fail_together(started: Start) -> None:
    desk, source = started(), ScriptedSource(history())
    commit, broken = desk.store.commit, [True]

    def away(step: Commit) -> None:
        if broken:
            raise StoreError("disk is gone")
        commit(step)

    desk.store.commit = away  # type: ignore[method-assign]
    reload, desk.reload = desk.reload, lambda: away(Commit("acme", START))  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        jobs.poll(desk, source, Clock(START))
    broken.clear()
    desk.reload = reload  # type: ignore[method-assign]

    assert jobs.poll(desk, source, Clock(START)).events == 24
    assert len(stored(desk)) == 24


def test_a_restart_goes_on_where_the_state_was(started: Start) -> None:
    desk, clock = started(), Clock(START)
    source = ScriptedSource(history())
    jobs.poll(desk, source, clock)
    jobs.keep_state(desk, clock())
    source.add(TRIP[:1])
    clock.time = at("10:30")
    jobs.poll(desk, source, clock)
    before = snapshots.dump(desk.account.state)

    again = started(clock())

    assert again.account.stored_seq > 1
    assert snapshots.dump(again.account.state) == before
    source.add(TRIP[1:])
    clock.time = at("11:01")
    assert "op_vault_exported" in {
        alert.rule.name for alert in jobs.poll(again, source, clock).alerts
    }


@pytest.mark.parametrize("body", [b"of another version", b""])
def test_a_snapshot_that_cannot_be_read_costs_only_time(started: Start, body: bytes) -> None:
    desk, clock = started(), Clock(START)
    jobs.poll(desk, ScriptedSource(history()), clock)
    before = snapshots.dump(desk.account.state)
    desk.store.commit(Commit("acme", clock(), snapshot=(desk.account.state.memory.seq, body)))

    again = started(clock())

    assert again.account.stored_seq == 0
    assert snapshots.dump(again.account.state) == before


def test_what_correlations_could_not_count_stands_in_the_weekly_digest(started: Start) -> None:
    desk, clock = started(), Clock(START)
    jobs.poll(desk, ScriptedSource(history()), clock)
    assert uncounted.lines(desk.store, "acme") == []
    entry = next(each for each in desk.account.state.rulebook.correlations if not each.foreign)
    tail = desk.account.state.tails[entry.rule.id]
    tail.ungrouped, tail.crowded = 3, 1
    jobs.keep_state(desk, clock())

    said = (
        f"{entry.rule.name}: 3 events without what it groups by; "
        "1 event dropped early, because there were more than it keeps"
    )
    assert uncounted.lines(desk.store, "acme") == [said]
    sections = {each.title: each.lines for each in jobs.weekly(desk.store, clock()).sections}
    assert sections["What correlations could not count, so far"] == (f"acme: {said}",)
    tails = {entry.rule.id: b"of another version"}
    assert list(uncounted.of(desk.account.state.rulebook, tails)) == []


def test_a_snapshot_is_stored_now_and_then(started: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.jobs.polling.SNAPSHOT_EVERY", 10)
    desk = started()
    jobs.poll(desk, ScriptedSource(history()), Clock(START))
    before = snapshots.dump(desk.account.state)

    again = started(START)

    assert 0 < again.account.stored_seq < again.account.state.memory.seq
    assert snapshots.dump(again.account.state) == before


def test_a_log_that_does_not_fit_the_state_is_refused(started: Start) -> None:
    desk = started()
    with pytest.raises(StoreError, match="restore a backup"):
        accounts.apply(desk.store, desk.account, Control(9, accounts.TICK, START))


def test_the_event_clock_is_not_moved_by_what_is_dated_ahead(started: Start) -> None:
    desk = started()

    jobs.poll(desk, ScriptedSource([*history(), usage("ann", "paris", "30 9:00")]), Clock(START))

    assert desk.account.state.memory.clock == (
        START - stories.datetime(1970, 1, 1, tzinfo=stories.UTC)
    ) // timedelta(microseconds=1)


def test_the_log_says_once_who_is_known_well_enough(started: Start) -> None:
    desk, source = started(), ScriptedSource([*history(30), sign_in("ben", "paris", "-3 9:00")])
    with capture_logs() as logs:
        for _ in range(2):
            jobs.poll(desk, source, Clock(START))
    said = [line["text"] for line in logs if line["event"] == "warm-up"]

    assert said == ["1 of 2 people are warm; 1 will be: Ben on 2026-03-13"]
