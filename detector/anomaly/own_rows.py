"""Declared features at work: what people show of them in an open hour, and what is known of that.

As with all features only the past counts: what an hour shows becomes known when it has closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import polars as pl

from detector.anomaly import tally as tallies
from detector.anomaly.habits import SOFT, moved
from detector.anomaly.own_features import Count, OwnFeature, Rarity
from detector.facts import Facts
from detector.ledger import Ledger
from detector.observations import Observations
from detector.workhours import DAY_US

KNOWN_AFTER: Final = 7
"""Days after which a new feature says something: before, everything is new to it."""
MOST_VALUES: Final = 20_000
"""Values of all declared features that are kept for one person."""
_APART: Final = "\x1f"


class Own(msgspec.Struct):
    """What is known of the declared features, in their order.

    `counted` are those that count values. `since` is the first day (since 1970) on which each was learned, 0 if none was. `usual` has for
    each person and feature the moving mean and variance of log(1 + n), one after the other.
    """

    identities: list[str] = []
    counted: list[bool] = []
    since: list[int] = []
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    usual: dict[str, list[float]] = {}

    def is_known(self, day: int) -> list[bool]:
        """Of each feature whether enough is known by that day."""
        return [0 < since <= day - KNOWN_AFTER for since in self.since]


class Told(msgspec.Struct, frozen=True):
    """A value, how surprising it is, on how many days the person showed it, and how many others did."""

    value: str
    surprise: float
    days: int
    others: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What rows of one hour of a page show first, as parallel lists; `which` feature, which value.

    `days` and `others` are as in `noting.News`; `counted` are values that are counted.
    """

    rows: np.ndarray
    which: np.ndarray
    values: Sequence[str]
    days: np.ndarray
    others: np.ndarray
    surprise: np.ndarray
    counted: np.ndarray
    first_seq: int
    """The seq of row 0."""
    known: Own

    def told(self, upto: int) -> Iterator[tuple[int, int, Told]]:
        """The values whose rarity counts, of the rows before one: the place, the feature, the value."""
        for place in np.flatnonzero((self.rows < upto) & ~self.counted).tolist():
            numbers = int(self.days[place]), int(self.others[place])
            value = Told(self.values[place], float(self.surprise[place]), *numbers)
            yield place, int(self.which[place]), value


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what the rows of a page show of some features, against what is known of them."""

    features: Sequence[OwnFeature]
    known: Own
    facts: Facts

    def read(self, page: Observations, span: tuple[int, int]) -> Shown:
        """Rows of one hour of a page."""
        low, high = np.searchsorted(page.prompt, span)
        prompt = page.prompt[low:high]
        found = [self._firsts(feature, page, prompt) for feature in self.features]
        rows = np.concatenate([rows for rows, _ in found])
        which = np.repeat(np.arange(len(found)), [len(rows) for rows, _ in found])
        order = np.argsort(rows, kind="stable")
        values = [value for _, values in found for value in values]
        return self._weighed(page, rows[order], which[order], [values[at] for at in order.tolist()])

    def _firsts(
        self, feature: OwnFeature, page: Observations, rows: np.ndarray
    ) -> tuple[np.ndarray, list[str]]:
        values = _values(feature, page, rows)
        pairs = pl.DataFrame({"who": page.who[rows], "value": values})
        first = pairs.select(pl.struct("who", "value").is_first_distinct()).to_series()
        fresh = np.flatnonzero((first & values.is_not_null()).to_numpy())
        return rows[fresh], values.gather(fresh).to_list()

    def _weighed(
        self, page: Observations, rows: np.ndarray, which: np.ndarray, values: list[str]
    ) -> Shown:
        known, people = self.known, self.facts.people
        names = [page.names[who] for who in page.who[rows].tolist()]
        keys = [
            _keyed(known.identities[at], value) for at, value in zip(which, values, strict=True)
        ]
        things = known.ledger.things(0, keys)
        lines = known.ledger.lines(known.ledger.numbers(names), things)
        crowds = known.ledger.crowds(things)
        days = np.zeros(len(lines), dtype=np.int64)
        days[lines >= 0] = known.ledger.table["days"][lines[lines >= 0]]
        active = np.array(
            [person.days if (person := people.get(name)) else 0 for name in names], dtype=np.int64
        )
        day = page.clocks[int(rows[0])] // DAY_US if len(rows) else 0
        age = np.array([day - since if since else 0 for since in known.since], dtype=np.int64)
        others = crowds - (lines >= 0)
        surprise = tallies.surprisals(self.facts, np.minimum(active, age[which]), days, others)
        counted = np.array(known.counted, dtype=bool)[which]
        seq = page.seqs[0] if len(rows) else 0
        return Shown(rows, which, values, days, others, surprise, counted, seq, known)


def _values(feature: OwnFeature, page: Observations, rows: np.ndarray) -> pl.Series:
    """Of each row the text of the feature's value, null where it has none."""
    columns = {name: page.columns.series(name).gather(rows) for name in feature.columns}
    frame = pl.DataFrame({name: each.cast(pl.String) for name, each in columns.items()})
    if isinstance(feature, Rarity):
        made = pl.concat_str([pl.col(name) for name in feature.rarity], separator=" | ")
    else:
        kept = [pl.col(name).is_in(list(words)) for name, words in feature.where.items()]
        made = pl.when(pl.all_horizontal(pl.lit(value=True), *kept)).then(pl.col(feature.count))
    return frame.select(made.alias("value")).to_series()


