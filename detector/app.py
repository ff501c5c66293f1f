"""The composition root: real adapters built from the configuration, and the clock."""

from __future__ import annotations

import gc
import getpass
import os
import shutil
import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import structlog
from rich.console import Console

from detector import changes, destinations, files, jobs, whereabouts
from detector.plans import build
from detector.ports import Notifier
from detector.rendering import Renderer
from detector.settings import (
    ConfigError,
    Settings,
    SourceConfig,
    orders,
)
from detector.store.sqlite import Sqlite
from detector.terminal import progress

if TYPE_CHECKING:
    import httpx

    from detector import fleet
    from detector.delivery.commands import Command
    from detector.sources.onepassword import OnePassword

TELL_EVERY_S = 2.0
TIDY_EVERY = timedelta(hours=1)
WATCH_EVERY_S = 30.0
LISTEN_EVERY_S = 60.0
FEW = 20
"""So many accounts may begin at once."""
CONNECTIONS = 64
"""To one host at once: more than are ever fetching."""
log = structlog.get_logger()


def now() -> datetime:
    """The time of day in UTC."""
    return datetime.now(UTC)


def user() -> str:
    """Who runs this command, as far as the system knows a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def ask(settings: Settings, request: changes.Request) -> dict[str, Any]:
    """Have the running service make a change, or make it ourselves where none runs."""
    return changes.ask(settings, request, now(), time.sleep)


def settle_process() -> None:
    """Settings of the process that are no matter of configuration."""
    # Pages are small: polars' streaming engine costs more than it saves on them.
    pl.Config.set_engine_affinity("in-memory")
    # The state is millions of long-lived objects without circles; looking for some is waste.
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 1_000)


def renderer(settings: Settings) -> Renderer:
    """The renderer of the shipped and the user's templates."""
    return Renderer(files.templates(settings.paths.templates))


def notifiers(settings: Settings, console: Console | None) -> dict[str, Notifier]:
    """Every configured destination by name; the console if there is one."""
    words = renderer(settings)
    found = destinations.notifiers(settings, words, os.environ, now)
    if console is not None:
        from detector.notifiers.console import Terminal

        found["console"] = Terminal(console, words)
    return found


def source(
    config: SourceConfig,
    sleep: Callable[[float], object] = time.sleep,
    http: Callable[[str], httpx.Client] | None = None,
) -> OnePassword:
    """The Events API of one account. Raises ConfigError."""
    from detector.sources.onepassword import Budget, OnePassword, Pace, client
    from detector.sources.tokens import SetupError

    token = config.token.read(os.environ)
    pace = Pace(Budget(monotonic=time.monotonic, sleep=sleep), now)
    name, base_url = config.name, config.base_url
    try:
        return OnePassword(token, pace=pace, base_url=base_url, name=name, http=http or client)
    except SetupError as error:
        msg = f"source {config.name!r}: {error}"
        raise ConfigError(msg) from error


def crash_point(environ: Mapping[str, str]) -> jobs.Point:
    """Die, as kill -9 would, at the point that VAULTWATCH_CRASH_AT names: a means of proof.

    "after_commit" is the first time, "after_commit:3" the third.
    """
    name, _, count = environ.get("VAULTWATCH_CRASH_AT", "").partition(":")
    if not name:
        return jobs.nowhere
    left = int(count or 1)

    def point(here: str) -> None:
        nonlocal left
        left -= here == name
        if here == name and left == 0:
            os._exit(137)

    return point


