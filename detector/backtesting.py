"""Replaying history through the kernel, outside the service: the same pages, the same alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from detector import kernel, triage, window
from detector.alerts import Alert
from detector.anomaly import channel, model
from detector.findings import Finding



@dataclass
class Replayed:
    """What came of a replay: alerts by id as they stood at the end, and what was held back."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    suppressed: list[Finding] = field(default_factory=list)
    events: int = 0
    duplicates: int = 0
    trained: int = 0


def replay(
    state: kernel.State,
    pages: Iterable[tuple[pl.DataFrame, Sequence[bytes]]],
    advance: Callable[[int], None],
) -> Replayed:
    """Run pages through the kernel; a due training happens right after the event that makes it so."""
    done = Replayed()
    for frame, raws in pages:
        contents = window.contents(raws)
        start = 0
        while start < frame.height:
            count = _until_due(state, frame[start:])
            part = slice(start, start + count)
            _keep(done, kernel.detect(state, frame[part], contents[part]))
            start += count
            if kernel.training_due(state) and state.declaration is not None:
                rows = channel.training_rows(state.memory.channel)
                trained = model.train(rows, state.declaration)
                kernel.adopt(state, trained)
                done.trained += trained is not None
        advance(done.events + done.duplicates)
    return done


def held_back(state: kernel.State, finding: Finding) -> Alert:
    """A suppressed finding in the shape of an alert, with the rung that held it back."""
    return triage.held_back(finding, state.rules[finding.rule_id], state.memory.account, state.tell)


def _until_due(state: kernel.State, frame: pl.DataFrame) -> int:
    """How many rows there are up to the one at which a training is due; else all."""
    if not state.memory.clock:
        # The first event sets the date of the first training.
        return 1
    times = frame["event.time"].dt.timestamp("us").to_numpy()
    honest = times <= frame["event.received"].dt.timestamp("us").to_numpy()
    due = np.flatnonzero(honest & (times >= state.memory.channel.due))
    return int(due[0]) + 1 if len(due) and state.memory.channel.due else frame.height


def _keep(done: Replayed, outcome: kernel.Outcome) -> None:
    done.events += outcome.frame.height
    done.duplicates += outcome.duplicates
    done.alerts.update({alert.id: alert for alert in outcome.alerts})
    done.suppressed.extend(outcome.suppressed)
