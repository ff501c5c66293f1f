"""A feed that is slow holds up no other: its page joins a later round, and nothing is lost or doubled."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector import jobs
from detector.events import AUDIT, FEEDS, SIGNIN, USAGE
from detector.ports import Page
from tests.api import MAKE, NO_RULES, NOW, HandMade, items, settled, source, world
from tests.dripping import HEADERS, dripping
from tests.fakes import Clock, ScriptedSource, close, open_desk
from tests.stories import Item, at
from tests.waiting import until

PATIENCE_S = 0.15
TICK = timedelta(minutes=1)


def test_a_feed_that_drips_costs_each_round_a_short_wait_and_no_more(tmp_path: Path) -> None:
    lived = [*items(), *(MAKE[feed]("ann", "paris", at("0:03")) for feed in (AUDIT, SIGNIN))]
    with dripping(HEADERS) as port, world(tmp_path, lived, NOW, texts=NO_RULES) as one:
        one.poll()
        api = HandMade(f"http://127.0.0.1:{port}")
        with closing(source(api, Clock(NOW), deadline_s=3.0)) as drips:
            real = one.source.fetch

            def fetch(feed: str, *given: object) -> Page:
                return (drips.fetch if feed == USAGE else real)(feed, *given)  # type: ignore[arg-type]

            one.source.fetch = fetch  # type: ignore[method-assign]
            one.desk.patience_s = PATIENCE_S
            begun = time.monotonic()
            for _ in range(4):
                polled = one.poll(TICK)
                assert set(polled.failures) == {USAGE}
            assert time.monotonic() - begun < 2.5, "the rounds wait for what drips"
            assert len(one.stored()) == len(lived), "what is there is stored"
            complete = one.desk.store.coverage("acme")
            assert complete[AUDIT].complete == one.clock()
            assert complete[USAGE].complete == NOW
            one.source.fetch = real  # type: ignore[method-assign]
            one.desk.patience_s = None
        settled(one, lived)


class Halting(ScriptedSource):
    """Feeds that hand over the page that was asked for only when their gate is open."""

    def __init__(self) -> None:
        super().__init__(size=2)
        self.gates = {feed: Event() for feed in FEEDS}

    def fetch(self, feed: str, cursor: str | None, since: datetime) -> Page:
        """The page, as it was when it was asked for."""
        page = super().fetch(feed, cursor, since)
        self.gates[feed].wait()
        return page

    def opens(self, *feeds: str) -> None:
        """Let these feeds answer, and the others not."""
        for feed, gate in self.gates.items():
            gate.set() if feed in feeds else gate.clear()


@contextmanager
def closing_desk(folder: Path, point: jobs.Point = jobs.nowhere) -> Iterator[jobs.Desk]:
    desk = open_desk(folder, NOW, texts=NO_RULES, point=point)
    try:
        yield desk
    finally:
        close(desk)


class Refused(Exception):
    """The disk was full."""


def test_a_late_page_proves_no_end_and_what_came_after_it_is_asked_for_at_once(
    tmp_path: Path,
) -> None:
    api, clock = Halting(), Clock(NOW)
    api.opens(*FEEDS)
    with closing_desk(tmp_path) as desk:
        jobs.poll(desk, api, clock)
        desk.patience_s = 0.01
        api.opens(AUDIT, SIGNIN)
        clock.time += TICK
        assert USAGE in jobs.poll(desk, api, clock).failures
        clock.time += TICK
        news = MAKE[USAGE]("ann", "paris", clock.time)
        api.add([news])
        api.opens(*FEEDS)
        until(lambda: not _awaited(desk))
        desk.patience_s = None
        jobs.poll(desk, api, clock)
        assert _stored(desk) == [news.id]
        assert {each.complete for each in desk.store.coverage("acme").values()} == {clock.time}


some_feeds = st.sets(st.sampled_from(FEEDS)).map(sorted)
rounds = st.lists(st.tuples(some_feeds, some_feeds, st.booleans()), min_size=1, max_size=6)


@settings(max_examples=25)
@given(rounds=rounds)
@example(rounds=[([], list(FEEDS), False), ([], list(FEEDS), True), (list(FEEDS), [], False)])
def test_late_pages_are_stored_once_whatever_is_slow_and_whatever_fails(
    rounds: list[tuple[list[str], list[str], bool]],
) -> None:
    api, clock, lived, full = Halting(), Clock(NOW), list[Item](), False

    def point(_: str) -> None:
        if full:
            raise Refused

    with TemporaryDirectory() as folder, closing_desk(Path(folder), point) as desk:
        desk.patience_s = 0.01
        api.opens(*FEEDS)
        jobs.poll(desk, api, clock)
        for quick, happened, full in rounds:  # noqa: B007 - the point reads it
            clock.time += TICK
            moments = [clock.time - timedelta(seconds=each) for each in range(3)]
            news = [MAKE[feed]("ann", "paris", each) for feed in happened for each in moments]
            lived += news
            api.add(news)
            api.opens(*quick)
            with suppress(Refused):
                jobs.poll(desk, api, clock)
        full = False
        api.opens(*FEEDS)
        for _ in range(4):
            clock.time += TICK
            desk.patience_s = None
            until(lambda: not _awaited(desk))
            jobs.poll(desk, api, clock)
        assert Counter(_stored(desk)) == Counter(item.id for item in lived)
        ends = {each.complete for each in desk.store.coverage("acme").values()}
        assert ends == {clock.time}


def _awaited(desk: jobs.Desk) -> bool:
    """Whether an answer has not come that a round did not wait for."""
    late = [lane.late for lane in desk.lanes.values()]
    return any(not each.done() for each in late if each is not None)


def _stored(desk: jobs.Desk) -> list[str]:
    pages = desk.store.log.pages("acme")
    return [uuid for frame, _ in pages for uuid in frame["event.id"].to_list()]