class Service:
    """The background service: a poll job for each account, and one that tells."""

    def __init__(self, settings: Settings, console: Console) -> None:
        if not settings.sources:
            msg = "no [[sources]] are configured; 'vaultwatch init' writes an example"
            raise ConfigError(msg)
        self._settings, self._resources, self._console = settings, ExitStack(), console
        self._stop = threading.Event()
        self._jobs: dict[str, Any] = {}
        self._trainer = ThreadPoolExecutor(1, thread_name_prefix="trainer")
        self._resources.callback(self._trainer.shutdown)
        self._point = crash_point(os.environ)
        texts = files.texts(settings.paths, timezone=settings.timezone)
        self._mistakes = [str(each) for each in build(texts, now().date()).mistakes]
        for mistake in self._mistakes:
            log.error("mistake in a file, the rest goes on", mistake=mistake)
        self._orders = orders(settings)
        self._silences = jobs.SilenceFile(settings.paths.silences)
        named = "console" in self._orders.destinations
        self._notifiers = notifiers(settings, console if named else None)
        self._direct = jobs.Direct(self._notifiers)
        from detector import fleet
        from detector.sources.onepassword import client

        context = ssl.create_default_context()
        clients = fleet.Clients(lambda url: client(url, context=context, connections=CONNECTIONS))
        self._resources.callback(clients.close)
        with ExitStack() as undo:
            undo.callback(self._resources.close)
            self._whereabouts = whereabouts.open_all(settings.paths)
            self._resources.callback(self._whereabouts.close)
            made = partial(source, sleep=self._stop.wait, http=clients)
            self._store = Sqlite(settings.data.directory)
            self._resources.callback(self._store.close)
            common = fleet.Common(
                self._store,
                texts,
                settings.data.window,
                now,
                made,
                self._stop,
                self._point,
                self._trainer,
                fill=self._whereabouts.fill,
            )
            for pool in common.fetchers.values():
                self._resources.callback(pool.shutdown)
            self._stations = [fleet.Station(common, config) for config in settings.sources]
            if len(self._stations) == 1:
                self._stations[0].open()
            undo.pop_all()

    @property
    def _desks(self) -> list[jobs.Desk]:
        """The accounts that were opened."""
        return [each.desk for each in self._stations if each.desk is not None]

    def run(self, *, once: bool = False) -> bool:
        """Work until a signal says stop; with `once`, one round. True if every feed was read."""
        settle_process()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._heard)
        with self._resources, changes.opened(self._settings.data.directory, self._answer):
            if once:
                for station in self._stations:
                    station.open().trainer = jobs.AtOnce()
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
                jobs.keep_state(desk, now())
        return all(polled)

    def _answer(self, body: bytes) -> bytes:
        """What a command asks for, carried out here, where the writer is."""
        return changes.answer(changes.Office(self._store, now(), self._at_work, self._orders), body)

    def _at_work(self, name: str) -> jobs.Desk:
        stations = {station.config.name: station for station in self._stations}
        if name not in stations:
            raise changes.no_account(name, sorted(stations))
        return stations[name].open()

    def _heard(self, number: int, _frame: object) -> None:
        """Stop at the next page; a second signal is immediate, and loses nothing either."""
        signal.signal(number, signal.SIG_DFL)
        self._stop.set()

    def _schedule(self) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor as Pool
        from apscheduler.schedulers.background import BackgroundScheduler

        from detector.fleet import POLLS

        # The default grace of one second drops a run that a slow one before it delayed.
        scheduler = BackgroundScheduler(
            executors={
                **{track: Pool(polls) for track, polls in POLLS.items()},
                "tell": Pool(1),
                "tidy": Pool(1),
                "watch": Pool(1),
            },
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )
        for place, station in enumerate(self._stations):
            seconds = station.config.poll_every.total_seconds()
            # Many accounts begin one after the other, and stay spread so.
            late_s = seconds * place / len(self._stations) if len(self._stations) > FEW else 0
            self._jobs[station.config.name] = scheduler.add_job(
                self._poll,
                "interval",
                (station,),
                executor=station.track,
                seconds=seconds,
                jitter=None if late_s else min(5, int(seconds / 4)),
                next_run_time=now() + timedelta(seconds=late_s),
            )
        # A destination that does not answer keeps neither the decisions nor the others waiting.
        often = {"seconds": TELL_EVERY_S, "executor": "tell", "next_run_time": now()}
        scheduler.add_job(self._decide, "interval", **often)
        for notifier in self._notifiers.values():
            scheduler.add_job(self._send, "interval", (notifier,), **often)
        scheduler.add_job(
            self._tidy, "interval", seconds=TIDY_EVERY.total_seconds(), executor="tidy"
        )
        scheduler.add_job(self._watch, "interval", seconds=WATCH_EVERY_S, executor="watch")
        sockets = destinations.sockets(self._settings, os.environ, self._obey, now)
        for socket in sockets:
            scheduler.add_job(socket.watch, "interval", seconds=LISTEN_EVERY_S, next_run_time=now())
        scheduler.start()
        self._stop.wait()
        log.info("stopping")
        for socket in sockets:
            socket.close()
        scheduler.shutdown(wait=True)

    def _obey(self, command: Command) -> str:
        """Do what somebody pressed a button for. Raises Refused."""
        return jobs.obey(self._store, command, self._orders, now()).text

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
                self._direct.failed(name, words, now())
            else:
                station.desk.vitals.broken = station.desk.vitals.broken or (now(), words)
            return False
        station.open().vitals.broken = None
        found = {"events": polled.events, "alerts": len(polled.alerts)}
        log.info("polled", account=name, failed=sorted(polled.failures), **found)
        if station.track != track and name in self._jobs:
            self._jobs[name].modify(executor=station.track)
        return not polled.failures

    @contextmanager
    def _backfilling(self, station: fleet.Station) -> Iterator[jobs.Progress | None]:
        """A progress bar for the first round of an account on a terminal, else nothing."""
        many = len(self._stations) > 1 or not self._console.is_terminal
        if many or self._store.cursors(station.config.name):
            yield None
            return
        span = station.config.backfill
        start, whole = now() - span, span.total_seconds()
        with progress(self._console, f"learning from {span.days} days", whole) as advance:

            def told(events: int, upto: datetime | None) -> None:
                if upto is not None:
                    advance((upto - start).total_seconds(), f"{events:,} events")

            yield told

    def _round(self) -> jobs.Round:
        return jobs.Round(self._store, self._orders, now(), Random(), self._point)

    def _watch(self) -> None:
        try:
            free = shutil.disk_usage(self._settings.data.directory).free
            jobs.watch_all(self._desks, self._direct, now(), free)
        except Exception:
            log.exception("watching failed")

    def _decide(self) -> None:
        try:
            self._silences.follow(self._store, self._orders, now())
            jobs.decide(self._round(), self._notifiers)
            jobs.digest(self._store, self._orders, now(), self._mistakes)
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
                jobs.tidy(desk, now(), remember=self._settings.data.remember)
            except Exception:
                # What was not finished is begun again at the next round.
                log.exception("tidying failed", account=desk.account.name)
