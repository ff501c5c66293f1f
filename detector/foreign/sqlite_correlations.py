"""The same correlations in SQLite by pysigma-backend-sqlite, on the events that base rules match.

Whether a base rule matches is compared elsewhere: here each is one column that says so, and the
group and the values of its events are further columns. So what differs is the counting alone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError

from detector import workhours
from detector.correlations.bounds import Bounds
from detector.correlations.definition import VALUES, Base
from detector.correlations.walks import number_of
from detector.findings import Finding
from detector.foreign.correlating import Shown, Watched
from detector.foreign.sqlite_engine import NotComparable, engine
from detector.rulebook.book import CorrelationRule

MOST_EVENTS: Final = 2_000
"""Events of one correlation that are compared; SQLite joins them with each other."""
MOST_STEPS: Final = 500
"""Millions of steps that SQLite may take for one correlation: some seconds."""
_FAILURES: Final = (SigmaError, sqlite3.Error, TypeError, ValueError, LookupError)
Firing = tuple[str, tuple[str, ...], int]
"""A correlation's id, its group, and the time (microseconds) of the event at which it holds."""


@dataclass(frozen=True, slots=True)
class Disputed:
    """A window that only one of the engines lets hold; `tied`: events of one time are in reach."""

    firing: Firing
    ours: bool
    tied: bool


def ours(findings: Iterable[Finding]) -> set[Firing]:
    """The firings behind our findings; that nothing came is only ours to tell."""
    return {
        (
            each.rule_id,
            tuple(each.evidence["group"].values()),
            workhours.microseconds(each.time),
        )
        for each in findings
        if each.suppressed_by is None and each.evidence["count"]
    }


def theirs(entry: CorrelationRule, shown: Shown) -> set[Firing]:
    """The firings of a correlation in SQLite. Raises NotComparable."""
    needed = tuple(_needed(entry, {each.rule.id: each for each in shown.entries}))
    table = _Table(shown, needed)
    rows = table.rows()
    if len(rows) > MOST_EVENTS:
        raise NotComparable(f"{len(rows):,} events; {MOST_EVENTS:,} are the most")
    exact = {shown.times[row] / 1e6: shown.times[row] for row in rows}
    connection = sqlite3.connect(":memory:")
    left = iter(range(MOST_STEPS))
    connection.set_progress_handler(lambda: int(next(left, None) is None), 1_000_000)
    try:
        table.fill(connection, rows)
        backend = engine()(timestamp_format="unix_us", collate_nocase=False)
        query = str(backend.convert(SigmaCollection.from_dicts(table.documents()))[-1])
        told = connection.execute(query)
        names = [column[0] for column in told.description]
        keys, at = names.index("group_keys"), names.index("occurrence_time")
        group = table.names(entry)
        return {
            (entry.rule.id, table.decoded(json.loads(row[keys]), group), exact[row[at]])
            for row in told
        }
    except _FAILURES as error:
        why = "it takes SQLite too long" if str(error) == "interrupted" else str(error)
        raise NotComparable(" ".join(why.split())) from error
    finally:
        connection.close()


def disputed(entry: CorrelationRule, watched: Watched, found: set[Firing]) -> list[Disputed]:
    """The windows about which the engines disagree, and whether equal times may be why."""
    mine = {each for each in ours(watched.findings) if each[0] == entry.rule.id}
    times = watched.shown.times if watched.shown else ()
    ties = {one for one, other in pairwise(times) if one == other}
    reach = 2 * entry.logic.span
    return [
        Disputed(each, each in mine, any(each[2] - reach <= tie <= each[2] for tie in ties))
        for each in sorted(mine ^ found)
    ]


def _needed(
    entry: CorrelationRule, known: Mapping[str, CorrelationRule]
) -> Iterator[CorrelationRule]:
    """A correlation behind all that it looks at."""
    for base in dict.fromkeys(entry.bases):
        if base in known:
            yield from _needed(known[base], known)
    yield entry


