"""Open hours at steps of the event clock, judged by a model: what is odd, and how rare that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from typing import Final

import numpy as np

from detector.anomaly import tally as tallies
from detector.anomaly.channel import CALIBRATION_DAYS, Channel, is_cold
from detector.anomaly.declaration import Declaration
from detector.anomaly.evidence import Evidence
from detector.anomaly.hours import Step
from detector.anomaly.model import Model
from detector.anomaly.part import Part
from detector.anomaly.tops import record
from detector.facts import Facts
from detector.workhours import DAY_US, HOUR_US

NEAR: Final = 4.0
"""Scores further below the threshold than this are not kept."""


class Raised(Enum):
    """What the channel does with an hour: nothing, a finding that is told, or one for the digest."""

    NOT = auto()
    TOLD = auto()
    HELD = auto()


NOT, TOLD, HELD = Raised


@dataclass(frozen=True, slots=True)
class Odd:
    """An open hour over the threshold at a step: score, threshold, the surprisal of each feature,
    the numbers behind the features (see `tally.COLUMN`), what declared features found, the evidence
    until then, and how many days of people were as odd."""

    person: str
    seq: int
    score: float
    threshold: float
    surprise: np.ndarray
    numbers: np.ndarray
    found: np.ndarray
    evidence: Evidence
    rank: Rank
    told_before: int = 0
    """The day's alerts, where they are the most there may be and this hour is not odder than they."""


@dataclass(frozen=True, slots=True)
class Rank:
    """Of so many days of people in the time of calibration, how many had an hour as odd."""

    as_odd: int
    days: int

    @property
    def p_value(self) -> float:
        """The conformal p-value: right where days are exchangeable, which those of an office are not quite."""
        return (1 + self.as_odd) / (1 + max(self.days, self.as_odd))


@dataclass(frozen=True, slots=True)
class Scored:
    """An open hour at a step: its row there, its score, and the surprisal of each feature."""

    step: Step
    row: int
    score: float
    surprise: np.ndarray


@dataclass(frozen=True, slots=True)
class Seen:
    """Steps that wait to be judged, and the rows of the page at hand that they may have seen."""

    steps: Sequence[Step]
    part: Part | None

    def reaching(self, model: Model, least: float) -> Iterator[Scored]:
        """The hours whose scores reach so much, at each step where they do.

        An hour only gets odder: the largest and the sums in it grow. So whose sum is common at the
        last step had a common one before, and is looked at once.
        """
        if not self.steps:
            return
        lines = np.concatenate([step.lines for step in self.steps])
        numbers = np.concatenate([step.numbers for step in self.steps])
        _, newest, hour = np.unique(lines[::-1], return_index=True, return_inverse=True)
        newest_rows = tallies.features(numbers[len(lines) - 1 - newest])
        places = np.flatnonzero(model.may_reach(newest_rows, least)[hour[::-1]])
        scores, surprise = model.score(tallies.features(numbers[places]))
        for at in np.flatnonzero(scores >= least).tolist():
            step, row = self.at(int(places[at]))
            yield Scored(step, row, float(scores[at]), surprise[at])

    def at(self, place: int) -> tuple[Step, int]:
        """The step of a row of all steps' rows, one after the other, and the row's place in it."""
        for step in self.steps:
            if place < len(step.lines):
                return step, place
            place -= len(step.lines)
        raise IndexError(place)


def judge(
    channel: Channel, model: Model, facts: Facts, seen: Seen, declaration: Declaration
) -> list[Odd]:
    """Score open hours at steps; return those over the threshold, once for each person and hour.

    People in the cold start are scored and recorded, but not returned.
    """
    names, odd = list(channel.hours.lines), []
    for each in seen.reaching(model, min(channel.threshold, _floor(channel))):
        step, row, score = each.step, each.row, each.score
        line = int(step.lines[row])
        if is_cold(facts, names[line], step.clock, declaration):
            continue
        day = (step.clock - 1) // DAY_US
        record(channel.tops.setdefault(day, {}), names[line], score)
        how = raised(channel, names[line], step.clock, score)
        if how is NOT:
            continue
        odd.append(
            Odd(
                person=names[line],
                seq=step.seq,
                score=score,
                threshold=channel.threshold,
                surprise=each.surprise,
                numbers=step.numbers[row],
                found=step.found[row],
                evidence=channel.hours.evidence_of(line, seen.part, step.upto),
                rank=ranked(channel, score),
                told_before=channel.raised_today if how is HELD else 0,
            )
        )
    return odd


def ranked(channel: Channel, score: float) -> Rank:
    """How a score stands among the best ones of people on the days before today.

    People count once a day, as with the budget, and not while they are in the cold start.
    """
    first = min(channel.tops, default=0)
    past = [day for day in channel.days[-CALIBRATION_DAYS:] if day.day >= first]
    best = [channel.tops.get(day.day, {}).values() for day in past]
    scores = np.fromiter(chain.from_iterable(best), dtype=np.float64)
    as_odd = int(np.count_nonzero(scores >= score))
    return Rank(as_odd, sum(day.known for day in past))


def raised(channel: Channel, name: str, clock: int, score: float) -> Raised:
    """Whether the channel raises a finding; notes that it does. Once for each person and hour.

    When the day has had its alerts, only who is odder than all of them is told; the rest is held.
    """
    hour = (clock - 1) // HOUR_US
    if score < channel.threshold or channel.raised.get(name, -1) >= hour:
        return NOT
    goes_on = channel.raised.get(name, -25) >= hour - 24
    if not goes_on and channel.raised_today >= channel.most_today and score <= channel.oddest_today:
        known = channel.held.get(name, -1) >= hour
        channel.held[name] = hour
        return NOT if known else HELD
    channel.raised_today += not goes_on
    channel.raised[name] = hour
    channel.oddest_today = max(channel.oddest_today, score)
    return TOLD


def compare(
    channel: Channel, challenger: Model | None, facts: Facts, seen: Seen, declaration: Declaration
) -> None:
    """Let the challenger, if there is one, score the steps in the shadow of the model at work."""
    if channel.shadow is None or challenger is None:
        return
    names = list(channel.hours.lines)
    for each in seen.reaching(challenger, channel.shadow.threshold - NEAR):
        name, clock = names[int(each.step.lines[each.row])], each.step.clock
        if not is_cold(facts, name, clock, declaration):
            tops = channel.shadow.tops.setdefault((clock - 1) // DAY_US, {})
            record(tops, name, each.score)


def _floor(channel: Channel) -> float:
    """Scores below this cannot matter for the threshold and are not recorded."""
    return channel.threshold - NEAR if channel.threshold < float("inf") else 0.0
