"""Open hours at steps of the event clock, judged by a model: what is odd, and how rare that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
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
class Seen:
    """Steps that wait to be judged, and the rows of the page at hand that they may have seen."""

    steps: Sequence[Step]
    part: Part | None

    def features(self) -> np.ndarray:
        """The features of every open hour at every step, one after the other."""
        return tallies.features(np.concatenate([step.numbers for step in self.steps]))

    def at(self, place: int) -> tuple[Step, int]:
        """The step of a row of `features`, and the row's place in it."""
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
    if not seen.steps:
        return []
    scores, surprise = model.score(seen.features())
    names, odd = list(channel.hours.lines), []
    for place in np.flatnonzero(scores >= min(channel.threshold, _floor(channel))).tolist():
        (step, row), score = seen.at(place), float(scores[place])
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
                surprise=surprise[place],
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
    best = [channel.tops.get(day.day, {}) for day in past]
    as_odd = sum(each >= score for day in best for each in day.values())
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
    if channel.shadow is None or challenger is None or not seen.steps:
        return
    scores, _ = challenger.score(seen.features())
    names = list(channel.hours.lines)
    for place in np.flatnonzero(scores >= channel.shadow.threshold - NEAR).tolist():
        step, row = seen.at(place)
        name = names[int(step.lines[row])]
        if not is_cold(facts, name, step.clock, declaration):
            day = (step.clock - 1) // DAY_US
            record(channel.shadow.tops.setdefault(day, {}), name, float(scores[place]))


def _floor(channel: Channel) -> float:
    """Scores below this cannot matter for the threshold and are not recorded."""
    return channel.threshold - NEAR if channel.threshold < float("inf") else 0.0