class _Table:
    """The events that some correlations look at, with a column for each rule, group and value."""

    def __init__(self, shown: Shown, entries: Sequence[CorrelationRule]) -> None:
        self._shown = shown
        self._entries = {each.rule.id: each for each in entries}
        pairs = [(rule, base) for rule, each in self._entries.items() for base in each.bases]
        plain = [pair for pair in dict.fromkeys(pairs) if pair[1] not in self._entries]
        self._bases = {pair: f"r{number}" for number, pair in enumerate(plain)}
        self.columns = {
            rule: [f"g{number}_{at}" for at in range(len(each.logic.keys))]
            for number, (rule, each) in enumerate(self._entries.items())
        }
        """The columns of each correlation's group."""
        self._codes: dict[str, int] = {}

    def rows(self) -> list[int]:
        """The rows of the page that any of the rules matches."""
        bases = {base for _, base in self._bases} & self._shown.hits.keys()
        found = [self._shown.hits[base] for base in bases]
        return [] if not found else np.unique(np.concatenate(found)).tolist()

    def fill(self, connection: sqlite3.Connection, rows: Sequence[int]) -> None:
        """Make the table `logs` of those rows. Raises NotComparable."""
        cells: dict[str, list[Any]] = {"timestamp": [self._shown.times[row] for row in rows]}
        for rule, entry in self._entries.items():
            groups = [self._group(entry, row) for row in rows]
            for at, name in enumerate(self.columns[rule]):
                cells[name] = [group[0][at] if group else None for group in groups]
            cells[self._value(rule)] = [group[1] if group else None for group in groups]
            counts = [_counts(entry, group) for group in groups]
            for base in set(entry.bases) - self._entries.keys():
                hit = np.isin(rows, self._shown.hits.get(base, np.empty(0, np.int64)))
                cells[self._bases[rule, base]] = (hit & counts).astype(int).tolist()
        connection.execute(f"CREATE TABLE logs ({', '.join(cells)})")
        marks = ", ".join("?" * len(cells))
        connection.executemany(
            f"INSERT INTO logs VALUES ({marks})",  # noqa: S608
            zip(*cells.values(), strict=True),
        )

    def documents(self) -> list[dict[str, Any]]:
        """The rules as Sigma documents over the table. Raises NotComparable."""
        found = [
            {
                "title": name,
                "name": name,
                "logsource": {"product": "any"},
                "detection": {"matched": {name: 1}, "condition": "matched"},
            }
            for name in self._bases.values()
        ]
        return [*found, *map(self._document, self._entries.values())]

    def _value(self, rule: str) -> str:
        return f"v{list(self._entries).index(rule)}"

    def _group(self, entry: CorrelationRule, row: int) -> tuple[list[int], Any] | None:
        """Group and value of an event, which must be the same for all base rules that match it."""
        told = [
            ([self._shown.columns[name][row] for name in base.keys],
             [self._shown.columns[name][row] for name in base.values])
            for base in entry.logic.bases
            if not base.grouped and row in self._shown.hits.get(base.rule_id, ())
        ]  # fmt: skip
        if any(each != told[0] for each in told):
            raise NotComparable("its rules give one event different groups or values")
        if not told or any(each in {None, ""} for each in told[0][0]):
            return None
        keys, values = told[0]
        group = [self._code(str(key)) for key in keys]
        if not values or None in values:
            return group, None
        if entry.logic.kind == "value_count":
            return group, self._code(VALUES.join(map(str, values)))
        return group, number_of(values[0])

    def _code(self, text: str) -> int:
        """A number in place of a text: SQLite would take texts of another case for the same."""
        return self._codes.setdefault(text, len(self._codes))

    def decoded(self, group: Mapping[str, int], names: Iterable[str]) -> tuple[str, ...]:
        """The texts of a group whose parts are called so."""
        texts = list(self._codes)
        return tuple(texts[group[name]] for name in names)

    def names(self, entry: CorrelationRule) -> list[str]:
        """What the parts of a group are called: columns, or aliases where rules call them so."""
        columns = self.columns[entry.rule.id]
        return [f"alias_{name}" for name in columns] if _looks_below(entry) else columns

    def _document(self, entry: CorrelationRule) -> dict[str, Any]:
        """A correlation over the columns of the table."""
        logic, names, grouped = entry.logic, self.names(entry), _looks_below(entry)
        aliases = {
            name: {
                self._called(entry, base.rule_id): self._place(entry, base, at)
                for base in logic.bases
            }
            for at, name in enumerate(names)
        }
        correlation = {
            "type": logic.kind,
            "rules": [self._called(entry, base) for base in entry.bases],
            "timespan": f"{logic.span // 1_000_000}s",
            "group-by": names,
            "aliases": aliases if grouped else {},
            "condition": _asked(entry, self._value(entry.rule.id)),
        }
        told = {key: value for key, value in correlation.items() if value}
        return {"title": "correlation", "id": entry.rule.id, "correlation": told}

    def _called(self, entry: CorrelationRule, base: str) -> str:
        return self._bases.get((entry.rule.id, base), base)

    def _place(self, entry: CorrelationRule, base: Base, at: int) -> str:
        """The column in which a base rule's events or findings have a part of the group."""
        if not base.grouped:
            return self.columns[entry.rule.id][at]
        below = self._entries[base.rule_id]
        return self.columns[base.rule_id][below.logic.keys.index(base.keys[at])]


def _counts(entry: CorrelationRule, group: tuple[list[int], Any] | None) -> bool:
    """Whether an event counts: SQLite would look at a window where one without a value comes."""
    return group is not None and (group[1] is not None or not entry.logic.counted)


def _looks_below(entry: CorrelationRule) -> bool:
    return any(base.grouped for base in entry.logic.bases)


def _asked(entry: CorrelationRule, value: str) -> dict[str, Any]:
    """The condition of a correlation. Raises NotComparable."""
    logic = entry.logic
    asked: dict[str, Any] = {}
    if isinstance(logic.asked, Bounds):
        asked = {} if logic.kind == "temporal_ordered" else dict(logic.asked.pairs)
    elif logic.asked.accepted != {2 ** len(logic.bases) - 1}:
        raise NotComparable("a condition over its rules that is not all of them")
    if len(asked) > 1:
        raise NotComparable("a range; pySigma takes one bound")
    if logic.counted is not None:
        asked["field"] = value
    if logic.kind == "value_percentile":
        asked["percentile"] = logic.percent
    return asked