def _keyed(identity: str, value: str) -> str:
    return f"{identity}{_APART}{value}"


class Opened(msgspec.Struct):
    """The declared features of the open hours, a line a person.

    `found` are the largest surprisals, or the counts. `seen` are the values that were shown, each
    with its line and feature before it, and the seq of the event that showed it first. `counted` and
    `known` are as in `Own` when the hour began.
    """

    counted: list[bool] = []
    known: list[bool] = []

    found: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((0, 0)))
    usual: np.ndarray = msgspec.field(default_factory=lambda: np.zeros((0, 0)))
    seen: dict[str, int] = {}

    def open(self, own: Own, names: Sequence[str], day: int) -> None:
        """Add the lines of people who were not seen since the last settlement."""
        self.counted, self.known = own.counted, own.is_known(day)
        width = len(own.identities)
        fresh = [0.0, 0.25] * width
        usual = np.array([own.usual.get(name, fresh) for name in names]).reshape(len(names), -1)
        self.found = np.concatenate((self.found.reshape(-1, width), np.zeros((len(names), width))))
        self.usual = np.concatenate((self.usual.reshape(-1, 2 * width), usual))

    def take(self, shown: Shown, lines: np.ndarray, span: tuple[int, int]) -> None:
        """Take in what the rows of a span show; `lines` are those of all that is shown."""
        low, high = np.searchsorted(shown.rows, span)
        for place in range(int(low), int(high)):
            line, which = int(lines[place]), int(shown.which[place])
            key = f"{line}{_APART}{which}{_APART}{shown.values[place]}"
            if key in self.seen:
                continue
            self.seen[key] = shown.first_seq + int(shown.rows[place])
            if shown.counted[place]:
                self.found[line, which] += 1
            else:
                self.found[line, which] = max(shown.surprise[place], self.found[line, which])

    def numbers(self, lines: np.ndarray) -> np.ndarray:
        """Lines as they stand, as features: NaN where a feature is not known well enough yet."""
        found, usual = self.found[lines], self.usual[lines].reshape(len(lines), -1, 2)
        excess = (np.log1p(found) - usual[:, :, 0]) / (np.sqrt(usual[:, :, 1]) + SOFT)
        made = np.where(np.array(self.counted, dtype=bool), np.maximum(0.0, excess), found)
        return np.where(np.array(self.known, dtype=bool), made, np.nan)


def learn(own: Own, opened: Opened, names: dict[int, str], clock: int) -> None:
    """Let the numbers of these lines' hours, which ended at `clock`, become part of what is usual."""
    day = (clock - 1) // DAY_US
    own.since = [since or day for since in own.since]
    lines = np.array(list(names), dtype=np.int64)
    usual = opened.usual[lines].reshape(len(lines), -1, 2)
    changed = moved(usual, np.log1p(opened.found[lines]))
    for name, numbers in zip(names.values(), changed.reshape(len(lines), -1).tolist(), strict=True):
        own.usual[name] = numbers


def note(own: Own, opened: Opened, names: Sequence[str], facts: Facts, clock: int) -> None:
    """Let the values that hours showed become known, as facts do: what is new under a guard does not.

    `names` are the people of all lines. Values that are only counted need not be known.
    """
    day, shown = (clock - 1) // DAY_US, list[tuple[str, str, int]]()
    for key, seq in opened.seen.items():
        line, which, value = key.split(_APART, 2)
        if not own.counted[int(which)]:
            shown.append((names[int(line)], _keyed(own.identities[int(which)], value), seq))
    ledger = own.ledger
    numbers = ledger.numbers([name for name, _, _ in shown])
    lines = ledger.lines(numbers, ledger.things(0, [key for _, key, _ in shown]))
    known = lines[lines >= 0]
    ledger.again(known, np.full(len(known), day))
    for place in np.flatnonzero(lines < 0).tolist():
        name, key, seq = shown[place]
        if facts.holds_back(name, _guarded(key), day, clock):
            continue
        ledger.add(name, 0, key, (clock, seq, day))
        if ledger.owned(name, 0) > MOST_VALUES:
            ledger.drop_oldest(name, 0, MOST_VALUES // 10)


def withdraw(own: Own, facts: Facts, taught: Mapping[str, Sequence[int]], clock: int) -> None:
    """Forget the values that the evidence of alerts taught first, by person, and guard them."""
    for name, seqs in taught.items():
        for _, key, last_day in own.ledger.drop_taught(name, seqs):
            facts.hold_back(name, _guarded(key), last_day, clock)


def _guarded(key: str) -> str:
    """The name of a value among the guards of a person, where those of facts begin with a number."""
    return f"own:{key}"


def declared(own: Own, features: Sequence[OwnFeature]) -> Own:
    """What is known, for these features: of those that stay nothing is lost."""
    identities = [feature.identity for feature in features]
    places = [own.identities.index(each) if each in own.identities else -1 for each in identities]
    since = [own.since[place] if place >= 0 else 0 for place in places]
    usual = {
        name: [
            number
            for place in places
            for number in (numbers[2 * place : 2 * place + 2] if place >= 0 else (0.0, 0.25))
        ]
        for name, numbers in own.usual.items()
    }
    counted = [isinstance(feature, Count) for feature in features]
    return Own(identities, counted, since, own.ledger, usual)
