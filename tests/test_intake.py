"""What was fetched and is not committed yet: held to the slowest feed, released in order."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from detector import events
from detector.ports import Page
from detector.sources.intake import Batch, Intake
from tests.stories import Item, at, audit, sign_in, usage

NOW = at("12:00")
MAKE = {events.AUDIT: audit, events.SIGNIN: sign_in, events.USAGE: usage}


def page(feed: str, minutes: list[int], cursor: str = "c", *, more: bool = False) -> Page:
    return Page(feed, tuple(item.raw for item in items(feed, minutes)), cursor, more)


def items(feed: str, minutes: list[int]) -> list[Item]:
    return [MAKE[feed]("ann", "paris", at("8:00") + timedelta(minutes=each)) for each in minutes]


def minutes(batch: Batch | None) -> list[int]:
    assert batch is not None
    return [(time - at("8:00")) // timedelta(minutes=1) for time in batch.frame["event.time"]]


def test_nothing_goes_on_before_every_feed_has_said_something() -> None:
    intake = Intake(events.FEEDS)
    intake.take(page(events.AUDIT, [1, 2], more=True), NOW)

    assert intake.release(NOW) is None
    assert intake.wanted() == (events.SIGNIN, events.USAGE)


def test_rows_go_on_up_to_the_slowest_feed_and_only_its_cursor_with_them() -> None:
    intake = Intake((events.AUDIT, events.USAGE))
    intake.take(page(events.AUDIT, [1, 9], "audit 1", more=True), NOW)
    intake.take(page(events.USAGE, [2, 3], "usage 1", more=True), NOW)

    batch = intake.release(NOW)

    assert minutes(batch) == [1, 2, 3]
    assert batch is not None
    assert batch.cursors == {events.USAGE: ("usage 1", at("8:03"))}
    assert intake.wanted() == (events.USAGE,)
    intake.take(page(events.USAGE, [20], "usage 2"), NOW)
    assert minutes(intake.release(NOW)) == [9]


def test_a_drained_or_broken_feed_holds_nothing_back() -> None:
    intake = Intake(events.FEEDS)
    intake.take(page(events.AUDIT, [1]), NOW)
    intake.take(page(events.USAGE, [5, 6], more=True), NOW)
    intake.give_up(events.SIGNIN)

    assert minutes(intake.release(NOW)) == [1, 5, 6]
    assert intake.is_drained()


def test_what_did_not_move_is_not_stored_again() -> None:
    intake = Intake(events.FEEDS, dict.fromkeys(events.FEEDS, "c"))
    for feed in events.FEEDS:
        assert intake.cursor(feed) == "c"
        intake.take(page(feed, []), NOW)

    assert intake.release(NOW) is None


def test_an_empty_page_moves_the_cursor_without_a_time() -> None:
    intake = Intake((events.AUDIT,))
    intake.take(page(events.AUDIT, [], "c2"), NOW)

    batch = intake.release(NOW)

    assert batch is not None
    assert (batch.frame.height, batch.cursors) == (0, {events.AUDIT: ("c2", None)})


def test_a_time_that_has_not_come_is_not_behind_a_cursor() -> None:
    intake = Intake((events.AUDIT,))
    intake.take(page(events.AUDIT, [1, 90_000]), NOW)

    batch = intake.release(NOW)

    assert batch is not None
    assert batch.cursors[events.AUDIT][1] == NOW


feeds = st.dictionaries(
    st.sampled_from(events.FEEDS), st.lists(st.integers(0, 200), max_size=12).map(sorted)
)


@given(feeds, st.integers(1, 5))
def test_however_pages_are_cut_everything_goes_on_once_and_in_order(
    hours: dict[str, list[int]], size: int
) -> None:
    intake, found, cursors = Intake(events.FEEDS), list[int](), dict[str, str]()
    left = {feed: list(hours.get(feed, [])) for feed in events.FEEDS}
    rounds = 0
    while wanted := intake.wanted():
        for feed in wanted:
            part, left[feed] = left[feed][:size], left[feed][size:]
            intake.take(page(feed, part, f"{rounds}", more=bool(left[feed])), NOW)
        rounds += 1
        batch = intake.release(NOW)
        if batch is not None:
            found += minutes(batch)
            cursors |= {feed: cursor for feed, (cursor, _) in batch.cursors.items()}

    assert found == sorted(each for feed in hours.values() for each in feed)
    assert cursors.keys() == set(events.FEEDS)
