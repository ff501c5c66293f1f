"""`vaultwatch silences`: hold back alerts for a while, and see what is held back."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from typing import Any

from rich.table import Table

from detector import app, doubts, jobs, settings
from detector.alerts import Alert, to_json
from detector.changes import ChangeRefused
from detector.changes.alerts import Act, one
from detector.cli import output, planning
from detector.cli.alerts import table
from detector.delivery.commands import Command, Verb
from detector.delivery.digests import plural
from detector.delivery.journal import How
from detector.delivery.silences import like, matcher
from detector.findings import Level
from detector.store.silences import Kept
from detector.store.sqlite import Sqlite


def run(args: Namespace) -> int:
    """Dispatch to the verb."""
    config = settings.load(args.config, os.environ)
    if args.verb == "expected":
        args.matcher = _expected(args, config)
    if args.verb in {"add", "expected"}:
        _doubt(args.matcher, config)
        return _preview(args, config) if args.preview else _add(args, config)
    if args.verb == "expire":
        return _expire(args, config)
    with closing(Sqlite(config.data.directory, write=False)) as store:
        return _list(args, store.silences.kept())


def _expected(args: Namespace, config: settings.Settings) -> tuple[str, ...]:
    """Matchers for what is like an alert. Raises ChangeRefused for one that is too grave."""
    with closing(Sqlite(config.data.directory, write=False)) as store:
        alert = one(store, args.alert)
    if alert.level.rank >= Level.HIGH.rank:
        msg = (
            f"{alert.id[:8]}: an alert of level {alert.level} is not expected for good; give a "
            "verdict on it ('vaultwatch alerts benign'), or silence it by matchers of your own"
        )
        raise ChangeRefused(msg)
    return like(alert)


def _doubt(matchers: Iterable[str], config: settings.Settings) -> None:
    """Warn of words that nothing is called, before anybody relies on them."""
    rules = planning.build(config, app.now().date()).plan.rulebook.rules.values()
    words = doubts.known(rules, (each.name for each in config.sources))
    for each in map(matcher, matchers):
        if found := doubts.doubt(each, words):
            sys.stderr.write(f"warning: {found}\n")


def _add(args: Namespace, config: settings.Settings) -> int:
    request = Act(
        Verb.SILENCE,
        "",
        who=app.user(),
        note=args.reason,
        until=output.until(args),
        matchers=tuple(args.matcher),
    )
    done = app.ask(config, request)
    if args.json:
        output.as_json(done)
        return 0
    with closing(Sqlite(config.data.directory, write=False)) as store:
        _hidden([alert for name in done["hidden"] for alert in store.alert(name)])
    sys.stdout.write(f"{done['text']}\n")
    return 0


def _preview(args: Namespace, config: settings.Settings) -> int:
    command = Command(
        Verb.SILENCE, "", app.user(), How.CLI, args.reason, output.until(args), tuple(args.matcher)
    )
    asked = jobs.asked_for(command, settings.orders(config), app.now())
    with closing(Sqlite(config.data.directory, write=False)) as store:
        found = jobs.preview(store, asked, app.now())
    if args.json:
        for alert in found:
            output.as_json(to_json(alert))
        return 0
    _hidden(found)
    counted = plural(len(found), "alert")
    sys.stdout.write(f"in the last 7 days it would have held back {counted}; nothing is changed\n")
    return 0


def _hidden(alerts: Iterable[Alert]) -> None:
    shown = table(alerts)
    if shown.row_count:
        output.console().print(shown)


def _expire(args: Namespace, config: settings.Settings) -> int:
    done = app.ask(config, Act(Verb.EXPIRE, args.id, who=app.user(), note=args.note))
    if args.json:
        output.as_json({"id": done["id"], "status": done["status"]})
    else:
        sys.stdout.write(f"{done['text']}\n")
    return 0


def _list(args: Namespace, kept: list[Kept]) -> int:
    chosen = [each for each in kept if args.all or each.ended is None]
    if args.json:
        for each in chosen:
            output.as_json(_fields(each))
        return 0
    made = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("id", "matchers", "author", "reason", "until (UTC)", "hid"):
        made.add_column(name, overflow="fold")
    for each in chosen:
        silence = each.silence
        until = _minute(silence.until) if each.ended is None else f"ended {_minute(each.ended)}"
        cells = (silence.id, silence.text, silence.author, silence.reason, until, str(each.hidden))
        made.add_row(*(output.plain(cell) for cell in cells))
    output.console().print(made if chosen else "no silences")
    return 0


def _fields(each: Kept) -> dict[str, Any]:
    silence = each.silence
    return {
        "id": silence.id,
        "matchers": [str(matcher) for matcher in silence.matchers],
        "author": silence.author,
        "reason": silence.reason,
        "starts": silence.starts,
        "until": silence.until,
        "how": silence.how,
        "ended": each.ended,
        "hidden": each.hidden,
    }


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
