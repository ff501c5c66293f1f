"""Many accounts in one process: each opened at its first poll, the quick never behind the slow.

A poll is mostly waiting, so a few threads serve a thousand accounts. An account that is being
back-filled, fails, or answers slowly polls on threads of its own kind: however many of those there
are, the quick ones keep theirs. Plans, connections and certificates are shared.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import httpx
import polars as pl
import structlog

from detector import jobs
from detector.jobs.desk import as_it_is
from detector.plans import Texts
from detector.ports import SourceError
from detector.settings import ConfigError, SourceConfig
from detector.sources.onepassword import OnePassword
from detector.store.sqlite import Sqlite

QUICK: Final = "quick"
SLOW: Final = "slow"
POLLS: Final = {QUICK: 12, SLOW: 32}
"""Polls at once, by track; each may ask for its three feeds at once. The slow only wait."""
PATIENCE_S: Final = 10.0
"""How long the pages of a round that are there wait for one that is not."""
SLOW_AFTER: Final = timedelta(seconds=5)
"""A poll that takes longer is slow: its next one runs among its like."""

log = structlog.get_logger()


def fetchers() -> dict[str, ThreadPoolExecutor]:
    """The threads that fetch, by track; they start when they are first needed."""
    return {track: ThreadPoolExecutor(3 * polls, track) for track, polls in POLLS.items()}


@dataclass
class Common:
    """What all accounts of a service share. `texts` are others once others were saved."""

    store: Sqlite
    texts: Texts
    span: timedelta
    now: Callable[[], datetime]
    source: Callable[[SourceConfig], OnePassword]
    stop: threading.Event
    point: jobs.Point
    trainer: Executor
    fetchers: dict[str, ThreadPoolExecutor] = field(default_factory=fetchers)
    fill: Callable[[pl.DataFrame], pl.DataFrame] = as_it_is


class Station:
    """One account in the service.

    `track` is where its next poll belongs; one that nobody knows yet is slow until it was quick.
    """

    def __init__(self, common: Common, config: SourceConfig) -> None:
        self.config, self._common = config, common
        self.api = common.source(config)
        self.desk: jobs.Desk | None = None
        self.track = SLOW
        self._mutex = threading.Lock()

    def open(self) -> jobs.Desk:
        """Bring the account back, at the first time. Raises StoreError."""
        with self._mutex:
            if self.desk is None:
                error = self._check_token()
                self.desk = self._opened()
                if error is not None and not error.permanent:
                    # Whoever does not answer is not asked again and again while others wait.
                    for feed in self.api.feeds:
                        self.desk.lanes[feed].failures = 1
            return self.desk

    def keep_up(self) -> None:
        """Let the account run the texts of today, if it was opened under others. Raises StoreError."""
        with self._mutex:
            desk = self.desk
        if desk is not None and jobs.adopt(desk, self._common.texts, self._common.now()):
            log.info("other files at work", account=self.config.name)

    def poll(self, progress: jobs.Progress | None = None) -> jobs.Polled:
        """One round: what is new, then the next part of a sweep."""
        common, begun = self._common, self._common.now()
        desk = self.open()
        if any(lane.error and lane.error.permanent for lane in desk.lanes.values()):
            self._renew_token(desk)
        desk.pool = common.fetchers[self.track]
        polled = jobs.poll(desk, self.api, common.now, progress)
        habits = [jobs.Habit(each.every, each.over) for each in self.config.sweeps]
        jobs.sweep(desk, self.api, common.now, habits)
        is_slow = bool(polled.failures) or common.now() - begun > SLOW_AFTER
        self.track = SLOW if is_slow else QUICK
        return polled

    def _check_token(self) -> SourceError | None:
        try:
            self.api.introspect()
        except SourceError as error:
            log.error("the token was not checked", account=self.config.name, error=str(error))
            return error
        return None

    def _opened(self) -> jobs.Desk:
        common, config = self._common, self.config
        account = jobs.open_account(
            common.store, config.name, common.texts, common.now(), span=common.span
        )
        if account.refused:
            log.error("model refused", account=config.name, why=account.refused, rules="go on")
        if self.api.account_uuid:
            common.store.claim(config.name, self.api.account_uuid)
        desk = jobs.Desk(
            account,
            common.store,
            point=common.point,
            poll_every=config.poll_every,
            patience_s=PATIENCE_S,
            backfill=config.backfill,
            sleep=common.stop.wait,
            stopping=common.stop.is_set,
            pool=common.fetchers[self.track],
            trainer=common.trainer,
            fill=common.fill,
        )
        self._known(desk)
        log.info("polling", account=config.name, feeds=list(self.api.feeds))
        return desk

    def _known(self, desk: jobs.Desk) -> None:
        """Note what the token says of itself."""
        vitals, api = desk.vitals, self.api
        vitals.feeds, vitals.own, vitals.expires = api.feeds, api.ids, api.token.expires

    def _renew_token(self, desk: jobs.Desk) -> None:
        """Where the token was refused, take the one that somebody may have put in its place."""
        try:
            token = self.config.token.read(os.environ)
            if self.api.has(token):
                return
            api = self._common.source(self.config)
        except ConfigError as error:
            log.error("no other token", account=self.config.name, error=str(error))
            return
        log.info("another token is used", account=self.config.name)
        self.api = api
        self._check_token()
        if api.account_uuid:
            self._common.store.claim(self.config.name, api.account_uuid)
        desk.lanes.clear()
        self._known(desk)


class Clients:
    """One HTTP client for all accounts: connections to the same host serve whoever is next."""

    def __init__(self, make: Callable[[str], httpx.Client]) -> None:
        self._make = make
        self._made: dict[str, httpx.Client] = {}

    def __call__(self, url: str) -> httpx.Client:
        """The client for an address."""
        if url not in self._made:
            self._made[url] = self._make(url)
        return self._made[url]

    def close(self) -> None:
        """Close all connections."""
        for each in self._made.values():
            each.close()
