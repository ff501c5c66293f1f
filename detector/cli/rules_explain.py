"""`vaultwatch rules explain`: why an event did or did not raise an alert of a rule."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from detector import app, backtesting, kernel, settings, whereabouts
from detector.cli import history, output, planning
from detector.cli.sought import Sought
from detector.explaining import asking
from detector.explaining.explanation import Explanation, Line
from detector.rule import Rule
from detector.settings import ConfigError
from detector.sources import loose
from detector.terminal import progress

MARKS: Final = {True: ("yes", "green"), False: ("no", "red"), None: ("", "dim")}

WEIGHTS: Final = {True: ("+", "yellow"), False: ("-", "green"), None: ("", "dim")}


def run(args: Namespace) -> int:
    """Replay the history up to the event, let the engine judge it, and tell what it asked."""
    config = settings.load(args.config, os.environ)
    built = planning.build(config, app.now().date(), args.rules)
    asked = _Asked(args, config, built.plan)
    found = asked.of_file() if Path(args.event).is_file() else asked.of_history()
    for each in found:
        if args.json:
            output.as_json(asdict(each))
        else:
            _print(output.console(), each)
    return 0


@dataclass(frozen=True)
class _Asked:
    """The question, and what the engine runs."""

    args: Namespace
    config: settings.Settings
    plan: kernel.Plan

    def of_history(self) -> Iterator[Explanation]:
        """Explain the event of that id, as the history has it."""
        with history.opened(self.args, self.config) as past:
            sought = Sought(self.args.event)
            state = self._played(replace(past, steps=lambda: sought.before(past.steps())))
            frame, raw = sought.found()
            yield asking.explain(asking.judge(state, frame, raw), _rule(state, self.args.rule))

    def of_file(self) -> Iterator[Explanation]:
        """Explain the events of a file one after the other, on top of what was before them."""
        frame, raws = loose.read(Path(self.args.event))
        frame = whereabouts.open_all(self.config.paths).fill(frame)
        with history.opened_if_any(self.args, self.config) as past:
            state = self._played(past.between(None, min(frame["event.time"])))
            rule = _rule(state, self.args.rule)
            for place, raw in enumerate(raws):
                yield asking.explain(asking.judge(state, frame[place : place + 1], raw), rule)

    def _played(self, past: history.History) -> kernel.State:
        """The state in which the engine was before the event."""
        past = past.taught_until(self.args.train_until)
        as_it_was = past.store is not None and self.args.rules is None
        readers = backtesting.as_it_was(past.store) if as_it_was and past.store else None
        terminal = Console(stderr=True, highlight=False)
        with progress(terminal, "replaying the history", past.events) as advance:
            done = history.played(past, self.plan, self.config, advance=advance, readers=readers)
        assert done.state is not None
        return done.state


def _rule(state: kernel.State, name: str) -> Rule:
    """The rule of that name as it is at work. Raises ConfigError."""
    rule = state.rulebook.named(name)
    if rule is not None:
        return rule
    model = state.declaration
    if model is not None and name in {model.id, model.name}:
        msg = f"{name}: the model judges hours of people, not single events; see 'alerts show ID'"
        raise ConfigError(msg)
    msg = f"{name}: no such rule; 'vaultwatch rules list' shows their names"
    raise ConfigError(msg)


def _print(terminal: Console, found: Explanation) -> None:
    event, rule = found.event, found.rule
    terminal.print(output.plain(f"{rule.name}: {rule.title} ({rule.level})"), style="bold")
    where = f", {event.where}" if event.where else ""
    said = f"{event.time:%Y-%m-%d %H:%M:%S} UTC  {event.who}: {event.what}{where}"
    terminal.print(output.plain(said), soft_wrap=True)
    terminal.print(output.plain(f"event {event.id} of {event.feed}"), style="dim", soft_wrap=True)
    terminal.print()
    terminal.print(output.plain(f"The event {found.verdict}: {found.because}."), soft_wrap=True)
    if found.summary and found.rung is None:
        terminal.print(output.plain(found.summary), soft_wrap=True)
    for part in found.parts:
        terminal.print()
        terminal.print(output.plain(part.title), style="bold")
        for line in part.lines:
            terminal.print(_line(line, WEIGHTS if part.weighs else MARKS), soft_wrap=True)
    terminal.print()


def _line(line: Line, marks: Mapping[bool | None, tuple[str, str]]) -> Text:
    mark, style = marks[line.holds]
    text = Text(f"  {mark:<4}", style=style)
    text.append(f"{'  ' * line.depth}{output.plain(line.text)}{_gap(line)}", style="")
    return text


def _gap(line: Line) -> str:
    """By how much, where that is a number."""
    if line.gap is None or not line.unit or line.holds is None:
        return ""
    if line.gap < 0:
        return f"  [short by {-line.gap:,g} {line.unit}]"
    return f"  [{line.gap:,g} {line.unit} to spare]" if line.gap else "  [just so]"
