"""`vaultwatch doctor`: does everything that the service needs work?"""

from __future__ import annotations

import os
import sqlite3
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from detector import accounts, app, destinations, settings, whereabouts
from detector.alerts import Alert
from detector.cli import output, planning
from detector.coverage import sentence
from detector.jobs import uncounted
from detector.ports import DeliveryError, SourceError
from detector.settings import ConfigError
from detector.store.database import FILE, LOCK
from detector.store.sqlite import Sqlite, StoreError

Check = tuple[str, Callable[[], str]]


def run(args: Namespace) -> int:
    """Print one line for each check; 1 if one is red."""
    config = settings.load(args.config, os.environ)
    red = 0
    for name, check in _checks(args, config):
        try:
            words, good = check(), True
        except (ConfigError, StoreError, SourceError) as error:
            words, good = str(error), False
        red += not good
        if args.json:
            output.as_json({"check": name, "ok": good, "text": words})
        else:
            sys.stdout.write(f"{'ok  ' if good else 'FAIL'} {name}: {words}\n")
    return 1 if red else 0


def _checks(args: Namespace, config: settings.Settings) -> Iterator[Check]:
    yield "python", lambda: sys.version.split()[0]
    yield "sqlite", _sqlite
    yield "data", lambda: _data(config.data.directory)
    yield "journal", lambda: _journal(config.data.directory)
    yield "models", lambda: _models(config.data.directory)
    yield "rules", lambda: _rules(config)
    yield "networks", lambda: _networks(config)
    yield "destinations", lambda: _destinations(config)
    if args.online:
        for name, slack in config.slack.items():
            if slack.webhook is not None:
                continue  # it can be asked nothing without posting
            yield f"Slack destination {name}", partial(_slack, name, slack, config)
    yield from _accounts(config.data.directory)
    for source in config.sources:
        yield f"token of {source.name}", partial(_token, source)
        if args.online:
            yield f"API of {source.name}", partial(_online, source)
    if not config.sources:
        yield "sources", _no_sources


def _sqlite() -> str:
    return f"{sqlite3.sqlite_version}; " + (
        "its WAL-reset bug is mended"
        if sqlite3.sqlite_version_info >= (3, 51, 3)
        else "has the WAL-reset bug of 3.7.0 to 3.51.2, which needs two writers: here is only one"
    )


def _data(directory: Path) -> str:
    try:
        is_new = not (directory / FILE).is_file()
    except OSError as error:
        msg = f"{directory}: cannot be used as data directory: {error}"
        raise StoreError(msg) from error
    _writable(directory)
    if is_new:
        return f"{directory} is new; the first run fills it"
    store = Sqlite(directory, write=False)
    try:
        verdict, counts, damaged = store.healthy(), store.counts(), store.damaged()
    finally:
        store.close()
    if verdict != "ok":
        msg = f"{directory}: the database is damaged: {verdict}; restore a backup"
        raise StoreError(msg)
    if damaged:
        msg = f"{directory / damaged[0]}: is missing, {len(damaged)} in all; restore a backup"
        raise StoreError(msg)
    waiting = counts.get("outbox_waiting", 0) + counts.get("outbox_sending", 0)
    return f"{counts['event']:,} events, {counts['alert']:,} alerts, {waiting:,} messages waiting"


def _writable(directory: Path) -> None:
    """Look whether `run` could write there, and write nothing. Raises StoreError."""
    there = next(each for each in (directory, *directory.absolute().parents) if each.exists())
    if not there.is_dir():
        msg = f"{directory}: cannot be used as data directory: {there} is a file"
        raise StoreError(msg)
    kept = [each for each in (directory / FILE, directory / LOCK) if each.exists()]
    refused = [each for each in kept if not os.access(each, os.R_OK | os.W_OK)]
    if not os.access(there, os.W_OK | os.X_OK):
        refused = [there]
    if refused:
        msg = (
            f"{directory}: cannot be used as data directory: {refused[0]} is not writable for "
            f"{app.user()}"
        )
        raise StoreError(msg)


def _journal(directory: Path) -> str:
    if not (directory / FILE).is_file():
        return "empty"
    with closing(Sqlite(directory, write=False)) as store:
        broken, (records, seal) = store.journal.broken(), store.journal.head()
    if broken is not None:
        msg = (
            f"{directory}: record {broken} of who changed alerts and silences is not as it was "
            "written, or is gone; compare with a backup and with the last daily digest"
        )
        raise StoreError(msg)
    last = f"; the last is sealed {seal[:12]}" if seal else ""
    return f"{records:,} records of who changed alerts and silences, as they were written{last}"


