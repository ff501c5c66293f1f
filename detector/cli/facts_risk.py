"""`vaultwatch facts risk`: who is at risk now, and what that is made of."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from rich.table import Table

from detector import workhours
from detector.cli import output
from detector.settings import ConfigError
from detector.standings import Standing, standings
from detector.state import State


def run(args: Namespace, state: State) -> int:
    """List everybody by risk at the state's own time, or tell one of them rule by rule."""
    if not state.rulebook.risks:
        msg = "no rule adds up risks; write one with 'behavior: {type: entity_risk}'"
        raise ConfigError(msg)
    now = workhours.instant(state.memory.clock)
    found = [each for each in standings(state, now) if _is_meant(each, args.who)]
    if args.json:
        for each in found:
            output.as_json(asdict(each))
        return 0
    terminal = output.console()
    terminal.print(output.plain(f"As of {now:%Y-%m-%d %H:%M} UTC, the newest that is known"))
    if not found:
        terminal.print(output.plain(f"{args.who or 'Nobody'} is at no risk."))
    elif args.who is None:
        terminal.print(_table(found))
    for each in found if args.who else ():
        terminal.print(output.plain(_sentence(each)), style="bold", soft_wrap=True)
        terminal.print(_parts(each))
    return 0


def _is_meant(standing: Standing, who: str | None) -> bool:
    subject = standing.subject
    names = {subject.id, subject.email, subject.name}
    return who is None or who.casefold() in {name.casefold() for name in names if name}


def _who(standing: Standing) -> str:
    subject = standing.subject
    return subject.email or subject.name or f"{subject.type} {subject.id}"


def _sentence(each: Standing) -> str:
    steps = ", ".join(step.replace("-", " ") for step in each.tactics) or "no tactic"
    alert = f"; alert {each.alert}" if each.alert else ""
    return f"{_who(each)}: {each.risk:.0f} of {each.threshold:g} ({each.rule}); {steps}{alert}"


def _table(found: Sequence[Standing]) -> Table:
    table = Table("risk", "of", "who", "rules", "findings", "tactics", "rule", "alert", box=None)
    for each in found:
        cells = (
            f"{each.risk:.0f}", f"{each.threshold:g}", _who(each), len(each.parts), each.findings,
            len(each.tactics), each.rule, (each.alert or "")[:8],
        )  # fmt: skip
        table.add_row(*map(output.plain, cells))
    return table


def _parts(standing: Standing) -> Table:
    table = Table("points", "rule", "findings", "newest", "told", "alert", box=None)
    for each in standing.parts:
        newest = f"{datetime.fromisoformat(each['time']):%Y-%m-%d %H:%M} UTC"
        told = "yes" if each["told"] else "no"
        cells = (
            f"{each['points']:.1f}", each["title"], each["findings"], newest, told, each["alert"][:8],
        )  # fmt: skip
        table.add_row(*map(output.plain, cells))
    return table
