"""`vaultwatch demo`: two weeks of a simulated company in about a minute, and an honest table."""

from __future__ import annotations

import os
import threading
from argparse import Namespace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from detector import app, demo, settings
from detector.cli import output
from detector.evaluation.grading import Catch
from detector.notifiers.console import Terminal
from detector.ports import Notifier
from detector.settings import ConfigError
from detector.terminal import progress


def run(args: Namespace) -> int:
    """Back-fill, live, and the table."""
    app.settle_process()
    structlog.configure(processors=[_nothing])
    terminal = output.console()
    config = settings.load(args.config, os.environ)
    try:
        plan = demo.plan_of(args.seed, args.people, demo.start_of(app.now()))
    except ValueError as error:
        raise ConfigError(str(error)) from error
    heard = demo.Heard(None if args.json else Terminal(terminal, app.renderer(config)))
    destinations: dict[str, Notifier] = {"console": heard} | _also(args, config)
    with (
        demo.workplace(keep=args.keep) as folder,
        demo.stage(folder, plan, destinations) as stage,
    ):
        terminal = Console(stderr=True, highlight=False) if args.json else terminal
        _introduce(terminal, stage)
        _backfill(terminal, stage)
        _live(terminal, stage)
        found = demo.score(stage.company, stage.store.alerts(), stage.length)
        if args.json:
            output.as_json(_fields(found))
        else:
            _table(terminal, found)
        if args.keep:
            _keep(terminal, stage, folder)
    return 0


def _nothing(_logger: object, _name: str, _event: structlog.typing.EventDict) -> str:
    raise structlog.DropEvent


def _also(args: Namespace, config: settings.Settings) -> dict[str, Notifier]:
    """The real destinations that were asked for."""
    chosen: dict[str, Notifier] = {}
    for asked, names in ((args.slack, config.slack), (args.email, config.email)):
        if asked and not names:
            msg = "--slack and --email need [slack] or [email] in the configuration"
            raise ConfigError(msg)
        if asked:
            chosen |= {
                name: each
                for name, each in app.notifiers(config, app.renderer(config)).items()
                if name in names
            }
    return chosen


def _introduce(terminal: Console, stage: demo.Stage) -> None:
    company = stage.company
    terminal.print(
        f"[bold]A simulated company[/bold] of {company.plan.people} people, seed "
        f"{company.plan.seed}; its Events API answers at {stage.server.url}\n"
        f"{len(company.attacks)} attacks are hidden in the {stage.length.live} days that follow "
        f"{stage.length.teach} days of history\n"
    )


def _backfill(terminal: Console, stage: demo.Stage) -> None:
    end = stage.clock()
    span = timedelta(days=stage.length.teach)
    with progress(terminal, "learning from history", span.total_seconds()) as advance:

        def told(events: int, upto: datetime | None) -> None:
            if upto is not None:
                advance((upto - (end - span)).total_seconds(), f"{events:,} events")

        events = stage.backfill(told)
    memory = stage.desk.account.state.memory
    model = stage.desk.account.state.model
    rows = f"{model.trained_rows:,} hours" if model else "nothing yet"
    terminal.print(
        f"learned from {events:,} events: {len(memory.facts.people)} people known, "
        f"model trained on {rows}, {sum(memory.warm_up.values()):,} findings of that time not alerted\n"
    )


def _live(terminal: Console, stage: demo.Stage) -> None:
    start = stage.clock()
    total = timedelta(days=stage.length.live).total_seconds()
    with progress(terminal, "two weeks pass", total) as advance:
        for time in stage.live():
            advance((time - start).total_seconds(), f"{time:%a %d %b}")


def _table(terminal: Console, found: demo.Score) -> None:
    table = Table(
        "attack",
        "difficulty",
        "found by",
        "after",
        box=None,
        header_style="bold",
        padding=(0, 2, 0, 0),
    )
    for catch in found.catches:
        best = max(catch.told, key=lambda alert: alert.level.rank, default=None)
        table.add_row(
            catch.attack.kind.replace("_", " "),
            catch.attack.tier,
            f"[green]{best.rule.name}[/green] ({best.level})" if best else "[red]missed[/red]",
            _after(catch) if best else "",
        )
    terminal.print()
    terminal.print(table)
    hits = sum(bool(catch.told) for catch in found.catches)
    terminal.print(
        f"\n[bold]{hits} of {len(found.catches)} attacks found[/bold], "
        f"{len(found.catches) - hits} missed. "
        f"{len(found.false_alerts)} false alerts in {found.days} days "
        f"({found.quiet_days} days without any); {found.digest} low ones wait for the digest."
    )
    terminal.print("Attacks and rules were written apart; a simulation is no promise.", style="dim")


def _after(catch: Catch) -> str:
    first = min(alert.detected_at for alert in catch.told)
    minutes = max(0.0, (first - catch.attack.first_time).total_seconds() / 60)
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _fields(found: demo.Score) -> dict[str, object]:
    return {
        "attacks": len(found.catches),
        "found": sum(bool(catch.told) for catch in found.catches),
        "missed": [catch.attack.kind for catch in found.catches if not catch.told],
        "false_alerts": len(found.false_alerts),
        "days": found.days,
        "quiet_days": found.quiet_days,
        "digest": found.digest,
    }


def _keep(terminal: Console, stage: demo.Stage, folder: Path) -> None:
    config = folder / "vaultwatch.toml"
    config.write_text(f'[data]\ndirectory = "{folder / "data"}"\n', encoding="utf-8")
    terminal.print(
        f"\nkept: vaultwatch alerts list --config {config}\n"
        f"Events API at {stage.server.url}, token in OP_EVENTS_TOKEN:\n{stage.server.token}\n"
        "Ctrl-C ends it",
        soft_wrap=True,
    )
    threading.Event().wait()
