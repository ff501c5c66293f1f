"""The model channel: open actor-hours in, findings out, within a budget of alerts a day.

Hours are cut like settling; an open hour is scored at every step of the event clock. The rows of
closed hours are kept for training, those of suspects are not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
import numpy as np

from detector.anomaly import shadow as shadows
from detector.anomaly import tally as tallies
from detector.anomaly.declaration import FEATURES, Declaration
from detector.anomaly.model import Model, Origin
from detector.anomaly.shadow import KEPT_TRIALS, Shadow, Trial
from detector.anomaly.tally import Habit, Tally
from detector.anomaly.tops import Day, Tops, calibrated, record, tops
from detector.facts import Facts, News
from detector.observations import DEED, PRIVILEGED, Observations
from detector.spells import DAY_US, HOUR_US

MOST_IDS: Final = 100
CALIBRATION_DAYS: Final = 14
NEAR: Final = 4.0
"""Scores further below the threshold than this are not kept."""
STEP_GAIN: Final = 0.15
"""Share of the daily error by which the threshold moves (shared/model.md section 6)."""


class Open(msgspec.Struct):
    """A person's open hour with the evidence so far."""

    tally: Tally
    event_ids: list[str] = []
    event_seqs: list[int] = []
    first: int = 0
    last: int = 0


class Row(msgspec.Struct, gc=False):
    """One open hour as it stood at a step."""

    person: str
    step: int
    seq: int
    numbers: list[float]
    evidence: Open
    kept: int
    """How many of the evidence's events there were at the step."""
    first: int
    last: int
    tally: Tally


class Channel(msgspec.Struct):
    """Keyed state of the model channel."""

    opened: dict[str, Open] = {}
    touched: dict[str, bool] = {}
    habits: dict[str, Habit] = {}
    today: list[Day] = []
    """The closed hours of the day that is not over, one entry for each time they settled."""
    days: list[Day] = []
    tops: Tops = {}
    """Per day the best score of each person, the best of them only."""
    raised: dict[str, int] = {}
    """Per person the end of the hour in which the channel last raised a finding."""
    raised_today: int = 0
    offset: float = 0.0
    threshold: float = float("inf")
    model_id: str = ""
    due: int = 0
    """Event time from which a training is due."""
    shadow: Shadow | None = None
    """The trial of a challenger, if one is under way."""
    trials: list[Trial] = []
    """The last trials, oldest first."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A row over the threshold: its score, the surprisal of each feature, and the threshold."""

    row: Row
    score: float
    threshold: float
    surprise: np.ndarray


def take(
    channel: Channel, page: Observations, facts: Facts, spell: int, news: Sequence[News]
) -> None:
    """Take a spell into the person's open hour; `news` is what is new in exactly it."""
    spells = page.spells
    rows = spells.taken.of(spell)
    if not rows:
        return
    name = spells.names[spell]
    opened = channel.opened.get(name)
    if opened is None:
        opened = channel.opened[name] = _open(channel, facts, name, page.times[rows[0]])
    if (room := MOST_IDS - len(opened.event_ids)) > 0:
        opened.event_ids += [page.ids[row] for row in rows[:room]]
        opened.event_seqs += [page.seqs[row] for row in rows[:room]]
    opened.first = min(opened.first, spells.earliest[spell])
    opened.last = max(opened.last, spells.latest[spell])
    opened.tally.events += len(rows)
    channel.touched[name] = True
    for row in spells.marked.of(spell):
        _mark(opened.tally, page, facts, row)
    if news:
        tallies.add_news(opened.tally, facts, name, news)


def _open(channel: Channel, facts: Facts, name: str, time: int) -> Open:
    return Open(tallies.open_tally(facts, channel.habits.get(name), name, time), first=time)


def _mark(tally: Tally, page: Observations, facts: Facts, row: int) -> None:
    rare, mark = 0.0, page.marks[row]
    if mark == PRIVILEGED:
        deed = page.values[DEED][row] or ""
        name = page.people[row] or ""
        days = facts.days(name, DEED, deed)
        rare = -math.log(tallies.likelihood(facts, facts.people.get(name), DEED, deed, days))
    tallies.add_mark(tally, mark, rare)


def step(channel: Channel, clock: int, *, seq: int) -> list[Row]:
    """The open hours that changed since the last step, as rows of the step at `clock`."""
    rows = []
    for name in channel.touched:
        opened = channel.opened[name]
        then, numbers = copy(opened.tally), tallies.numbers(opened.tally, channel.habits.get(name))
        then.oddest = then.oddest.copy()
        kept, first, last = len(opened.event_ids), opened.first, opened.last
        rows.append(Row(name, clock, seq, numbers, opened, kept, first, last, then))
    channel.touched = {}
    return rows


