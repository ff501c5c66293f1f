"""`vaultwatch alerts`: list alerts, show one, and say what became of it."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict
from datetime import datetime

from rich.console import Console
from rich.table import Table

from detector import app, rungs, settings
from detector.alerts import Alert, Status, to_json
from detector.changes import ChangeRefused
from detector.changes.alerts import Act, one
from detector.cli import output, planning
from detector.delivery import sentences
from detector.delivery.commands import Verb
from detector.delivery.digests import plural
from detector.delivery.exposures import LOOK_UP, Rotation
from detector.delivery.incidents import incident
from detector.delivery.journal import Change
from detector.rendering import alone, rotate_title
from detector.settings import ConfigError
from detector.store.sqlite import Decided, Sqlite


def run(args: Namespace) -> int:
    """Dispatch to the verb."""
    config = settings.load(args.config, os.environ)
    if getattr(args, "status", None) not in {None, *Status}:
        msg = f"--status: {args.status!r} is no status; there are {', '.join(Status)}"
        raise ConfigError(msg)
    if args.verb not in {"list", "show"}:
        return _act(args, config)
    with closing(Sqlite(config.data.directory, write=False)) as store:
        if args.verb == "list":
            if args.suppressed:
                return _held_back(args, store, config)
            return _list(args, store)
        if args.id.startswith("inc-"):
            return _show_incident(args, store)
        return _show(args, store, config, one(store, args.id))


def _act(args: Namespace, config: settings.Settings) -> int:
    until = output.until(args) if args.verb == Verb.SNOOZE else None
    request = Act(Verb(args.verb), args.id, who=app.user(), note=args.note, until=until)
    done = app.ask(config, request)
    if args.json:
        output.as_json({"id": done["id"], "status": done["status"]})
    else:
        sys.stdout.write(f"{done['text']}\n")
    return 0


def _held_back(args: Namespace, store: Sqlite, config: settings.Settings) -> int:
    """Every finding that raised no alert, with the rung that held it back and its margin."""
    found = store.held_back(args.since)
    if args.json:
        for each in found:
            output.as_json(each)
        return 0
    rules = planning.build(config, app.now().date()).plan.rulebook.rules
    made = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("time (UTC)", "rule", "about", "held back by", "margin"):
        made.add_column(title)
    for each in found:
        rule, subject = rules.get(each["rule_id"]), each["subject"]
        margin = each["margin"]
        made.add_row(
            f"{each['time'][:16].replace('T', ' ')}",
            rule.name if rule else each["rule_id"],
            output.plain(subject["name"] or subject["email"] or subject["id"]),
            output.plain(rungs.said(each["rung"])),
            "" if margin is None else f"{margin:g}",
        )
    output.console().print(made if found else "nothing was held back")
    return 0


def _list(args: Namespace, store: Sqlite) -> int:
    found = (
        _own(args, store) if args.operator else store.alerts(status=args.status, since=args.since)
    )
    if args.digest is not None:
        named = store.digested(args.digest)
        found = [alert for alert in found if alert.id in named]
    if args.incident is not None:
        found = [each for each in found if (each.incident_id or "").startswith(args.incident)]
    if args.json:
        for alert in found:
            output.as_json(to_json(alert))
        return 0
    output.console().print(table(found) if found else "no alerts")
    return 0


def table(alerts: Iterable[Alert]) -> Table:
    """Alerts as lines for people."""
    made = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    made.add_column("time (UTC)", no_wrap=True)
    made.add_column("level", no_wrap=True)
    made.add_column("score", justify="right")
    made.add_column("status")
    made.add_column("summary", overflow="fold", ratio=1)
    made.add_column("id", no_wrap=True)
    made.add_column("incident", no_wrap=True)
    for alert in alerts:
        made.add_row(
            f"{alert.time:%Y-%m-%d %H:%M}",
            alert.level,
            str(alert.score),
            alert.status.replace("_", " "),
            output.plain(alert.summary),
            alert.id[:8],
            (alert.incident_id or "")[:12],
        )
    return made


def _own(args: Namespace, store: Sqlite) -> list[Alert]:
    """The engine's alerts about itself."""
    found = [each for name in store.accounts() for each in store.own_alerts(name, closed=True)]
    return [
        each
        for each in found
        if args.status in {None, each.status} and (args.since is None or each.time >= args.since)
    ]


