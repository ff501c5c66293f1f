"""The composition root: real adapters built from the configuration, and the clock."""

from __future__ import annotations

import gc
import getpass
import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console

from detector import changes, destinations, files, jobs, plans, proving, rule_cache
from detector.ports import Notifier
from detector.rendering import Renderer
from detector.rollout import Means
from detector.settings import ConfigError, Settings, SourceConfig

if TYPE_CHECKING:
    import httpx

    from detector.sources.onepassword import OnePassword


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


def notifiers(
    settings: Settings, words: Renderer, console: Console | None = None
) -> dict[str, Notifier]:
    """Every configured destination by name; the console if there is one."""
    found = destinations.notifiers(settings, words, os.environ, now)
    if console is not None:
        from detector.notifiers.console import Terminal

        found["console"] = Terminal(console, words)
    return found


def means(settings: Settings, stop: threading.Event, adopt: Callable[[files.Saved], None]) -> Means:
    """By what a rollout reads the files that are configured and proves them, until `stop`."""
    load_rules = rule_cache.below(settings.data.directory)

    def read() -> files.Saved:
        return files.saved(settings.paths, settings.timezone)

    def prove(saved: files.Saved) -> proving.Proof | None:
        return proving.apart(saved, now().date(), stop.is_set, load_rules.folder)

    def mistakes(saved: files.Saved) -> tuple[str, ...]:
        built = plans.build(saved.texts, now().date(), load_rules)
        return tuple(map(str, built.mistakes))

    return Means(read, prove, adopt, mistakes, stop.wait, now)


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
