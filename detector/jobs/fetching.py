"""The next page of each feed: tried again where that may help, never at another feed's cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from detector.coverage import RETENTION
from detector.jobs.desk import Desk
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
        answers = self._desk.pool.map(lambda feed: self._page(feed, asked[feed], now), asked)
        return dict(zip(asked, answers, strict=True))

    def _page(self, feed: str, cursor: str | None, now: datetime) -> Page | SourceError:
        lane = self._desk.lanes[feed]
        if lane.error is not None and lane.is_held(now):
            return lane.error
        try:
            page = self._asked(feed, cursor, now)
        except SourceError as error:
            lane.failed(error, now, self._desk.poll_every)
            log.error("feed failed", account=self._desk.account.name, feed=feed, error=str(error))
            return error
        lane.worked(now, stalled=page.stalled)
        if page.stalled:
            name = self._desk.account.name
            log.warning("feed promises more and gives the same", account=name, feed=feed)
        elif not page.has_more:
            self._ledger.drained(feed, now)
        return page

    def _asked(self, feed: str, cursor: str | None, now: datetime) -> Page:
        """The page after the cursor; where that is refused, the first of a new chain."""
        start = self._start(feed, now)
        if not cursor:
            self._ledger.began(feed, start)
        try:
            page = self._patiently(feed, cursor, start)
        except CursorRefused as error:
            if feed in self._reset:
                # An API that refuses its own cursors would else be read from there for ever.
                raise
            page, cursor = self._again(feed, now, error), None
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

    def _again(self, feed: str, now: datetime, why: SourceError) -> Page:
        """The first page of a chain in place of the one that was refused, with an overlap."""
        self._reset.add(feed)
        if not self._desk.lanes[feed].may_begin_again(now, self._desk.poll_every):
            raise why
        newest = self._stored.get(feed, ("", None))[1]
        start = min(newest, now) - OVERLAP if newest else now - self._desk.backfill
        since = max(start, now - RETENTION)
        self._ledger.began(feed, since, refused=str(why))
        log.error(
            "cursor refused, starting again with an overlap",
            account=self._desk.account.name,
            feed=feed,
            since=since.isoformat(),
            error=str(why),
        )
        return self._patiently(feed, None, since)

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
