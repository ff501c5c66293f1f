"""The background service: what runs, in which thread, and what happens where it fails."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from random import Random
from typing import Any

import structlog
from rich.console import Console

from detector import (
    accounts,
    app,
    changes,
    destinations,
    files,
    fleet,
    jobs,
    stopping,
    whereabouts,
)
from detector.delivery.commands import Command
from detector.ports import Notifier
from detector.rendering import Renderer
from detector.rollout import Rollout, at_start
from detector.settings import ConfigError, Settings, orders
from detector.sources.onepassword import client
from detector.store.sqlite import Sqlite
from detector.terminal import progress
from detector.timetable import Timetable

TELL_EVERY_S = 2.0
TIDY_EVERY_S = 3600.0
WATCH_EVERY_S = 30.0
LOOK_EVERY_S = 5.0
LISTEN_EVERY_S = 60.0
FEW = 20
"""So many accounts may begin at once."""
CONNECTIONS = 64
"""To one host at once: more than are ever fetching."""
log = structlog.get_logger()


class Service:
    """The background service: a poll job for each account, and one that tells."""

    def __init__(self, settings: Settings, console: Console) -> None:
        if not settings.sources:
            msg = "no [[sources]] are configured; 'vaultwatch init' writes an example"
            raise ConfigError(msg)
        self._settings, self._resources, self._console = settings, ExitStack(), console
        self._stop, self._again = threading.Event(), threading.Event()
        self._table = Timetable(app.now)
        self._trainer = ThreadPoolExecutor(1, thread_name_prefix="trainer")
        self._resources.callback(self._trainer.shutdown, cancel_futures=True)
        self._point = app.crash_point(os.environ)
        self._orders = orders(settings)
        self._silences = jobs.SilenceFile(settings.paths.silences)
        named = "console" in self._orders.destinations
        context = ssl.create_default_context()
        clients = fleet.Clients(lambda url: client(url, context=context, connections=CONNECTIONS))
        self._resources.callback(clients.close)
        with ExitStack() as undo:
            undo.callback(self._resources.close)
            self._whereabouts = whereabouts.open_all(settings.paths)
            self._resources.callback(self._whereabouts.close)
            made = partial(app.source, sleep=self._stop.wait, http=clients)
            self._store = Sqlite(settings.data.directory)
            self._resources.callback(self._store.close)
            means = app.means(settings, self._stop, self._adopt)
            last = accounts.last_texts(self._store, [each.name for each in settings.sources])
            self._rollout = Rollout(means, at_start(means.read, last))
            self._words = Renderer(self._rollout.at_work.templates)
            self._notifiers = app.notifiers(settings, self._words, console if named else None)
            self._direct = jobs.Direct(self._notifiers)
            common = self._common = fleet.Common(
                self._store,
                self._rollout.at_work.texts,
                settings.data.window,
                app.now,
                made,
                self._stop,
                self._point,
                self._trainer,
                fill=self._whereabouts.fill,
            )
            for pool in common.fetchers.values():
                self._resources.callback(pool.shutdown)
            self._stations = [fleet.Station(common, config) for config in settings.sources]
            undo.pop_all()

    @property
    def _desks(self) -> list[jobs.Desk]:
        """The accounts that were opened."""
        return [each.desk for each in self._stations if each.desk is not None]

    def run(self, *, once: bool = False) -> bool:
        """Work until a signal says stop; with `once`, one round. True if every feed was read."""
        app.settle_process()
        signal.signal(signal.SIGHUP, self._asked)
        door = changes.opened(self._settings.data.directory, self._answer)
        with stopping.asked(self._stop), self._resources, door:
            if once:
                for station in self._stations:
                    desk = station.open()
                    desk.trainer, desk.patience_s = jobs.AtOnce(), None
                self._catch_up()
                polled = [self._poll(station) for station in self._stations]
                self._watch()
                self._decide()
                for notifier in self._notifiers.values():
                    self._send(notifier)
                self._tidy()
            else:
                polled = []
                self._schedule()
            for desk in self._desks:
                jobs.keep_state(desk, app.now())
        return all(polled)

    def _answer(self, body: bytes) -> bytes:
        """What a command asks for, carried out here, where the writer is."""
        office = changes.Office(self._store, app.now(), self._at_work, self._orders, self._reload)
        return changes.answer(office, body)

    def _at_work(self, name: str) -> jobs.Desk:
        stations = {station.config.name: station for station in self._stations}
        if name not in stations:
            raise changes.no_account(name, sorted(stations))
        return stations[name].open()

    def _asked(self, _number: int, _frame: object) -> None:
        """Somebody wants the files to be looked at, also those that were refused before."""
        self._again.set()

    def _schedule(self) -> None:
        """Everything in its time, until a signal says stop."""
        table = self._table
        # A destination that does not answer keeps neither the decisions nor the others waiting.
        table.every(TELL_EVERY_S, "tell", self._decide, at_once=True)
        for name, notifier in self._notifiers.items():
            table.every(TELL_EVERY_S, f"send {name}", self._send, notifier, at_once=True)
        table.every(LOOK_EVERY_S, "look", self._look)
        table.every(TIDY_EVERY_S, "tidy", self._tidy)
        table.every(WATCH_EVERY_S, "watch", self._watch)
        sockets = destinations.sockets(self._settings, os.environ, self._obey, app.now)
        for socket in sockets:
            table.every(LISTEN_EVERY_S, "listen", socket.watch, at_once=True)
        with table:
            self._schedule_polls()
            self._stop.wait()
            log.info("stopping")
            for socket in sockets:
                socket.close()

    def _schedule_polls(self) -> None:
        """Poll every account; what is wrong with the only one ends the service. Raises StoreError."""
        many = len(self._stations)
        if many == 1:
            self._stations[0].open()
        self._catch_up()
        for place, station in enumerate(self._stations):
            late = station.config.poll_every * place / many
            self._table.poll(station, self._poll, late if many > FEW else None)

    def _obey(self, command: Command) -> str:
        """Do what somebody pressed a button for. Raises Refused."""
        return jobs.obey(self._store, command, self._orders, app.now()).text

    def _poll(self, station: fleet.Station) -> bool:
        name, track = station.config.name, station.track
        if self._stop.is_set():
            return False
        try:
            with self._backfilling(station) as told:
                polled = station.poll(told)
        except Exception as error:
            # What was not stored is thrown away; the next round starts from the last commit.
            log.exception("poll failed", account=name)
            words = f"{type(error).__name__}: {error}"
            if station.desk is None:
                self._direct.failed(name, words, app.now())
            else:
                station.desk.vitals.broken = station.desk.vitals.broken or (app.now(), words)
            return False
        station.open().vitals.broken = None
        found = {"events": polled.events, "alerts": len(polled.alerts)}
        log.info("polled", account=name, failed=sorted(polled.failures), **found)
        if station.track != track:
            self._table.move(station)
        return not polled.failures

    @contextmanager
    def _backfilling(self, station: fleet.Station) -> Iterator[jobs.Progress | None]:
        """A progress bar for the first round of an account on a terminal, else nothing."""
        many = len(self._stations) > 1 or not self._console.is_terminal
        if many or self._store.cursors(station.config.name):
            yield None
            return
        span = station.config.backfill
        start, whole = app.now() - span, span.total_seconds()
        with progress(self._console, f"learning from {span.days} days", whole) as advance:

            def told(events: int, upto: datetime | None) -> None:
                if upto is not None:
                    advance((upto - start).total_seconds(), f"{events:,} events")

            yield told

    def _catch_up(self) -> None:
        """Before the first poll: what was saved since the service ran last."""
        if self._rollout.lags:
            self._look()

    def _look(self) -> None:
        """What was saved is proven and put to work; so is what an account has not yet."""
        again = self._again.is_set()
        self._again.clear()
        try:
            if self._rollout.look(again=again):
                self._table.soon("watch")
        except Exception:
            log.exception("looking at the files failed")
        for station in self._stations:
            try:
                station.keep_up()
            except Exception:
                log.exception("the files of before go on", account=station.config.name)

    def _reload(self) -> dict[str, Any]:
        """Look now; what is at work then, and what speaks against the rest."""
        before, rollout = self._rollout.at_work.version, self._rollout
        self._again.set()
        self._look()
        version, refusal = rollout.at_work.version, rollout.refusal
        return {
            "version": version,
            "changed": version != before,
            "problems": rollout.problems,
            "partly": refusal is not None and refusal.at_work,
        }

    def _adopt(self, saved: files.Saved) -> None:
        self._words.use(saved.templates)
        self._common.texts = saved.texts

    def _round(self) -> jobs.Round:
        means = (Random(), self._point, self._stop.is_set)
        return jobs.Round(self._store, self._orders, app.now(), *means)

    def _watch(self) -> None:
        try:
            free = shutil.disk_usage(self._settings.data.directory).free
            troubles = [each.trouble() for each in (self._rollout.refusal,) if each]
            teller = self._settings.sources[0].name
            shared = jobs.Shared(free, tuple(troubles), teller)
            jobs.watch_all(self._desks, self._direct, app.now(), shared)
        except Exception:
            log.exception("watching failed")

    def _decide(self) -> None:
        try:
            self._silences.follow(self._store, self._orders, app.now())
            jobs.decide(self._round(), self._notifiers)
            jobs.digest(self._store, self._orders, app.now(), self._rollout.problems)
        except Exception:
            log.exception("deciding failed")

    def _send(self, notifier: Notifier) -> None:
        try:
            jobs.send(self._round(), notifier)
        except Exception:
            log.exception("telling failed", destination=notifier.name)

    def _tidy(self) -> None:
        for desk in self._desks:
            try:
                jobs.tidy(desk, app.now(), remember=self._settings.data.remember)
            except Exception:
                # What was not finished is begun again at the next round.
                log.exception("tidying failed", account=desk.account.name)
