"""The model channel: what it keeps of hours, days and trials, and the threshold that a budget asks for.

Hours are cut like settling; open ones are judged at every step of the event clock (`judging`). The
rows of closed hours are kept for training, those of suspects are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec
import numpy as np

from detector.anomaly import own_rows
from detector.anomaly import shadow as shadows
from detector.anomaly import tally as tallies
from detector.anomaly.declaration import FEATURES, Declaration
from detector.anomaly.habits import Habits
from detector.anomaly.hours import Hours
from detector.anomaly.model import Model, Origin
from detector.anomaly.own_rows import Own
from detector.anomaly.shadow import KEPT_TRIALS, Shadow, Trial
from detector.anomaly.tops import Day, Tops, calibrated, tops
from detector.facts import Facts
from detector.workhours import DAY_US, HOUR_US

CALIBRATION_DAYS: Final = 14
DRIFT_DAYS: Final = 7
"""Days that a new model must fit before it takes over."""
STEP_GAIN: Final = 0.15
"""Share of the daily error by which the threshold moves (shared/model.md section 6)."""


LEAST_MOST: Final = 2
MOST_DAY: Final = 3.0
"""Times the budget that one day may bring; see `Channel.most_today`."""


class Channel(msgspec.Struct):
    """Keyed state of the model channel."""

    hours: Hours = msgspec.field(default_factory=Hours)
    habits: Habits = msgspec.field(default_factory=Habits)
    today: list[Day] = []
    """The closed hours of the day that is not over, one entry for each time they settled."""
    days: list[Day] = []
    tops: Tops = {}
    """Per day the best score of each person, the best of them only."""
    raised: dict[str, int] = {}
    """Per person the end of the hour in which the channel last raised a finding."""
    raised_today: int = 0
    most_today: int = LEAST_MOST
    """Alerts after which a further one of the day must be odder than all before it to be told."""
    oddest_today: float = 0.0
    """The highest score that was told today."""
    held: dict[str, int] = {}
    """Per person the end of the last hour that was over the threshold and not told for that."""
    own: Own = msgspec.field(default_factory=Own)
    active: dict[str, int] = {}
    """Per person the last of the kept days with an hour of theirs."""
    offset: float = 0.0
    threshold: float = float("inf")
    model_id: str = ""
    due: int = 0
    """Event time from which a training is due."""
    shadow: Shadow | None = None
    """The trial of a challenger, if one is under way."""
    trials: list[Trial] = []
    """The last trials, oldest first."""

    @property
    def crowd(self) -> int:
        """People with an hour in the kept days, by whom the budget is measured."""
        return len(self.active)


def settle(channel: Channel, facts: Facts, clock: int) -> None:
    """Close the open hours at the full hour `clock`, at which the facts have settled; keep the rows
    that may be trained on."""
    hours, channel.hours = channel.hours, Hours()
    if channel.own.identities:
        own_rows.note(channel.own, hours.own, list(hours.lines), facts, clock)
    since, suspects = clock - HOUR_US, facts.suspects
    names = [
        name for name in hours.lines if name not in suspects or not facts.is_suspect(name, since)
    ]
    if not names:
        return
    lines = np.array([hours.lines[name] for name in names])
    numbers = hours.numbers(lines)
    rows = tallies.features(numbers)
    channel.today.append(Day(0, rows.tobytes(), names, rows.shape[1]))
    channel.habits.learn(names, tallies.counted(numbers), clock)
    if channel.own.identities:
        people = dict(zip(lines.tolist(), names, strict=True))
        own_rows.learn(channel.own, hours.own, people, clock)


def withdraw(
    channel: Channel, facts: Facts, taught: Mapping[str, Sequence[int]], clock: int
) -> None:
    """Forget what events taught, by person, that turned out to be evidence of an alert."""
    if channel.own.identities:
        own_rows.withdraw(channel.own, facts, taught, clock)


def declare(channel: Channel, declaration: Declaration) -> bool:
    """Look at the features that an analyst declares from here on; true if these are others.

    The kept hours know nothing of what is new, and the open ones begin again. A model that was
    trained on other columns is of no use, so a training is due.
    """
    before = channel.own.identities
    if before == [feature.identity for feature in declaration.own]:
        return False
    channel.own = own_rows.declared(channel.own, declaration.own)
    channel.hours = Hours()
    channel.days = [_widened(day, before, channel.own.identities) for day in channel.days]
    channel.today = [_widened(day, before, channel.own.identities) for day in channel.today]
    if channel.model_id:
        channel.due = 1
    channel.model_id, channel.shadow, channel.tops = "", None, {}
    channel.threshold = float("inf")
    return True


def _widened(day: Day, before: Sequence[str], now: Sequence[str]) -> Day:
    """A day's rows with the columns that are declared now; what was not measured is NaN."""
    rows, width = day.table(), len(FEATURES)
    made = np.full((len(rows), width + len(now)), np.nan, dtype=np.float32)
    made[:, :width] = rows[:, :width]
    for place, identity in enumerate(now):
        if identity in before:
            made[:, width + place] = rows[:, width + before.index(identity)]
    return Day(day.day, made.tobytes(), day.people, made.shape[1], day.known)


