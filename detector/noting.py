"""What people show within one hour of the event clock: noted in the open hour, and what is new in it.

Facts settle at full hours only; until then what was shown is a lesson that waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detector import workhours
from detector.facts import Facts
from detector.known import Known
from detector.observations import PLACE, SLOT, Observations
from detector.persons import OpenHour, shown_key


@dataclass(frozen=True, slots=True)
class News:
    """Values that rows of a page show first in the open hour, in log order: parallel lists.

    `days` are the distinct prior days on which the person showed the value, `others` how many
    other people are known to. `shown` are places in `texts`, see `value`.
    """

    rows: np.ndarray
    kinds: np.ndarray
    shown: np.ndarray
    days: np.ndarray
    others: np.ndarray
    texts: tuple[Sequence[str], Sequence[str]]

    def take(self, places: np.ndarray) -> News:
        """Those at some places."""
        rows, kinds, shown = self.rows[places], self.kinds[places], self.shown[places]
        return News(rows, kinds, shown, self.days[places], self.others[places], self.texts)

    def value(self, place: int) -> str:
        """The value at a place of the lists."""
        values, slots = self.texts
        shown = int(self.shown[place])
        return values[shown] if shown < len(values) else slots[shown - len(values)]


@dataclass(frozen=True, slots=True)
class _Shown:
    """Values that rows show first in an hour: a pair of the page, or behind those a slot."""

    rows: np.ndarray
    kinds: np.ndarray
    shown: np.ndarray
    slots: Sequence[str]

    def take(self, places: np.ndarray) -> _Shown:
        """Those at some places."""
        return _Shown(self.rows[places], self.kinds[places], self.shown[places], self.slots)


def note(facts: Facts, page: Observations, known: Known, span: tuple[int, int]) -> News:
    """Note what rows of one hour of the clock show, and return what is new in it."""
    start, end = span
    _attend(facts.hour, page, start, end)
    found = _unseen(facts.hour, page, _first(facts, page, start, end))
    of_pair, pairs = found.shown < len(page.pairs), found.shown[found.shown < len(page.pairs)]
    of_slot, who = ~of_pair, known.numbers[page.who[found.rows[~of_pair]]]
    days, last = np.zeros(len(of_pair), np.int64), np.full(len(of_pair), -1)
    lines, crowds = np.full(len(of_pair), -1), np.zeros(len(of_pair), np.int64)
    lines[of_pair], crowds[of_pair] = known.lines[pairs], known.crowds(pairs)
    slots = [found.slots[place - len(page.pairs)] for place in found.shown[of_slot].tolist()]
    lines[of_slot], crowds[of_slot] = facts.ledger.find(who, [SLOT] * len(slots), slots)
    table, is_known = facts.ledger.table, lines >= 0
    days[is_known], last[is_known] = (table[name][lines[is_known]] for name in ("days", "last_day"))
    is_known &= days > 0
    texts = (page.pairs.values, found.slots)
    news = News(found.rows, found.kinds, found.shown, days, crowds - is_known, texts)
    _learn(facts.hour, page, news, (lines, np.where(is_known, last, -1)))
    return news


def carry(facts: Facts, page: Observations, start: int) -> None:
    """Keep what was shown from row `start` to the page's end, while its hour goes on."""
    found = _first(facts, page, start, len(page))
    facts.hour.shown |= dict.fromkeys(_keys(facts.hour, page, found))


def _attend(hour: OpenHour, page: Observations, start: int, end: int) -> None:
    """Note who was active in rows that teach, how often and when."""
    low, high = np.searchsorted(page.lessons, (start, end))
    rows = page.lessons[low:high]
    who, first, count = np.unique(page.who[rows], return_index=True, return_counts=True)
    last = np.zeros(len(page.names), dtype=np.int64)
    np.maximum.at(last, page.who[rows], page.time_us[rows])
    order = np.argsort(first)
    came = zip(who[order].tolist(), rows[first[order]].tolist(), count[order].tolist(),
               last[who[order]].tolist(), strict=True)  # fmt: skip
    for person, row, events, newest in came:
        mine = hour.places.setdefault(page.names[person], len(hour.first))
        if mine == len(hour.first):
            hour.first.append(page.times[row])
            hour.last.append(newest)
            hour.events.append(events)
        else:
            hour.last[mine] = max(hour.last[mine], newest)
            hour.events[mine] += events