def judge(
    channel: Channel, model: Model | None, facts: Facts, rows: Sequence[Row], cold_us: int
) -> list[Odd]:
    """Score rows; return those over the threshold, once for each person and hour.

    People known for less than `cold_us` are scored and recorded, but not returned.
    """
    if model is None or not rows:
        return []
    scores, surprise = model.score(tallies.features(np.array([row.numbers for row in rows])))
    odd = []
    for place in np.flatnonzero(scores >= min(channel.threshold, _floor(channel))).tolist():
        row, score = rows[place], float(scores[place])
        if _is_cold(facts, row, cold_us):
            continue
        record(channel.tops.setdefault((row.step - 1) // DAY_US, {}), row.person, score)
        hour = (row.step - 1) // HOUR_US
        if score >= channel.threshold and channel.raised.get(row.person, -1) < hour:
            if channel.raised.get(row.person, -25) < hour - 24:
                channel.raised_today += 1
            channel.raised[row.person] = hour
            odd.append(Odd(row, score, channel.threshold, surprise[place]))
    return odd


def compare(
    channel: Channel, challenger: Model | None, facts: Facts, rows: Sequence[Row], cold_us: int
) -> None:
    """Let the challenger, if there is one, score the rows in the shadow of the model at work."""
    if channel.shadow is None or challenger is None or not rows:
        return
    scores, _ = challenger.score(tallies.features(np.array([row.numbers for row in rows])))
    for place in np.flatnonzero(scores >= channel.shadow.threshold - NEAR).tolist():
        row = rows[place]
        if not _is_cold(facts, row, cold_us):
            day = (row.step - 1) // DAY_US
            best = channel.shadow.tops.setdefault(day, {})
            record(best, row.person, float(scores[place]))


def _is_cold(facts: Facts, row: Row, cold_us: int) -> bool:
    person = facts.people.get(row.person)
    return person is None or row.step - person.first < cold_us


def _floor(channel: Channel) -> float:
    """Scores below this cannot matter for the threshold and are not recorded."""
    return channel.threshold - NEAR if channel.threshold < float("inf") else 0.0


def settle(channel: Channel, facts: Facts, clock: int) -> None:
    """Close the open hours at the full hour `clock`; keep the rows that may be trained on."""
    names, habits, rows, new_items = list[str](), list[Habit](), [], list[int]()
    for name, opened in channel.opened.items():
        habit = channel.habits.get(name)
        if habit is None:
            habit = channel.habits[name] = Habit()
        if not facts.is_suspect(name, clock - HOUR_US):
            names.append(name)
            habits.append(habit)
            rows.append(tallies.numbers(opened.tally, habit))
            new_items.append(opened.tally.new_items)
    if rows:
        table = np.array(rows)
        channel.today.append(Day(0, tallies.features(table).tobytes(), names))
        tallies.learn(habits, table, new_items, clock)
    channel.opened = {}
    channel.touched = {}


def new_day(channel: Channel, declaration: Declaration, clock: int) -> None:
    """Put the day away, and step the threshold's slow controller. `clock` is midnight UTC."""
    if channel.today:
        rows = b"".join(hour.rows for hour in channel.today)
        people = [name for hour in channel.today for name in hour.people]
        channel.days.append(Day(clock // DAY_US - 1, rows, people))
        channel.today = []
    keep = clock // DAY_US - declaration.train_on.days
    channel.days = [day for day in channel.days if day.day >= keep]
    oldest = clock // DAY_US - CALIBRATION_DAYS
    channel.tops = {day: tops for day, tops in channel.tops.items() if day >= oldest}
    if channel.model_id:
        error = min(2.0, (channel.raised_today - declaration.budget) / declaration.budget)
        channel.offset = max(-3.0, min(6.0, channel.offset + STEP_GAIN * error))
        if channel.tops:
            channel.threshold = calibrated(channel.tops, declaration.budget) + channel.offset
    channel.raised_today = 0


def training_rows(channel: Channel) -> np.ndarray:
    """The kept rows, oldest first, of shape (n, all features)."""
    width = len(FEATURES)
    kept = [*channel.days, *channel.today]
    parts = [each.table() for each in kept]
    return np.concatenate(parts) if parts else np.empty((0, width), dtype=np.float32)


def lesson(channel: Channel) -> tuple[np.ndarray, Origin]:
    """What a model is trained on: a copy of the kept rows, and where they come from."""
    days = channel.days
    people = {name for part in (*days, *channel.today) for name in part.people}
    first, last = (days[0].day, days[-1].day) if days else (0, 0)
    return training_rows(channel), Origin(people=len(people), first_day=first, last_day=last)


def adopt(channel: Channel, model: Model, declaration: Declaration) -> None:
    """Use a model from here on; its threshold comes from the last days' rows."""
    channel.tops = _lately(channel, model)
    channel.model_id = model.id
    channel.shadow = None
    channel.threshold = calibrated(channel.tops, declaration.budget) + channel.offset


def challenge(channel: Channel, model: Model, declaration: Declaration, clock: int) -> None:
    """Let a model run in the shadow of the one at work until a midnight after `shadow`."""
    until = clock + declaration.shadow // timedelta(microseconds=1)
    threshold = calibrated(_lately(channel, model), declaration.budget) + channel.offset
    channel.shadow = Shadow(model.id, clock, until, threshold)


def end_trial(
    channel: Channel, challenger: Model | None, declaration: Declaration, clock: int
) -> Trial | None:
    """The trial that is over at midnight `clock`, if one is."""
    shadow = channel.shadow
    if shadow is None or clock < shadow.until:
        return None
    trial = shadows.review(shadow, channel.tops, declaration.budget)
    if challenger is None:
        trial = msgspec.structs.replace(trial, why_not="its artefact could not be used")
    channel.shadow = None
    channel.trials = [*channel.trials, trial][-KEPT_TRIALS:]
    return trial


def _lately(channel: Channel, model: Model) -> Tops:
    """What a model gives the kept hours of the last days."""
    return tops(channel.days[-CALIBRATION_DAYS:], model)
