"""`vaultwatch model`: what the model is, train it now, and go back to an earlier one."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from detector import accounts, app, files, settings, workhours
from detector.accounts import Account
from detector.anomaly import drift, preview, reference
from detector.anomaly.channel import DRIFT_DAYS, Channel
from detector.anomaly.model import Model
from detector.anomaly.shadow import Trial
from detector.anomaly.tops import tops
from detector.changes.models import Adopt, Train
from detector.cli import output, planning
from detector.settings import ConfigError, Settings
from detector.store.sqlite import Sqlite
from detector.workhours import DAY_US


def run(args: Namespace) -> int:
    """Dispatch to the verb."""
    if args.verb == "evaluate":
        from detector.cli import contest

        return contest.run(args)
    if args.verb in {"schema", "docs"}:
        made = reference.page() if args.verb == "docs" else json.dumps(reference.schema(), indent=2)
        sys.stdout.write(made.rstrip() + "\n")
        return 0
    config = settings.load(args.config, os.environ)
    output.log_to_stderr()
    if args.verb == "card":
        return _card(args, config)
    if args.verb == "status":
        return _status(args, config)
    with closing(Sqlite(config.data.directory, write=False)) as store:
        name = output.account(store.accounts(), args.account, config.data.directory)
    request = Train(name) if args.verb == "train" else Adopt(name, args.id)
    done = app.ask(config, request)
    if args.json:
        output.as_json(done)
    elif done["model"] is None:
        sys.stdout.write(
            f"{name}: the running service trains; 'vaultwatch model status' shows it\n"
        )
    else:
        sys.stdout.write(f"{name}: model {done['model']} is at work\n")
    return 0


def _card(args: Namespace, config: Settings) -> int:
    from detector.evaluation import card

    built = planning.build(config, app.now().date())
    if built.plan.declaration is None:
        msg = "no model is declared, so there is no card; see models/isolation_forest.yaml"
        raise ConfigError(msg)
    figures = files.read_file(args.figures) if args.figures.is_file() else ""
    sys.stdout.write(card.card(built.plan.declaration, figures))
    return 0


def _status(args: Namespace, config: Settings) -> int:
    with closing(Sqlite(config.data.directory, write=False)) as store:
        name = output.account(store.accounts(), args.account, config.data.directory)
        account = accounts.restore(store, name, span=config.data.window)
        found = _found(account, store)
    if args.preview:
        found["preview"] = _preview(account)
    if args.json:
        output.as_json(found)
    else:
        _show(output.console(), found)
    return 1 if account.refused else 0


def _found(account: Account, store: Sqlite) -> dict[str, Any]:
    """Everything about the account's model that there is to say."""
    state, channel = account.state, account.state.memory.channel
    declaration, model = state.declaration, state.model
    moves = [
        each
        for kind in (accounts.MODEL, accounts.ROLLBACK)
        for each in store.log.controls(account.name, kind=kind)
        if each.body
    ]
    adopted = {each.body.decode(): each.at for each in sorted(moves, key=lambda each: each.seq)}
    return {
        "account": account.name,
        "declared": declaration.name if declaration else None,
        "refused": account.refused or None,
        "model": _described(model, adopted) if model else None,
        "budget": declaration.alerts_a_day(channel.crowd) if declaration else None,
        "people": channel.crowd,
        "threshold": round(channel.threshold, 2) if model else None,
        "correction": round(channel.offset, 2),
        "next_training": workhours.instant(channel.due) if channel.due else None,
        "raised": _raised(account, store),
        "challenger": _challenger(channel),
        "trials": [_trial(each) for each in channel.trials],
        "drift": _drift(model, channel) if model else {},
        "models": [
            {"id": identity, "made": made, "adopted": adopted.get(identity)}
            for identity, made in store.models(account.name)
        ],
    }


def _described(model: Model, adopted: dict[str, datetime]) -> dict[str, Any]:
    origin = model.origin
    return {
        "id": model.id,
        "adopted": adopted.get(model.id),
        "hours": origin.rows,
        "people": origin.people,
        "from": f"{workhours.instant(origin.first_day * DAY_US):%Y-%m-%d}",
        "to": f"{workhours.instant(origin.last_day * DAY_US):%Y-%m-%d}",
        "features": list(model.features),
    }


def _challenger(channel: Channel) -> dict[str, Any] | None:
    shadow = channel.shadow
    if shadow is None:
        return None
    return {"id": shadow.model_id, "until": workhours.instant(shadow.until)}


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "id": trial.model_id,
        "since": workhours.instant(trial.since),
        "would_have_raised": trial.raised,
        "agreement": trial.agreement,
        "why_not": trial.why_not or None,
    }


