"""The composition root: real adapters built from the configuration, and the clock."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import polars as pl
import structlog
from rich.console import Console

from detector import files, jobs
from detector.alerts import Alert
from detector.findings import Level
from detector.plans import build
from detector.ports import Notifier, SourceError
from detector.rendering import Renderer
from detector.settings import ConfigError, EmailConfig, Settings, SlackConfig, SourceConfig
from detector.store.sqlite import Sqlite

if TYPE_CHECKING:
    from detector.sources.onepassword import OnePassword

TELL_EVERY_S = 2.0
log = structlog.get_logger()


def now() -> datetime:
    """The time of day in UTC."""
    return datetime.now(UTC)


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
    found: dict[str, Notifier] = {}
    for name, slack in settings.slack.items():
        found[name] = _slack(name, slack, words)
    for name, email in settings.email.items():
        found[name] = _email(name, email, words)
    if console is not None:
        from detector.notifiers.console import Terminal

        found["console"] = Terminal(console, words)
    return found


def _slack(name: str, config: SlackConfig, words: Renderer) -> Notifier:
    from detector.notifiers.slack import Slack, slack_client

    if config.token is None:
        msg = f"{name}.token: is missing; write token = {{ env = \"SLACK_TOKEN\" }}"
        raise ConfigError(msg)
    token = config.token.read(os.environ)
    try:
        client = slack_client(token.get_secret_value(), base_url=config.base_url)
    except ValueError as error:
        msg = f"{name}.base_url: {error}"
        raise ConfigError(msg) from error
    return Slack(client, words, config.channel, name=name, notice=_notice(name))


def _email(name: str, config: EmailConfig, words: Renderer) -> Notifier:
    from detector.notifiers.email import Email
    from detector.notifiers.mail_server import MailServer

    password = config.password.read(os.environ).get_secret_value() if config.password else None
    try:
        server = MailServer(
            config.host, config.port, tls=config.tls, user=config.user, password=password
        )
        return Email(
            server, words, to=config.to, sender=config.sender, name=name, notice=_notice(name)
        )
    except ValueError as error:
        msg = f"{name}: {error}"
        raise ConfigError(msg) from error


def _notice(name: str) -> Callable[[str], None]:
    def notice(text: str) -> None:
        log.warning("delivery", destination=name, note=text)

    return notice


def route(settings: Settings, destinations: Sequence[str]) -> jobs.Route:
    """Which destinations an alert goes to: the first route that matches, else every one from medium.

    Rules with `status: test` are never sent.
    """

    def choose(alert: Alert) -> Sequence[str]:
        for each in settings.routes:
            match = each.match
            if (
                (not match.level or alert.level in match.level)
                and (not match.account or alert.account in match.account)
                and (not match.rule or alert.rule.name in match.rule or alert.rule.id in match.rule)
                and (not match.tag or set(match.tag) & set(alert.tags))
            ):
                return [name for name in each.send if name in destinations]
        return destinations if alert.level.rank >= Level.MEDIUM.rank else ()

    return choose


def source(config: SourceConfig) -> OnePassword:
    """The Events API of one account. Raises ConfigError."""
    from detector.sources.onepassword import Budget, OnePassword, Pace
    from detector.sources.tokens import SetupError

    token = config.token.read(os.environ)
    pace = Pace(Budget(monotonic=time.monotonic, sleep=time.sleep), now)
    try:
        return OnePassword(
            token, pace=pace, base_url=config.base_url, name=config.name
        )
    except SetupError as error:
        msg = f"source {config.name!r}: {error}"
        raise ConfigError(msg) from error


def crash_point(environ: Mapping[str, str]) -> jobs.Point:
    """Die, as kill -9 would, at the point that VAULTWATCH_CRASH_AT names: a means of proof."""
    name = environ.get("VAULTWATCH_CRASH_AT")
    if not name:
        return jobs.nowhere

    def point(here: str) -> None:
        if here == name:
            os._exit(137)

    return point


class Service:
    """The background service: a poll job for each account, and one that tells."""

    def __init__(self, settings: Settings, console: Console) -> None:
        if not settings.sources:
            msg = "no [[sources]] are configured; 'vaultwatch init' writes an example"
            raise ConfigError(msg)
        self._settings = settings
        self._resources = ExitStack()
        texts = files.texts(settings.paths, timezone=settings.timezone)
        for mistake in build(texts, now().date()).mistakes:
            log.error("mistake in a file, the rest goes on", mistake=str(mistake))
        destinations = list(settings.slack) + list(settings.email) or ["console"]
        self._notifiers = notifiers(settings, console if destinations == ["console"] else None)
        sources = [(config, source(config)) for config in settings.sources]
        self._store = Sqlite(settings.data.directory)
        self._resources.callback(self._store.close)
        self._desks = [
            (config, api, self._desk(config, texts, destinations)) for config, api in sources
        ]
        self._stop = threading.Event()

    def _desk(
        self, config: SourceConfig, texts: files.Texts, destinations: Sequence[str]
    ) -> jobs.Desk:
        account = jobs.open_account(
            self._store, config.name, texts, now(), span=self._settings.data.window
        )
        return jobs.Desk(
            account,
            self._store,
            route(self._settings, destinations),
            point=crash_point(os.environ),
            backfill=config.backfill,
        )

    def run(self, *, once: bool = False) -> None:
        """Work until a signal says stop; with `once`, one round of polling and telling."""
        settle_process()
        for config, api, desk in self._desks:
            log.info("polling", account=config.name, feeds=list(api.feeds))
            self._poll(api, desk)
        self._tell()
        if not once:
            self._schedule()
        for _, _, desk in self._desks:
            jobs.keep_state(desk, now())
        self._resources.close()

    def _schedule(self) -> None:
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        # The default grace of one second drops a run that a slow one before it delayed.
        scheduler = BackgroundScheduler(
            executors={
                "poll": ThreadPoolExecutor(max(4, len(self._desks))),
                "tell": ThreadPoolExecutor(1),
            },
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )
        for config, api, desk in self._desks:
            seconds = config.poll_every.total_seconds()
            scheduler.add_job(
                self._poll, "interval", (api, desk), seconds=seconds, executor="poll", jitter=min(5, int(seconds / 4))
            )
        scheduler.add_job(self._tell, "interval", seconds=TELL_EVERY_S, executor="tell")
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self._stop.set())
        scheduler.start()
        self._stop.wait()
        log.info("stopping")
        scheduler.shutdown(wait=True)

    def _poll(self, api: OnePassword, desk: jobs.Desk) -> None:
        try:
            polled = jobs.poll(desk, api, now)
        except SourceError as error:
            log.error("poll failed", account=desk.account.name, error=str(error))
        except Exception:
            # The state was reloaded from the store; the next round starts from the last commit.
            log.exception("poll failed", account=desk.account.name)
        else:
            log.info("polled", account=desk.account.name, events=polled.events, alerts=len(polled.alerts))

    def _tell(self) -> None:
        try:
            jobs.tell(
                self._store, self._notifiers, now(), chance=Random(), point=crash_point(os.environ)
            )
        except Exception:
            log.exception("telling failed")


