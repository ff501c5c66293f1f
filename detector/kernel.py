"""Admit, settle, score, investigate, decide: the meaning of the engine, without any effect.

The meaning is one event at a time in the order of the account's log. A page is only a faster
way to the same result: facts settle at full hours of the event clock and hours are scored at
steps of it, never at the edge of a page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl

from detector import events, triage, workhours
from detector.alerts import Alert
from detector.anomaly import channel as channels
from detector.anomaly import model as models
from detector.anomaly.model import Model
from detector.corrections import Correction
from detector.findings import Finding
from detector.observations import Clock, observe
from detector.run import Run, step_us
from detector.state import Memory, Plan, State
from detector.triage import Judgement

__all__ = [
    "Memory",
    "Outcome",
    "Plan",
    "State",
    "adopt",
    "correct",
    "detect",
    "judge",
    "reconfigure",
    "tick",
    "train",
    "training_due",
]


NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
RunOf = Callable[[State], Run]
"""Makes what takes a page in; a comparison of rules has one that shows it to other rules, too."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a page did: the rows that were new, the alerts that changed, what was held back.

    `rows` are positions in the page given; `frame` the same rows with their seq. `late` counts
    the events that came too late, or from too far ahead, for all but rules on single events.
    """

    frame: pl.DataFrame
    rows: np.ndarray
    alerts: tuple[Alert, ...]
    suppressed: tuple[Finding, ...]
    duplicates: int = 0
    changed: int = 0
    late: int = 0


def detect(
    state: State, frame: pl.DataFrame, contents: np.ndarray, *, run_of: RunOf = Run
) -> Outcome:
    """Take a page in: `frame` in arrival order, columns of `events.SCHEMA`; `contents` its hashes.

    An event id is admitted once, however often it is served. The state is changed; if the
    outcome cannot be committed, throw the state away and restore it from the store.
    """
    rows, changed = state.window.fresh(frame, contents)
    fresh = frame if len(rows) == frame.height else frame[rows]
    first = state.memory.seq + 1
    seqs = pl.int_range(first, first + fresh.height, dtype=pl.Int64, eager=True).alias("event.seq")
    fresh = fresh.with_columns(seqs)
    state.memory.seq += fresh.height
    kept = state.window.admit(fresh)
    run, late = run_of(state), 0
    if fresh.height:
        page = observe(fresh, kept, state.columns, Clock(state.memory.clock, step_us(state)))
        run.take(page, run.match(fresh))
        late = len(page.late)
    state.window.evict(workhours.instant(state.memory.clock))
    duplicates = frame.height - len(rows)
    return Outcome(
        fresh, rows, tuple(run.alerts.values()), tuple(run.suppressed), duplicates, changed, late
    )


def tick(
    state: State, now: datetime, complete: Mapping[str, int] = NOTHING, *, run_of: RunOf = Run
) -> Outcome:
    """Let time pass without an event: one entry of the log.

    `complete` are feeds that were read to their end, up to these times (microseconds of UTC).
    """
    state.memory.seq += 1
    known = state.memory.complete
    known.update({feed: max(upto, known.get(feed, 0)) for feed, upto in complete.items()})
    run = run_of(state)
    run.advance(workhours.microseconds(now), seq=state.memory.seq)
    nothing = np.empty(0, dtype=np.int64)
    empty = pl.DataFrame(schema={"event.seq": events.SCHEMA["event.seq"]})
    return Outcome(empty, nothing, tuple(run.alerts.values()), tuple(run.suppressed))


def adopt(state: State, model: Model | None, *, at_once: bool = False) -> None:
    """Take in a trained model: one entry of the log.

    It first runs in the shadow of the one at work, if there is one that was declared alike.
    Without a model (there was too little to train on) the next training is put off.
    """
    state.memory.seq += 1
    declaration = state.declaration
    if declaration is None:
        return
    span = declaration.retrain_every // timedelta(microseconds=1)
    state.memory.channel.due = state.memory.clock + span
    if model is None:
        return
    if not models.fits(model, declaration):
        # Trained for features that are not declared any more, while that was being done.
        state.memory.channel.due = state.memory.clock
        return
    before = state.model
    alike = before is not None and before.origin.declared == model.origin.declared
    if alike and not at_once and declaration.shadow:
        state.challenger = model
        channels.challenge(state.memory.channel, model, declaration, state.memory.clock)
        return
    state.model, state.challenger = model, None
    channels.adopt(state.memory.channel, model, declaration)


def judge(state: State, judgement: Judgement) -> None:
    """Hear what a person said of an alert: one entry of the log.

    After a harmless one the guard lifts from what came under its alert, and that may be learned
    when it is seen again; after another one it never is.
    """
    state.memory.seq += 1
    lifts = triage.judge(state.memory.opened, judgement)
    for entry in state.rulebook.risks:
        tail = state.tails[entry.rule.id]
        entry.logic.hear_verdict(judgement.alert, tail, harmless=judgement.harmless)
    if judgement.said is not None:
        state.memory.facts.hear(judgement.subject_id, judgement.said, lifts=lifts)


def reconfigure(state: State, plan: Plan) -> State:
    """The state under other rules, people or networks: one entry of the log.

    The tail of a rule stays where its key does; else it begins as that of a new rule.
    """
    state.memory.seq += 1
    before = {entry.rule.id: entry.key for entry in state.rulebook.stateful}
    kept = {
        entry.rule.id: state.tails[entry.rule.id]
        for entry in plan.rulebook.stateful
        if before.get(entry.rule.id) == entry.key
    }
    changed = State(
        state.memory, plan, state.model, state.challenger, window=state.window, tails=kept
    )
    state.memory.facts.stated_zones = {}
    for person, contact in state.memory.contacts.items():
        changed.introduce(person, contact)
    return changed


def train(state: State) -> Model | None:
    """Train on what the state has kept; null if that is too little. The state does not change."""
    if state.declaration is None:
        return None
    rows, origin = channels.lesson(state.memory.channel)
    return models.train(rows, state.declaration, origin)


def correct(state: State, correction: Correction) -> None:
    """Let a person's word about a fact be so from here on: one entry of the log."""
    state.memory.seq += 1
    correction.apply(state.memory.facts, state.memory.clock)


def training_due(state: State) -> bool:
    """Whether a training should start: the teaching time is over, and the last one is old."""
    due = state.memory.channel.due
    return state.declaration is not None and 0 < due <= state.memory.clock
