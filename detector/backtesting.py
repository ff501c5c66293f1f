"""Replaying history through the kernel, outside the service: the same log, the same alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from detector import accounts, kernel, plans, triage, window, workhours
from detector.alerts import Alert, Reason
from detector.anomaly.model import Model
from detector.corrections import Correction
from detector.findings import Finding
from detector.run import Run
from detector.sources.replay import Mark
from detector.store.sqlite import Control, Sqlite

Page = tuple[pl.DataFrame, Sequence[bytes]]
Step = Page | Mark | Control
Advance = Callable[[int], None]


@dataclass
class Replayed:
    """What came of a replay: alerts by id as they stood at the end, and what was held back."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    suppressed: list[Finding] = field(default_factory=list)
    events: int = 0
    duplicates: int = 0
    trained: int = 0
    knew: dict[str, kernel.State] = field(default_factory=dict)
    """By rule the last state in which it was at work."""
    warm_up: dict[str, int] = field(default_factory=dict)
    """By rule the findings of the teaching time, which were not alerted."""
    state: kernel.State | None = None
    """The state at the end."""
    by_day: dict[date, int] = field(default_factory=dict)
    """Events by the day (UTC) on which they happened, or were received where they say a later one."""


@dataclass(frozen=True)
class Readers:
    """How the controls of a log are read: which plan, which model."""

    plan: Callable[[Mark | Control], kernel.Plan]
    model: Callable[[Mark | Control, kernel.State], Model | None]
    run_of: kernel.RunOf = Run
    """What takes a page in."""


def as_it_was(store: Sqlite) -> Readers:
    """The plans and models that were at work when the log was written."""

    def plan(mark: Mark | Control) -> kernel.Plan:
        assert isinstance(mark, Control)
        return accounts.plan_of(store, plans.Texts.parse(mark.body), mark.at)

    def trained(mark: Mark | Control, _state: kernel.State) -> Model | None:
        assert isinstance(mark, Control)
        return accounts.usable(store, mark.body.decode())[0]

    return Readers(plan, trained)


def afresh(plan: kernel.Plan) -> Readers:
    """One plan for the whole log; models are trained anew where the log adopted one."""

    def trained(mark: Mark | Control, state: kernel.State) -> Model | None:
        # Which model a person went back to is not known to another history.
        return kernel.train(state) if mark.kind == accounts.MODEL else None

    return Readers(lambda _mark: plan, trained)


def replay_log(
    state: kernel.State, steps: Iterable[Step], readers: Readers, advance: Advance
) -> Replayed:
    """Run a log through the kernel, its ticks, plans and models at their places."""
    done = Replayed()
    for step in steps:
        if isinstance(step, tuple):
            frame, raws = step
            _keep(
                done,
                kernel.detect(state, frame, window.contents(raws), run_of=readers.run_of),
                state,
            )
            advance(done.events + done.duplicates)
        elif step.kind == accounts.TICK:
            upto = _complete(step)
            _keep(done, kernel.tick(state, step.at, upto, run_of=readers.run_of), state)
        elif step.kind == accounts.PLAN:
            state = kernel.reconfigure(state, readers.plan(step))
        elif step.kind == accounts.VERDICT:
            kernel.judge(state, _judgement(step))
        elif step.kind == accounts.FACT and isinstance(step, Control):
            kernel.correct(state, Correction.parse(step.body))
        elif step.kind in {accounts.MODEL, accounts.ROLLBACK}:
            trained = readers.model(step, state)
            kernel.adopt(state, trained, at_once=step.kind == accounts.ROLLBACK)
            done.trained += trained is not None
    return _ended(done, state)


def replay(
    state: kernel.State,
    pages: Iterable[Page],
    advance: Advance,
    run_of: kernel.RunOf = Run,
) -> Replayed:
    """Run pages through the kernel; a due training happens right after the event that makes it so."""
    done = Replayed()
    for frame, raws in pages:
        contents = window.contents(raws)
        start = 0
        while start < frame.height:
            count = _until_due(state, frame[start:])
            part = slice(start, start + count)
            _keep(done, kernel.detect(state, frame[part], contents[part], run_of=run_of), state)
            start += count
            if kernel.training_due(state) and state.declaration is not None:
                trained = kernel.train(state)
                kernel.adopt(state, trained)
                done.trained += trained is not None
        advance(done.events + done.duplicates)
    return _ended(done, state)


def _complete(step: Mark | Control) -> Mapping[str, int]:
    """The feeds that a tick says were read to their end, and up to when."""
    if isinstance(step, Control):
        return accounts.completeness(step.body)
    return step.complete or {}


def _judgement(step: Mark | Control) -> triage.Judgement:
    """What a person said, from the log or from its export."""
    if isinstance(step, Control):
        return triage.Judgement.parse(step.body)
    return step.judgement or triage.Judgement("", "", "", harmless=False)


def held_back(done: Replayed, finding: Finding) -> Alert:
    """A suppressed finding in the shape of an alert, with the rung that held it back."""
    state = done.knew[finding.rule_id]
    telling = triage.Telling(state.memory.account, state.tell, workhours.microseconds(finding.time))
    alone = replace(finding, suppressed_by=None, amends=False)
    alert = triage.decide(alone, state.rules, {}, telling).alert
    assert alert is not None
    return replace(
        alert, reason=Reason.SUPPRESSED, suppressed_by=finding.suppressed_by or "amended"
    )


def _ended(done: Replayed, state: kernel.State) -> Replayed:
    done.knew |= dict.fromkeys(state.rules, state)
    done.warm_up = state.memory.warm_up
    done.state = state
    return done


def _until_due(state: kernel.State, frame: pl.DataFrame) -> int:
    """How many rows there are up to the one at which a training is due; else all."""
    if not state.memory.clock:
        # The first event sets the date of the first training.
        return 1
    times = frame["event.time"].dt.timestamp("us").to_numpy()
    honest = times <= frame["event.received"].dt.timestamp("us").to_numpy()
    due = np.flatnonzero(honest & (times >= state.memory.channel.due))
    return int(due[0]) + 1 if len(due) and state.memory.channel.due else frame.height


def _days(frame: pl.DataFrame) -> Iterable[tuple[date, int]]:
    """How many events of a page are of each day."""
    if not frame.height:
        return ()
    honest = pl.min_horizontal("event.time", "event.received").dt.date().alias("day")
    return frame.select(honest)["day"].value_counts().iter_rows()


def _keep(done: Replayed, outcome: kernel.Outcome, state: kernel.State) -> None:
    done.events += outcome.frame.height
    for day, count in _days(outcome.frame):
        done.by_day[day] = done.by_day.get(day, 0) + count
    done.duplicates += outcome.duplicates
    done.alerts.update({alert.id: alert for alert in outcome.alerts})
    done.suppressed.extend(outcome.suppressed)
    done.knew |= {finding.rule_id: state for finding in outcome.suppressed}
