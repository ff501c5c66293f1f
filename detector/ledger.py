"""The ledger: every fact about people as a line of one table, found by who and what.

A fact says that a person has shown a value: known since when, on how many days, and when last.
People and values are numbered; the numbers mean nothing outside of the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np

from detector.growing import Growing

LINE: Final = np.dtype(
    [
        ("since", np.int64),  # microseconds of UTC
        ("first_seq", np.int64),
        ("who", np.int32),
        ("what", np.int32),
        ("last_day", np.int32),  # days since 1970
        ("days", np.int32),  # 0: the fact was dropped
    ]
)
_CELLS: Final = LINE.itemsize // 4
_MOST_KINDS: Final = 32
_MOST_DROPPED: Final = 0.25
"""Share of dropped lines from which the table is written anew."""


@dataclass(frozen=True, slots=True)
class New:
    """New facts, parallel lists: who, kind, value, the seq of the event that taught it, its day."""

    names: Sequence[str]
    kinds: Sequence[int]
    values: Sequence[str]
    seqs: Sequence[int]
    days: Sequence[int]

    def __len__(self) -> int:
        return len(self.names)


class Ledger(msgspec.Struct, dict=True):
    """Facts about people. `kinds[what]` and `values[what]` say what a value is."""

    names: list[str] = []
    kinds: list[int] = []
    values: list[str] = []
    table: np.ndarray = msgspec.field(default_factory=lambda: np.empty(0, LINE))

    def __post_init__(self) -> None:
        """Make what is not stored: the ways to find a line, and how many people show a value.

        The numbers of lines, people and values hold for one edition of the table.
        """
        self._who = {name: number for number, name in enumerate(self.names)}
        self._what: list[dict[str, int]] = [{} for _ in range(_MOST_KINDS)]
        for number, (kind, value) in enumerate(zip(self.kinds, self.values, strict=True)):
            self._what[kind][value] = number
        live = np.flatnonzero(self.table["days"])
        who, what = (self.table[name][live].astype(np.int64) for name in ("who", "what"))
        self._lines: list[dict[int, int]] = [{} for _ in self.names]
        for person, value, line in zip(who.tolist(), what.tolist(), live.tolist(), strict=True):
            self._lines[person][value] = line
        self._crowd = Growing(np.zeros(0, dtype=np.int32))
        self._owned = Growing(np.zeros((0, _MOST_KINDS), dtype=np.int32))
        self._count(who, what, 1)
        self._space = Growing(self.table)
        self._look_at()
        self.edition = object()

    def __len__(self) -> int:
        return sum(map(len, self._lines))

    def days(self, name: str, kind: int, value: str) -> int:
        """Distinct days on which the person showed the value; 0 if it is not known."""
        # Asked of many events one at a time: the ways to a line are gone here without a call.
        who, what = self._who.get(name), self._what[kind].get(value)
        if who is None or what is None:
            return 0
        line = self._lines[who].get(what)
        return 0 if line is None else int(self._days[line])

    def last_day(self, name: str, kind: int, value: str) -> int:
        """The last day on which the person showed the value, since 1970; -1 if never."""
        line = self._line(name, kind, value)
        return int(self.table["last_day"][line]) if line >= 0 else -1

    def crowd(self, kind: int, value: str) -> int:
        """How many people are known to show the value."""
        what = self._what[kind].get(value)
        return 0 if what is None else int(self._crowd.rows[what])

    def owned(self, name: str, kind: int) -> int:
        """How many values of one kind the person is known for."""
        who = self._who.get(name)
        return 0 if who is None else int(self._owned.rows[who, kind])

    def overfull(self, most: int) -> list[tuple[str, int]]:
        """The people who are known for more than so many values of a kind, and the kind."""
        return [
            (self.names[who], kind) for who, kind in np.argwhere(self._owned.rows > most).tolist()
        ]

    def of(self, name: str, kind: int | None = None) -> list[tuple[int, str, np.void]]:
        """A person's facts of one kind or all: kind, value and line."""
        lines = self._mine(self._who.get(name, -1)) if kind is None else self._of_kind(name, kind)
        facts = zip(lines.tolist(), self.table["what"][lines].tolist(), strict=True)
        return [(self.kinds[what], self.values[what], self.table[line]) for line, what in facts]

    def days_of(self, name: str, kind: int) -> dict[str, int]:
        """By value of a kind the days on which the person showed it."""
        mine = self.table[self._of_kind(name, kind)]
        shown = zip(mine["what"].tolist(), mine["days"].tolist(), strict=True)
        return {self.values[what]: days for what, days in shown}

    def is_of(self, kind: int) -> np.ndarray:
        """Of each number of a value whether it is of the kind."""
        found = np.zeros(len(self.values), dtype=bool)
        found[list(self._what[kind].values())] = True
        return found

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """The numbers of people, -1 for those of whom nothing is known."""
        number = self._who.get
        return np.array([number(name, -1) for name in names], dtype=np.int64)

    def owners(self, kind: int, value: str) -> list[str]:
        """The people who are known to show the value. Reads the whole table."""
        what = self._what[kind].get(value, -1)
        found = (self.table["what"] == what) & (self.table["days"] > 0)
        return [self.names[who] for who in self.table["who"][found].tolist()]

    def things(self, kind: int, values: Sequence[str]) -> np.ndarray:
        """The numbers of values of one kind, -1 for those that nobody is known to have shown."""
        number = self._what[kind].get
        return np.array([number(value, -1) for value in values], dtype=np.int64)

    def lines(self, who: np.ndarray, things: np.ndarray) -> np.ndarray:
        """The lines of facts by the numbers of people and values, -1 where there is none."""
        maybe = np.flatnonzero((things >= 0) & (who >= 0))
        by_person = maybe[np.argsort(who[maybe])]
        owners, whats = who[by_person], things[by_person].tolist()
        starts, lines = np.flatnonzero(np.diff(owners, prepend=-1)), list[int]()
        spans = pairwise([*starts.tolist(), len(whats)])
        for person, (start, end) in zip(owners[starts].tolist(), spans, strict=True):
            line = self._lines[person].get
            lines += [line(what, -1) for what in whats[start:end]]
        found = np.full(len(things), -1, dtype=np.int64)
        found[by_person] = lines
        return found

    def seen(self, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of lines on how many days each fact was seen, and the last of them; 0 and -1 for line -1
        and for what was dropped."""
        fact = np.flatnonzero(lines >= 0)
        cells = self._cells.take(lines[fact], axis=0)[:, -2:]
        days, last = np.zeros(len(lines), dtype=np.int64), np.full(len(lines), -1)
        days[fact], last[fact] = cells[:, 1], np.where(cells[:, 1] > 0, cells[:, 0], -1)
        return days, last

    def crowds(self, things: np.ndarray) -> np.ndarray:
        """How many people are known to show each of these values, 0 for number -1."""
        found, known = np.zeros(len(things), dtype=np.int64), things >= 0
        found[known] = self._crowd.rows[things[known]]
        return found

    def shown(self, line: int) -> tuple[str, int, str]:
        """The person, the kind and the value of a line, even if the fact was dropped."""
        who, what = int(self.table["who"][line]), int(self.table["what"][line])
        return self.names[who], self.kinds[what], self.values[what]

    def again(self, lines: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Facts were shown on such days; where that is a new day it counts.

        Returns which of the lines are still facts.
        """
        live: np.ndarray = self.table["days"][lines] > 0
        newer = live & (days > self.table["last_day"][lines])
        self.table["days"][lines[newer]] += 1
        self.table["last_day"][lines[newer]] = days[newer]
        return live

    def add(self, name: str, kind: int, value: str, fact: tuple[int, int, int]) -> None:
        """A new fact: known since when, the seq of the event that taught it, and its day."""
        since, seq, day = fact
        self.add_all(New([name], [kind], [value], [seq], [day]), since)

    def add_all(self, new: New, since: int) -> None:
        """New facts in their order, known since then."""
        if not len(new):
            return
        numbers = {name: self._number_of(name) for name in dict.fromkeys(new.names)}
        who = np.array([numbers[name] for name in new.names], dtype=np.int64)
        what = np.array([*map(self._thing, new.kinds, new.values)], dtype=np.int64)
        used, upto = len(self.table), len(self.table) + len(new)
        fresh = self._space.grow(upto)
        fresh["since"], fresh["who"], fresh["what"], fresh["days"] = since, who, what, 1
        fresh["first_seq"], fresh["last_day"] = new.seqs, new.days
        self._look_at()
        for person, value, line in zip(who.tolist(), what.tolist(), range(used, upto), strict=True):
            self._lines[person][value] = line
        self._count(who, what, 1)

    def at_least(self, name: str, kind: int, value: str, days: int) -> None:
        """Let a known fact count as seen on at least so many days."""
        line = self._line(name, kind, value)
        self.table["days"][line] = max(days, int(self.table["days"][line]))

    def drop_taught(self, name: str, seqs: Iterable[int]) -> list[tuple[int, str, int]]:
        """Drop the person's facts that these events taught first: their kind, value and last day."""
        who = self._who.get(name, -1)
        lines = self._mine(who)
        taught = np.isin(self.table["first_seq"][lines], np.fromiter(seqs, np.int64))
        return self._drop(lines[taught])

    def drop_unseen(self, before: int, spared: Iterable[str]) -> None:
        """Drop what was last seen before a day, but for some people; make the table small again."""
        spare = np.array([self._who.get(name, -1) for name in spared], dtype=np.int64)
        unseen = (self.table["last_day"] < before) & ~np.isin(self.table["who"], spare)
        self._drop(np.flatnonzero(unseen))
        if len(self.table) - len(self) > _MOST_DROPPED * len(self.table):
            self._compact()

    def drop_oldest(self, name: str, kind: int, most: int) -> None:
        """Drop the person's facts of one kind that were not seen for longest."""
        lines = self._of_kind(name, kind)
        oldest = lines[np.argsort(self.table["last_day"][lines], kind="stable")[:most]]
        self._drop(np.sort(oldest))

    def drop(self, name: str, kind: int | None = None, value: str | None = None) -> int:
        """Drop a person's facts, of one kind and value or all of them; how many there were."""
        lines = self._mine(self._who.get(name, -1)) if kind is None else self._of_kind(name, kind)
        if value is not None:
            mine = [self.values[what] == value for what in self.table["what"][lines].tolist()]
            lines = lines[np.array(mine, dtype=bool)]
        return len(self._drop(lines))

    def _number_of(self, name: str) -> int:
        number = self._who.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
            self._lines.append({})
        return number

    def _thing(self, kind: int, value: str) -> int:
        number = self._what[kind].setdefault(value, len(self.values))
        if number == len(self.values):
            self.kinds.append(kind)
            self.values.append(value)
        return number

    def _look_at(self) -> None:
        """Let the table and what shows its columns be the rows of the space that are in use."""
        self.table = self._space.rows
        self._days = self.table["days"]
        # Rows of whole numbers are gathered several times as fast as structures.
        self._cells = self.table.view(np.int32).reshape(len(self.table), _CELLS)

    def _mine(self, who: int) -> np.ndarray:
        """The lines of a person's facts, in order."""
        lines = self._lines[who].values() if who >= 0 else ()
        return np.fromiter(lines, dtype=np.int64, count=len(lines))

    def _of_kind(self, name: str, kind: int) -> np.ndarray:
        """The lines of a person's facts of one kind, in order."""
        lines = self._mine(self._who.get(name, -1))
        mine = [self.kinds[what] == kind for what in self.table["what"][lines].tolist()]
        found: np.ndarray = lines[np.array(mine, dtype=bool)]
        return found

    def _line(self, name: str, kind: int, value: str) -> int:
        who, what = self._who.get(name), self._what[kind].get(value)
        if who is None or what is None:
            return -1
        return self._lines[who].get(what, -1)

    def _drop(self, lines: np.ndarray) -> list[tuple[int, str, int]]:
        lines = lines[self.table["days"][lines] > 0]
        dropped, gone = self.table[lines], []
        for _, _, who, what, last_day, _ in dropped.tolist():
            del self._lines[who][what]
            gone.append((self.kinds[what], self.values[what], last_day))
        self._count(dropped["who"], dropped["what"], -1)
        self.table["days"][lines] = 0
        return gone

    def _count(self, who: np.ndarray, what: np.ndarray, step: int) -> None:
        """Count who is known to show what, up or down."""
        self._crowd.grow(len(self.values))
        self._owned.grow(len(self.names))
        kinds = np.array([self.kinds[each] for each in what.tolist()], dtype=np.int64)
        np.add.at(self._crowd.rows, what, step)
        np.add.at(self._owned.rows, (who, kinds), step)

    def _compact(self) -> None:
        """Write the table anew without what was dropped; people and values that are left over go."""
        table = self.table[self.table["days"] > 0]
        for column, texts in (("who", (self.names,)), ("what", (self.kinds, self.values))):
            used, table[column] = np.unique(table[column], return_inverse=True)
            for text in texts:
                kept: list[Any] = [text[number] for number in used.tolist()]
                text[:] = kept
        self.table = table
        self.__post_init__()
