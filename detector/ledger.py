"""The ledger: every fact about people as a line of one table, found by who and what.

A fact says that a person has shown a value: known since when, on how many days, and when last.
People and values are numbered; the numbers mean nothing outside of the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

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
_SHIFT: Final = 32
_MOST_KINDS: Final = 32
_LEAST_ROOM: Final = 1024
_MOST_DROPPED: Final = 0.25
"""Share of dropped lines from which the table is written anew."""
_MOST_NEWER: Final = 1.1
"""So many times the lines that are sorted by people there may be before they are sorted again."""


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
        keys = (self.table["who"][live].astype(np.int64) << _SHIFT) | self.table["what"][live]
        self._lines = dict(zip(keys.tolist(), live.tolist(), strict=True))
        self._crowd = np.zeros(max(_LEAST_ROOM, 2 * len(self.values)), dtype=np.int32)
        np.add.at(self._crowd, self.table["what"][live], 1)
        self._make_room(self.table)
        self.edition = object()
        self._sorted = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)
        self._owned: dict[int, int] = {}
        for key in keys.tolist():
            self._count(key >> _SHIFT, key & 0xFFFF_FFFF, 1)

    def __len__(self) -> int:
        return len(self._lines)

    def days(self, name: str, kind: int, value: str) -> int:
        """Distinct days on which the person showed the value; 0 if it is not known."""
        # Asked of many events one at a time: the ways to a line are gone here without a call.
        who, what = self._who.get(name), self._what[kind].get(value)
        if who is None or what is None:
            return 0
        line = self._lines.get(who << _SHIFT | what)
        return 0 if line is None else int(self._days[line])

    def last_day(self, name: str, kind: int, value: str) -> int:
        """The last day on which the person showed the value, since 1970; -1 if never."""
        line = self._line(name, kind, value)
        return int(self.table["last_day"][line]) if line >= 0 else -1

    def crowd(self, kind: int, value: str) -> int:
        """How many people are known to show the value."""
        what = self._what[kind].get(value)
        return 0 if what is None else int(self._crowd[what])

    def owned(self, name: str, kind: int) -> int:
        """How many values of one kind the person is known for."""
        who = self._who.get(name)
        return 0 if who is None else self._owned.get(who << 8 | kind, 0)

    def of(self, name: str, kind: int | None = None) -> list[tuple[int, str, np.void]]:
        """A person's facts of one kind or all: kind, value and line."""
        lines = self._mine(self._who.get(name, -1))
        lines = lines[self.table["days"][lines] > 0]
        facts = zip(lines.tolist(), self.table["what"][lines].tolist(), strict=True)
        return [
            (self.kinds[what], self.values[what], self.table[line])
            for line, what in facts
            if kind is None or self.kinds[what] == kind
        ]

    def days_of(self, name: str, kind: int) -> dict[str, int]:
        """By value of a kind the days on which the person showed it."""
        mine = self.table[self._mine(self._who.get(name, -1))]
        shown = zip(mine["what"].tolist(), mine["days"].tolist(), strict=True)
        return {
            self.values[what]: days for what, days in shown if days and self.kinds[what] == kind
        }

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

    def look_up(
        self, who: np.ndarray, kinds: Sequence[int], values: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """For many values at once their numbers, and the lines of the facts; -1 where there is none.

        `who` is the number of each value's person.
        """
        what, line = [known.get for known in self._what], self._lines.get
        things = np.array(
            [what[kind](value, -1) for kind, value in zip(kinds, values, strict=True)], np.int64
        )
        lines = np.full(len(things), -1, dtype=np.int64)
        maybe = np.flatnonzero((things >= 0) & (who >= 0))
        keys = (who[maybe] << _SHIFT) | things[maybe]
        lines[maybe] = [line(key, -1) for key in keys.tolist()]
        return things, lines

    def find(
        self, who: np.ndarray, kinds: Sequence[int], values: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """For many values at once the lines of the facts, -1 where there is none, and the crowds."""
        things, lines = self.look_up(who, kinds, values)
        return lines, self.crowds(things)

    def crowds(self, things: np.ndarray) -> np.ndarray:
        """How many people are known to show each of these values, 0 for number -1."""
        return np.where(things < 0, 0, self._crowd[things])

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
        self.add_all([(name, kind, value, seq, day)], since)

    def add_all(self, facts: Sequence[tuple[str, int, str, int, int]], since: int) -> None:
        """New facts in their order: who, kind, value, the seq of the event that taught it, its day."""
        if not facts:
            return
        who = [self._number_of(fact[0]) for fact in facts]
        what = [self._thing(fact[1], fact[2]) for fact in facts]
        used = len(self.table)
        upto = used + len(facts)
        if upto > len(self._space):
            self._make_room(np.empty(max(_LEAST_ROOM, 2 * used, upto), LINE))
            self._space[:used] = self.table
        fresh = self._space[used:upto]
        fresh["since"], fresh["who"], fresh["what"], fresh["days"] = since, who, what, 1
        fresh["first_seq"] = [fact[3] for fact in facts]
        fresh["last_day"] = [fact[4] for fact in facts]
        self.table = self._space[:upto]
        if len(self.values) > len(self._crowd):
            self._crowd = np.append(self._crowd, np.zeros(len(self.values), np.int32))
        np.add.at(self._crowd, what, 1)
        for line, person, thing in zip(range(used, upto), who, what, strict=True):
            self._lines[person << _SHIFT | thing] = line
            self._count(person, thing, 1)

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
        if len(self.table) - len(self._lines) > _MOST_DROPPED * len(self.table):
            self._compact()

    def drop_oldest(self, name: str, kind: int, most: int) -> None:
        """Drop the person's facts of one kind that were not seen for longest."""
        who, kinds = self._who.get(name, -1), np.array(self.kinds, dtype=np.int64)
        lines = self._mine(who)
        facts = self.table["days"][lines] > 0
        lines = lines[facts & (kinds[self.table["what"][lines]] == kind)]
        oldest = lines[np.argsort(self.table["last_day"][lines], kind="stable")[:most]]
        self._drop(np.sort(oldest))

    def drop(self, name: str, kind: int | None = None, value: str | None = None) -> int:
        """Drop a person's facts, of one kind and value or all of them; how many there were."""
        who = self._who.get(name, -1)
        lines = self._mine(who).tolist()
        if kind is not None:
            lines = [line for line in lines if self.kinds[self.table["what"][line]] == kind]
        if value is not None:
            lines = [line for line in lines if self.values[self.table["what"][line]] == value]
        return len(self._drop(np.array(lines, dtype=np.int64)))

    def _number_of(self, name: str) -> int:
        number = self._who.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    def _thing(self, kind: int, value: str) -> int:
        number = self._what[kind].setdefault(value, len(self.values))
        if number == len(self.values):
            self.kinds.append(kind)
            self.values.append(value)
        return number

    def _make_room(self, space: np.ndarray) -> None:
        """Let the table lie at the beginning of a space."""
        self._space, self._days = space, space["days"]

    def _mine(self, who: int) -> np.ndarray:
        """The lines of a person in order, also those whose facts were dropped.

        Lines are put in the order of people now and then; those that are newer are looked through.
        """
        owners, (people, lines) = self.table["who"], self._sorted
        if len(owners) > _MOST_NEWER * len(lines):
            lines = np.argsort(owners, kind="stable")
            people = owners[lines]
            self._sorted = people, lines
        low, high = people.searchsorted(np.array((who, who + 1), dtype=np.int32))
        newer = np.flatnonzero(owners[len(lines) :] == who) + len(lines)
        return np.concatenate((lines[low:high], newer))

    def _line(self, name: str, kind: int, value: str) -> int:
        who, what = self._who.get(name), self._what[kind].get(value)
        if who is None or what is None:
            return -1
        line: int = self._lines.get(who << _SHIFT | what, -1)
        return line

    def _drop(self, lines: np.ndarray) -> list[tuple[int, str, int]]:
        lines = lines[self.table["days"][lines] > 0]
        gone = []
        for _, _, who, what, last_day, _ in self.table[lines].tolist():
            del self._lines[who << _SHIFT | what]
            self._crowd[what] -= 1
            self._count(who, what, -1)
            gone.append((self.kinds[what], self.values[what], last_day))
        self.table["days"][lines] = 0
        return gone

    def _count(self, who: int, what: int, step: int) -> None:
        key = who << 8 | self.kinds[what]
        self._owned[key] = self._owned.get(key, 0) + step

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
