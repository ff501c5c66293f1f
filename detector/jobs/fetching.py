"""The next page of each feed: tried again where that may help, never at another feed's cost.

A live round does not wait for a feed that is slow: its page joins a later round. The log has pages
in the order in which they came, so that a late page is no other than one of late events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future, wait
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from detector.coverage import RETENTION
from detector.jobs.desk import Desk
from detector.jobs.lanes import Answer
from detector.jobs.ledger import Ledger
from detector.jobs.trail import Trail
from detector.ports import CursorRefused, Page, Source, SourceError

OVERLAP: Final = timedelta(days=7)
"""How far a reset cursor reaches back behind the newest event that is stored.

A reset cursor filters on event time, and what was used offline comes days late.
"""
SHORT_OVERLAP: Final = timedelta(hours=2)
"""The same for an API that gives no cursor at all, at every poll."""
TRIES: Final = 4
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0

log = structlog.get_logger()


class Fetching:
    """One round of fetching from the cursors that are stored."""

    def __init__(
        self,
        desk: Desk,
        source: Source,
        stored: Mapping[str, tuple[str, datetime | None]],
        ledger: Ledger,
    ) -> None:
        self._desk, self._source, self._stored, self._ledger = desk, source, stored, ledger
        self._reset: set[str] = set()
        self._trails: defaultdict[str, Trail] = defaultdict(Trail)

    def pages(
        self, asked: Mapping[str, str | None], now: datetime
    ) -> dict[str, Page | SourceError]:
        """The next page of each feed, fetched in parallel; a failure of one is its own."""
        lanes = self._desk.lanes
        late = {feed: each for feed in asked if (each := lanes[feed].late) is not None}
        fresh = {
            feed: self._desk.pool.submit(self._answer, feed, cursor, now)
            for feed, cursor in asked.items()
            if feed not in late
        }
        self._wait(fresh)
        for feed, answer in fresh.items():
            lanes[feed].late = None if answer.done() else answer
        under_way = fresh | late
        return {feed: self._taken(feed, under_way[feed], is_late=feed in late) for feed in asked}

    def _wait(self, fresh: Mapping[str, Future[Answer]]) -> None:
        """Wait for what was asked; in back-fill, where nothing overtakes, for all that works."""
        working = [feed for feed in fresh if not self._desk.lanes[feed].failures]
        if not all(map(self._ledger.is_live, working)):
            wait(fresh[feed] for feed in working)
        wait(fresh.values(), self._desk.patience_s)

    def _taken(self, feed: str, answer: Future[Answer], *, is_late: bool) -> Page | SourceError:
        """The answer, if it is there; a late one proves no end, and there may be more behind it."""
        if not answer.done():
            return left_behind(feed)
        self._desk.lanes[feed].late = None
        found = answer.result()
        for since, refused in found.chains:
            self._ledger.began(feed, since, refused)
        page = found.page
        if isinstance(page, SourceError) or page.stalled:
            return page
        if is_late:
            return replace(page, has_more=True)
        if not page.has_more:
            self._ledger.drained(feed, found.asked)
        return page

    def _answer(self, feed: str, cursor: str | None, now: datetime) -> Answer:
        """Ask a feed, and note how it fares. What it says of completeness is for who takes it."""
        lane, chains = self._desk.lanes[feed], list[tuple[datetime, str]]()
        if lane.error is not None and lane.is_held(now):
            return Answer(lane.error, now)
        try:
            page = self._asked(feed, cursor, now, chains)
        except SourceError as error:
            lane.failed(error, now, self._desk.poll_every)
            log.error("feed failed", account=self._desk.account.name, feed=feed, error=str(error))
            return Answer(error, now, tuple(chains))
        lane.worked(now, stalled=page.stalled)
        if page.stalled:
            name = self._desk.account.name
            log.warning("feed promises more and gives the same", account=name, feed=feed)
        return Answer(page, now, tuple(chains))

    def _asked(
        self, feed: str, cursor: str | None, now: datetime, chains: list[tuple[datetime, str]]
    ) -> Page:
        """The page after the cursor; where that is refused, the first of a new chain."""
        start = self._start(feed, now)
        if not cursor:
            chains.append((start, ""))
        try:
            page = self._patiently(feed, cursor, start)
        except CursorRefused as error:
            if feed in self._reset:
                # An API that refuses its own cursors would else be read from there for ever.
                raise
            since = self._again(feed, now, error)
            chains.append((since, str(error)))
            page, cursor = self._patiently(feed, None, since), None
        else:
            if cursor:
                self._desk.lanes[feed].accepted()
        return self._trails[feed].checked(cursor, page)

    def _start(self, feed: str, now: datetime) -> datetime:
        """From when a feed is read that has no cursor: its history, or what is new since."""
        newest = self._stored.get(feed, ("", None))[1]
        if newest is None:
            return max(now - self._desk.backfill, now - RETENTION)
        return max(min(newest, now) - SHORT_OVERLAP, now - RETENTION)

    def _again(self, feed: str, now: datetime, why: SourceError) -> datetime:
        """From when on a chain in place of the one that was refused is read, with an overlap."""
        self._reset.add(feed)
        if not self._desk.lanes[feed].may_begin_again(now, self._desk.poll_every):
            raise why
        newest = self._stored.get(feed, ("", None))[1]
        start = min(newest, now) - OVERLAP if newest else now - self._desk.backfill
        since = max(start, now - RETENTION)
        log.error(
            "cursor refused, starting again with an overlap",
            account=self._desk.account.name,
            feed=feed,
            since=since.isoformat(),
            error=str(why),
        )
        return since

    def _patiently(self, feed: str, cursor: str | None, since: datetime) -> Page:
        """Ask, and ask again after a failure that may pass: in back-fill nothing overtakes.

        A feed that failed in the last round, or drips, is asked once: the others wait for it.
        """
        wait_s = FIRST_WAIT_S
        tries = 1 if self._desk.lanes[feed].failures else TRIES
        for _ in range(tries - 1):
            try:
                return self._source.fetch(feed, cursor, since)
            except CursorRefused:
                raise
            except SourceError as error:
                asked_s = error.retry_after_s or wait_s
                in_vain = error.permanent or error.slow or asked_s > LONGEST_WAIT_S
                if in_vain or self._desk.stopping():
                    raise
                self._desk.sleep(asked_s)
                wait_s *= 2
        return self._source.fetch(feed, cursor, since)


def left_behind(feed: str) -> SourceError:
    """A feed whose page has not come: the round goes on without it."""
    return SourceError(f"{feed}: no page yet; it joins a later round", permanent=False, slow=True)