def _show(args: Namespace, store: Sqlite, config: settings.Settings, alert: Alert) -> int:
    history, decisions = store.journal.of(alert.id), store.decisions(alert.id)
    taken = store.exposures.of(alert.incident_id) if alert.incident_id else Rotation()
    if args.json:
        beside = {
            "rotate": asdict(taken),
            "history": [asdict(each) for each in history],
            "decisions": [asdict(each) for each in decisions],
        }
        output.as_json(to_json(alert) | beside)
        return 0
    terminal = output.console()
    terminal.print(app.renderer(config).console(alone(alert)))
    _rotate(terminal, taken)
    _stand(terminal, alert)
    _listed(terminal, "Sent or held", [_decided(each) for each in decisions])
    _listed(terminal, "What people did", [_changed(each) for each in history])
    return 0


def _show_incident(args: Namespace, store: Sqlite) -> int:
    found = [each for each in store.alerts() if (each.incident_id or "").startswith(args.id)]
    if len({each.incident_id for each in found}) != 1:
        msg = f"{args.id}: no incident of that id; 'vaultwatch alerts list' shows them"
        raise ChangeRefused(msg)
    changes = [each for alert in found for each in store.journal.of(alert.id)]
    told = incident(str(found[0].incident_id), found)
    if args.json:
        alerts, history = (
            [to_json(each) for each in told.alerts],
            [asdict(each) for each in changes],
        )
        fields = {"id": told.id, "level": told.level, "status": told.status}
        rotate = asdict(store.exposures.of(told.id))
        output.as_json(fields | {"alerts": alerts, "history": history, "rotate": rotate})
        return 0
    terminal = output.console()
    head = f"Incident {told.id}: {told.level}, {told.status}, {plural(len(found), 'alert')}"
    terminal.print(output.plain(head), style="bold")
    terminal.print(table(told.alerts))
    _rotate(terminal, store.exposures.of(told.id))
    rows = [_changed(each) for each in sorted(changes, key=lambda each: each.at)]
    _listed(terminal, "What people did", rows)
    return 0


def _rotate(terminal: Console, taken: Rotation) -> None:
    """Everything that was taken since, to be ticked off; names are known to 1Password only."""
    title = rotate_title(taken)
    if not title:
        return
    terminal.print()
    terminal.print(output.plain(title), style="bold")
    for each in taken.entries:
        terminal.print(output.plain(f"[ ] {each.text}"), soft_wrap=True, markup=False)
    if taken.elsewhere:
        count = plural(taken.elsewhere, "further item")
        said = f"    {count} used from other addresses of theirs, perhaps by themselves"
        terminal.print(said, style="dim")
    terminal.print(f"    {LOOK_UP}", style="dim")


def _stand(terminal: Console, alert: Alert) -> None:
    words = [alert.status.replace("_", " ")]
    if alert.incident_id:
        words.append(f"incident {alert.incident_id}")
    if alert.suppressed_by:
        words.append(f"held back by silence {alert.suppressed_by}")
    terminal.print(output.plain(f"Status: {', '.join(words)}"))


def _listed(terminal: Console, title: str, rows: list[tuple[str, ...]]) -> None:
    if not rows:
        return
    made = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for row in rows:
        made.add_row(*(output.plain(cell) for cell in row))
    terminal.print()
    terminal.print(title, style="bold")
    terminal.print(made)


def _decided(each: Decided) -> tuple[str, ...]:
    until = f"until {_minute(each.until)}" if each.until else ""
    times = f"{each.times} times, last {_minute(each.last)}" if each.times > 1 else ""
    said = " ".join(part for part in (each.detail, until, times) if part)
    return _minute(each.at), sentences.verdict(each.verdict), sentences.reason(each.reason), said


def _changed(each: Change) -> tuple[str, ...]:
    return _minute(each.at), f"{each.who} ({each.how})", each.what.replace("_", " "), each.note


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