def forget(channel: Channel, facts: Facts, clock: int) -> None:
    """Drop what was not seen for as long as facts are remembered. Once a day of the event clock."""
    if channel.own.identities:
        channel.own.ledger.drop_unseen(clock // DAY_US - facts.remember_days, ())


def is_cold(facts: Facts, name: str, clock: int, declaration: Declaration) -> bool:
    """Whether a person is known for less than the cold start: scored, recorded, not returned."""
    person = facts.people.get(name)
    return person is None or clock - person.first < declaration.cold_us


def new_day(channel: Channel, facts: Facts, declaration: Declaration, clock: int) -> None:
    """Put the day away, and step the threshold's slow controller. `clock` is midnight UTC."""
    if channel.today:
        rows = b"".join(hour.rows for hour in channel.today)
        people = [name for hour in channel.today for name in hour.people]
        known = sum(not is_cold(facts, name, clock, declaration) for name in set(people))
        width, day = channel.today[0].width, clock // DAY_US - 1
        channel.days.append(Day(day, rows, people, width, known))
        channel.active |= dict.fromkeys(people, day)
        channel.today = []
    keep = clock // DAY_US - declaration.train_on.days
    channel.days = [day for day in channel.days if day.day >= keep]
    oldest = clock // DAY_US - CALIBRATION_DAYS
    channel.tops = {day: tops for day, tops in channel.tops.items() if day >= oldest}
    channel.active = {name: day for name, day in channel.active.items() if day >= keep}
    if channel.model_id:
        budget = declaration.alerts_a_day(channel.crowd)
        # Of a budget below one a day the unit is one alert, or a single one would count for many.
        error = min(2.0, (channel.raised_today - budget) / max(1.0, budget))
        channel.offset = max(-3.0, min(6.0, channel.offset + STEP_GAIN * error))
        if channel.tops:
            channel.threshold = calibrated(channel.tops, budget) + channel.offset
    channel.most_today = _most(declaration, channel.crowd)
    channel.raised_today, channel.oddest_today, channel.held = 0, 0.0, {}


def _most(declaration: Declaration, people: int) -> int:
    return max(LEAST_MOST, round(MOST_DAY * declaration.alerts_a_day(people)))


def training_rows(channel: Channel) -> np.ndarray:
    """The kept rows, oldest first, of shape (n, all features)."""
    width = len(FEATURES) + len(channel.own.identities)
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
    budget = declaration.alerts_a_day(channel.crowd)
    channel.threshold = calibrated(channel.tops, budget) + channel.offset
    channel.most_today = _most(declaration, channel.crowd)


def challenge(channel: Channel, model: Model, declaration: Declaration, clock: int) -> None:
    """Let a model run in the shadow of the one at work until a midnight after `shadow`."""
    until = clock + declaration.shadow // timedelta(microseconds=1)
    budget = declaration.alerts_a_day(channel.crowd)
    threshold = calibrated(_lately(channel, model), budget) + channel.offset
    channel.shadow = Shadow(model.id, clock, until, threshold)


def end_trial(
    channel: Channel,
    champion: Model | None,
    challenger: Model | None,
    declaration: Declaration,
    clock: int,
) -> Trial | None:
    """The trial that is over at midnight `clock`, if one is."""
    shadow = channel.shadow
    if shadow is None or clock < shadow.until:
        return None
    moved = shadows.SAME
    days = channel.days[-DRIFT_DAYS:]
    if challenger is not None and days:
        rows = np.concatenate([day.table() for day in days])
        moved = shadows.drifted(champion, challenger, rows)
    budget = declaration.alerts_a_day(channel.crowd)
    trial = shadows.review(shadow, channel.tops, budget, moved)
    if challenger is None:
        trial = msgspec.structs.replace(trial, why_not="its artefact could not be used")
    channel.shadow = None
    channel.trials = [*channel.trials, trial][-KEPT_TRIALS:]
    return trial


def _lately(channel: Channel, model: Model) -> Tops:
    """What a model gives the kept hours of the last days."""
    return tops(channel.days[-CALIBRATION_DAYS:], model)
