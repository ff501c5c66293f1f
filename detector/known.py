"""What is known of the pairs of a page: looked up once for all the rows that show one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from detector.ledger import Ledger
from detector.observations import SLOT, Observations
from detector.slots import Slots
from detector.workhours import SLOTS


class Known:
    """The facts behind the pairs of a page, as they stand, and behind those of people and slots.

    The pairs with slots, which need the zones of people, are numbered behind the page's own. Of
    each pair `who` is the place of its person in the page's names, `what` the place of its text
    (`kinds` has the kind of each text), and `lines` the line of its fact, -1 if there is none.
    """

    who: np.ndarray
    what: np.ndarray
    lines: np.ndarray
    _numbers: np.ndarray
    """The ledger's number of each of the page's people, -1 for those it does not know."""
    _things: np.ndarray
    """The ledger's number of each text, -1 if nobody is known to show it."""
    _person_of: np.ndarray
    """The place of each of the ledger's people in the page's names, -1 for others."""
    _text_of: np.ndarray
    """The place of each of the ledger's values among the texts, -1 for others."""
    _keys: np.ndarray
    """The pairs by person and text as one number, sorted, and `_order` which pair each is."""
    _order: np.ndarray
    _lines_seen: int

    def __init__(self, page: Observations, ledger: Ledger, zone_of: Callable[[str], str]) -> None:
        self._page, self._ledger, self._zone_of = page, ledger, zone_of
        self._places = {name: place for place, name in enumerate(page.names)}
        self._slots = Slots(page, [*map(zone_of, page.names)])
        self._texts = [*page.pairs.texts, *SLOTS]
        self._starts = [*page.pairs.starts, len(page.pairs.texts)]
        self.kinds = np.repeat(np.arange(SLOT + 1), np.diff([*self._starts, len(self._texts)]))
        self._look_up()

    def __len__(self) -> int:
        """How many pairs there are but for those with slots."""
        return len(self._page.pairs)

    def text(self, pair: int) -> str:
        """The value of a pair."""
        return self._texts[int(self.what[pair])]

    def meet(self) -> None:
        """Let what has settled be known; what is known stays so until facts settle again."""
        ledger = self._ledger
        if self._edition is not ledger.edition:
            self._look_up()
            return
        fresh = ledger.table[self._lines_seen :]
        if not len(fresh) or not len(self.lines):
            return
        self._meet_people()
        self._meet_values()
        who, what = self._person_of[fresh["who"]], self._text_of[fresh["what"]]
        ours = np.flatnonzero((who >= 0) & (what >= 0))
        keys = who[ours] * len(self._texts) + what[ours]
        places = np.minimum(self._keys.searchsorted(keys), len(self._keys) - 1)
        shown = np.flatnonzero(self._keys[places] == keys)
        self.lines[self._order[places[shown]]] = ours[shown] + self._lines_seen
        self._lines_seen = len(ledger.table)

    def move(self, people: Iterable[str], start: int) -> None:
        """Let people be in the zones where they are now, from a row on that begins an hour."""
        here = (name for name in people if name in self._places)
        if self._slots.move({self._places[name]: self._zone_of(name) for name in here}, start):
            known = len(self.who) - len(self)
            self._extend(self._slots.who[known:], self._slots.slots[known:] + self._starts[SLOT])

    def firsts(self, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """The pairs that rows `start` to `end` show first in their hour, and these rows, in log
        order. Only rows that teach."""
        rows, pairs = self._page.firsts.within(start, end)
        low, high = np.searchsorted(self._slots.rows, (start, end))
        rows = np.append(rows, self._slots.rows[low:high])
        pairs = np.append(pairs, self._slots.pairs[low:high] + len(self))
        order = np.argsort(rows, kind="stable")
        return rows[order], pairs[order]

    def days(self, pairs: np.ndarray) -> np.ndarray:
        """On how many distinct prior days each pair was shown, 0 if it is not known."""
        lines = self.lines[pairs]
        found = np.zeros(len(lines), dtype=np.int64)
        known = lines >= 0
        found[known] = self._ledger.table["days"][lines[known]]
        return found

    def crowds(self, pairs: np.ndarray) -> np.ndarray:
        """How many people are known to show the value of each pair."""
        return self._ledger.crowds(self._things[self.what[pairs]])

    def _look_up(self) -> None:
        """Look everything up in the ledger."""
        page, ledger, pairs = self._page, self._ledger, self._page.pairs
        self._edition, self._lines_seen = ledger.edition, len(ledger.table)
        self._people_seen, self._values_seen = len(ledger.names), len(ledger.values)
        self._numbers = ledger.numbers(page.names)
        ends = [*self._starts[1:], len(self._texts)]
        named = enumerate(zip(self._starts, ends, strict=True))
        things = [ledger.things(kind, self._texts[start:end]) for kind, (start, end) in named]
        self._things = np.concatenate(things)
        self._person_of = _turned(self._numbers, self._people_seen)
        self._text_of = _turned(self._things, self._values_seen)
        self._unheard = {
            (int(self.kinds[place]), self._texts[place]): place
            for place in np.flatnonzero(self._things < 0).tolist()
        }
        self.who, self.what, self.lines = np.empty((3, 0), dtype=np.int64)
        self._keys, self._order = np.empty((2, 0), dtype=np.int64)
        slots = self._slots
        what = np.append(pairs.what, slots.slots + self._starts[SLOT])
        self._extend(np.append(pairs.who, slots.who), what)

    def _extend(self, who: np.ndarray, what: np.ndarray) -> None:
        """Add pairs."""
        lines = self._ledger.lines(self._numbers[who], self._things[what])
        keys = who * len(self._texts) + what
        order = np.argsort(keys)
        places = self._keys.searchsorted(keys[order])
        self._keys = np.insert(self._keys, places, keys[order])
        self._order = np.insert(self._order, places, order + len(self.who))
        self.who, self.what = np.append(self.who, who), np.append(self.what, what)
        self.lines = np.append(self.lines, lines)

    def _meet_people(self) -> None:
        """The people of whom something is known for the first time."""
        fresh = self._ledger.names[self._people_seen :]
        places = np.array([self._places.get(name, -1) for name in fresh], dtype=np.int64)
        ours = np.flatnonzero(places >= 0)
        self._numbers[places[ours]] = ours + self._people_seen
        self._person_of = np.append(self._person_of, places)
        self._people_seen += len(fresh)

    def _meet_values(self) -> None:
        """The values that somebody is known to show for the first time."""
        ledger, seen = self._ledger, self._values_seen
        fresh = zip(ledger.kinds[seen:], ledger.values[seen:], strict=True)
        places = np.array([self._unheard.get(each, -1) for each in fresh], dtype=np.int64)
        ours = np.flatnonzero(places >= 0)
        self._things[places[ours]] = ours + seen
        self._text_of = np.append(self._text_of, places)
        self._values_seen += len(places)


def _turned(numbers: np.ndarray, count: int) -> np.ndarray:
    """The place of each of so many numbers in an array, -1 for those that are not there."""
    found = np.full(count, -1, dtype=np.int64)
    places = np.flatnonzero(numbers >= 0)
    found[numbers[places]] = places
    return found
