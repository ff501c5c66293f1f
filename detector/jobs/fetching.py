"""The next page of each feed: tried again where that may help, never at another feed's cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from detector.jobs.desk import Desk
from detector.ports import CursorRefused, Page, Source, SourceError

RETENTION: Final = timedelta(days=120)
"""The API serves the last 120 days."""
OVERLAP: Final = timedelta(days=7)
"""How far a reset cursor reaches back behind the newest event that is stored.

A reset cursor filters on event time, and what was used offline comes days late.
"""
TRIES: Final = 4
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0

log = structlog.get_logger()


class Fetching:
    """One round of fetching from the cursors that are stored."""

    def __init__(
        self, desk: Desk, source: Source, stored: Mapping[str, tuple[str, datetime]]
    ) -> None:
        self._desk, self._source, self._stored = desk, source, stored
        self._reset: set[str] = set()

    def pages(
        self, asked: Mapping[str, str | None], now: datetime
    ) -> dict[str, Page | SourceError]:
        """The next page of each feed, fetched in parallel; a failure of one is its own."""
        answers = self._desk.pool.map(lambda feed: self._page(feed, asked[feed], now), asked)
        return dict(zip(asked, answers, strict=True))

    def _page(self, feed: str, cursor: str | None, now: datetime) -> Page | SourceError:
        oldest = now - RETENTION
        start = max(now - self._desk.backfill, oldest)
        try:
            return self._patiently(feed, cursor, start)
        except CursorRefused as error:
            if feed in self._reset:
                # An API that refuses its own cursors would else be read from there for ever.
                return self._failed(feed, error)
            self._reset.add(feed)
            newest = min(self._stored[feed][1], now) if feed in self._stored else start
            return self._again(feed, max(newest - OVERLAP, oldest), error)
        except SourceError as error:
            return self._failed(feed, error)

    def _again(self, feed: str, since: datetime, why: SourceError) -> Page | SourceError:
        log.error(
            "cursor refused, starting again with an overlap",
            account=self._desk.account.name,
            feed=feed,
            since=since.isoformat(),
            error=str(why),
        )
        try:
            return self._patiently(feed, None, since)
        except SourceError as error:
            return self._failed(feed, error)

    def _patiently(self, feed: str, cursor: str | None, since: datetime) -> Page:
        """Ask, and ask again after a failure that may pass: in back-fill nothing overtakes."""
        wait_s = FIRST_WAIT_S
        for _ in range(TRIES - 1):
            try:
                return self._source.fetch(feed, cursor, since)
            except CursorRefused:
                raise
            except SourceError as error:
                asked_s = error.retry_after_s or wait_s
                if error.permanent or asked_s > LONGEST_WAIT_S or self._desk.stopping():
                    raise
                self._desk.sleep(asked_s)
                wait_s *= 2
        return self._source.fetch(feed, cursor, since)

    def _failed(self, feed: str, error: SourceError) -> SourceError:
        log.error("feed failed", account=self._desk.account.name, feed=feed, error=str(error))
        return error