def _raised(account: Account, store: Sqlite) -> dict[str, int]:
    """The model's alerts of the last 14 days of the event clock, by day."""
    declaration, clock = account.state.declaration, account.state.memory.clock
    if declaration is None or not clock:
        return {}
    end = workhours.instant(clock)
    days = {f"{end - timedelta(days=back):%Y-%m-%d}": 0 for back in reversed(range(14))}
    for alert in store.alerts(account=account.name, since=end - timedelta(days=14)):
        day = f"{alert.first_time:%Y-%m-%d}"
        if alert.rule.id == declaration.id and day in days:
            days[day] += 1
    return days


def _drift(model: Model, channel: Channel) -> dict[str, float]:
    """By feature how far the last week has moved from the training, most first."""
    rows = [day.table() for day in channel.days[-DRIFT_DAYS:]]
    if not rows:
        return {}
    found = model.drift(np.concatenate(rows))
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def _preview(account: Account) -> list[dict[str, Any]]:
    channel, model = account.state.memory.channel, account.state.model
    if model is None or not channel.days:
        return []
    best = tops(channel.days, model)
    return [asdict(preview.meant(best, budget)) for budget in preview.BUDGETS]


def _show(terminal: Console, found: dict[str, Any]) -> None:
    if found["refused"]:
        terminal.print(f"[red]refused[/red]: {found['refused']}; the rules go on without a model")
    model = found["model"]
    if model is None:
        terminal.print(f"{found['account']}: no model yet; {_next(found)}")
    else:
        adopted = f"{model['adopted']:%Y-%m-%d %H:%M}" if model["adopted"] else "unknown"
        terminal.print(
            f"[bold]{found['account']}: model {model['id']}[/bold], at work since {adopted} UTC\n"
            f"trained on {model['hours']:,} hours of {model['people']} people, "
            f"{model['from']} to {model['to']}; {_next(found)}\n"
            f"budget {found['budget']:.2g} a day for {found['people']} people; threshold {found['threshold']}, of which "
            f"{found['correction']:+.2f} is the controller's correction"
        )
        _say_raised(terminal, found["raised"])
        _say_trials(terminal, found)
        _say_drift(terminal, found["drift"])
    for each in found["models"]:
        mark = "*" if model and each["id"] == model["id"] else " "
        terminal.print(f" {mark} {each['id']}  made {each['made']:%Y-%m-%d %H:%M}")
    if "preview" in found:
        _say_preview(terminal, found["preview"])


def _next(found: dict[str, Any]) -> str:
    due = found["next_training"]
    return f"next training from {due:%Y-%m-%d %H:%M}" if due else "no training is planned yet"


def _say_raised(terminal: Console, raised: dict[str, int]) -> None:
    counts = list(raised.values())
    if counts:
        days = " ".join(str(count) for count in counts)
        terminal.print(f"alerts of the last {len(counts)} days: {days} ({sum(counts)} in all)")


def _say_trials(terminal: Console, found: dict[str, Any]) -> None:
    challenger = found["challenger"]
    if challenger:
        until = f"{challenger['until']:%Y-%m-%d %H:%M}"
        terminal.print(
            f"challenger {challenger['id']} runs in its shadow until {until} UTC or later"
        )
    for trial in found["trials"][-1:]:
        verdict = f"did not take over: {trial['why_not']}" if trial["why_not"] else "took over"
        terminal.print(
            f"last trial: {trial['id']} {verdict}; it would have raised {trial['would_have_raised']}, "
            f"agreement {trial['agreement']:.0%}"
        )


def _say_drift(terminal: Console, found: dict[str, float]) -> None:
    moved = [f"{name} {value:.2f}" for name, value in found.items() if value > drift.NOTED]
    old = any(value > drift.OLD for value in found.values())
    text = ", ".join(moved) or f"none above {drift.NOTED}"
    advice = "; consider 'vaultwatch model train'" if old else ""
    terminal.print(f"drift of the last week (PSI): {text}{advice}")


def _say_preview(terminal: Console, rows: list[dict[str, Any]]) -> None:
    if not rows:
        terminal.print("no preview: there is no model, or no kept hours")
        return
    table = Table(
        "budget a day", "alerts", "people", "days without", "most on a day", "threshold",
        box=None, header_style="bold", title="what each budget would have meant in the kept weeks",
        title_justify="left",
    )  # fmt: skip
    for row in rows:
        table.add_row(
            f"{row['budget']:g}", str(row["alerts"]), str(row["people"]), str(row["quiet_days"]),
            str(row["worst_day"]), f"{row['threshold']:.2f}",
        )  # fmt: skip
    terminal.print(table)
    terminal.print(
        "These hours are also what the model was trained on, and what alerted was left out: "
        "new hours bring somewhat more.",
        style="dim",
    )