def _first(facts: Facts, page: Observations, start: int, end: int) -> _Shown:
    """What rows of one hour show first among themselves; hours of the week by people's zones."""
    shown = page.firsts.within(start, end)
    places = np.flatnonzero(shown.kinds == SLOT)
    slots, which = _slots(facts, page, shown.rows[places])
    # Quarters of an hour of one person mostly lie in the same hour of the week.
    pair = page.who[shown.rows[places]] * (len(slots) + 1) + which
    again = np.ones(len(places), dtype=bool)
    again[np.unique(pair, return_index=True)[1]] = False
    every = shown.pairs.copy()
    every[places] = len(page.pairs) + which
    kept = np.ones(len(every), dtype=bool)
    kept[places[again]] = False
    return _Shown(shown.rows, shown.kinds, every, slots).take(np.flatnonzero(kept))


def _slots(facts: Facts, page: Observations, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The hours of the local week that rows lie in, and which of them each row does.

    Reckoned once for a zone and quarter of an hour.
    """
    people, owner = np.unique(page.who[rows], return_inverse=True)
    zones = [facts.zone_of(page.names[who]) for who in people.tolist()]
    numbers = {zone: number for number, zone in enumerate(dict.fromkeys(zones))}
    zone = np.array([numbers[each] for each in zones], dtype=np.int64)[owner]
    keys = zone << 32 | page.time_us[rows] // workhours.QUARTER_US
    distinct, place = np.unique(keys, return_inverse=True)
    names, slots = list(numbers), dict[str, int]()
    which = [
        slots.setdefault(
            workhours.slot(names[key >> 32], (key & 0xFFFF_FFFF) * workhours.QUARTER_US), len(slots)
        )
        for key in distinct.tolist()
    ]
    return list(slots), np.array(which, dtype=np.int64)[place]


def _unseen(hour: OpenHour, page: Observations, found: _Shown) -> _Shown:
    """What was not yet shown in the open hour."""
    if not hour.shown:
        return found
    fresh = [key not in hour.shown for key in _keys(hour, page, found)]
    return found.take(np.flatnonzero(fresh))


def _keys(hour: OpenHour, page: Observations, found: _Shown) -> Iterator[str]:
    """The names under which the open hour keeps what was shown."""
    values = [*page.pairs.values, *found.slots]
    who = page.who[found.rows].tolist()
    for person, kind, shown in zip(who, found.kinds.tolist(), found.shown.tolist(), strict=True):
        yield shown_key(hour.places[page.names[person]], kind, values[shown])


def _learn(
    hour: OpenHour, page: Observations, news: News, known: tuple[np.ndarray, np.ndarray]
) -> None:
    """Note what was not known, or not yet seen on its day: by lines and last days."""
    lines, last = known
    days, seqs, places = page.days[news.rows], news.rows + page.seqs[0], hour.places
    is_known = news.days > 0
    again, new = np.flatnonzero(is_known & (last < days)), np.flatnonzero(~is_known)
    hour.again.lines += lines[again].tolist()
    hour.again.seqs += seqs[again].tolist()
    hour.again.days += days[again].tolist()
    lessons = hour.lessons
    lessons.learners += [places[page.names[who]] for who in page.who[news.rows[new]].tolist()]
    lessons.kinds += news.kinds[new].tolist()
    lessons.values += [news.value(place) for place in new.tolist()]
    lessons.seqs += seqs[new].tolist()
    lessons.days += days[new].tolist()
    for place in np.flatnonzero((news.kinds == PLACE) & (~is_known | (last < days))).tolist():
        hour.visitors.append(places[page.names[page.who[news.rows[place]]]])
        hour.visited.append(news.value(place))