def _models(directory: Path) -> str:
    if not (directory / FILE).is_file():
        return "none yet; the first is trained when the history is read"
    with closing(Sqlite(directory, write=False)) as store:
        names = {account: _at_work(store, account) for account in store.accounts()}
        refused = [
            why for _, why in (accounts.usable(store, name) for name in names.values()) if why
        ]
    if refused:
        msg = f"{'; '.join(refused)}; the rules go on, and the service trains another"
        raise StoreError(msg)
    found = [f"{account} {name}" for account, name in names.items() if name]
    return ", ".join(found) or "none yet; the first is trained when there are enough hours"


def _at_work(store: Sqlite, account: str) -> str:
    """The id of the model that was adopted last."""
    kinds = (accounts.MODEL, accounts.ROLLBACK)
    moves = [each for kind in kinds for each in store.log.controls(account, kind=kind) if each.body]
    return max(moves, key=lambda each: each.seq).body.decode() if moves else ""


def _accounts(directory: Path) -> Iterator[Check]:
    """Of every account that is stored, how complete it is, and what troubles it."""
    try:
        with closing(Sqlite(directory, write=False)) as store:
            names = store.accounts()
            complete = {name: list(store.coverage(name).values()) for name in names}
            own = {name: store.own_alerts(name) for name in names}
            lost = {name: uncounted.lines(store, name) for name in names}
    except StoreError:
        return  # The check of the data says it.
    for name in names:
        yield f"coverage of {name}", partial(sentence, complete[name], app.now())
        yield f"troubles of {name}", partial(_troubles, own[name])
        yield f"correlations of {name}", partial(_counted, lost[name])


def _troubles(alerts: Sequence[Alert]) -> str:
    if not alerts:
        return "none"
    msg = "; ".join(alert.summary for alert in alerts)
    raise ConfigError(msg)


def _counted(lines: Sequence[str]) -> str:
    """What correlations could not count; most of it is as the events are, so nothing is red."""
    return "; ".join(lines) or "all that they were shown could be counted"


def _rules(config: settings.Settings) -> str:
    built = planning.build(config, app.now().date())
    if built.mistakes:
        msg = f"{len(built.mistakes)} mistakes, the first: {built.mistakes[0]}"
        raise ConfigError(msg)
    return f"{built.loaded.loaded} loaded"


def _networks(config: settings.Settings) -> str:
    named = f"{config.paths.networks}" if config.paths.networks else "no networks.yml"
    known = whereabouts.open_all(config.paths)
    known.close()
    missing = [
        f"no {what} ({key})"
        for what, key, is_there in (
            ("city database", "paths.geoip", known.city is not None),
            ("ASN database", "paths.asn", known.asn is not None),
            (
                "lists of hosting, VPN and relay networks",
                "paths.network_lists",
                known.lists is not None,
            ),
        )
        if not is_there
    ]
    words = [named, *(origin.words(app.now().date()) for origin in known.origins)]
    less = f"; {', '.join(missing)}: behaviours that ask for them know less" if missing else ""
    return "; ".join(words) + less


def _destinations(config: settings.Settings) -> str:
    names = settings.destinations(config)
    app.notifiers(config, app.renderer(config))
    return ", ".join(names)


def _slack(name: str, slack: settings.SlackConfig, config: settings.Settings) -> str:
    """Ask Slack itself: the token, the channel, and whether it takes what we would send."""
    from detector.notifiers.slack_check import check
    from detector.rendering import sample_messages

    words = app.renderer(config)
    layouts = {
        each: words.slack(message, buttons=slack.app_token is not None).blocks
        for each, message in sample_messages().items()
    }
    api = destinations.slack_api(name, slack, os.environ)
    try:
        return "; ".join(check(api, slack.channel, layouts))
    except DeliveryError as error:
        raise ConfigError(str(error)) from error


def _token(source: settings.SourceConfig) -> str:
    with closing(app.source(source)) as made:
        expires = made.token.expires
    if expires is not None and expires <= app.now():
        msg = (
            f"source {source.name!r}: the token has expired ({expires:%Y-%m-%d %H:%M} UTC); issue a "
            "new one (1Password.com > Integrations > Events Reporting)"
        )
        raise ConfigError(msg)
    words = f"{made.url}, feeds {', '.join(made.feeds)}"
    return words + (f", expires {expires:%Y-%m-%d}" if expires else ", never expires")


def _online(source: settings.SourceConfig) -> str:
    with closing(app.source(source)) as made:
        made.introspect()
        return f"answers; feeds {', '.join(made.feeds)}, account {made.account_uuid or 'unnamed'}"


def _no_sources() -> str:
    msg = "no [[sources]] are configured; 'vaultwatch init' writes an example"
    raise ConfigError(msg)
