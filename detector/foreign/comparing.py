"""Our matches beside those of another engine, and the reason of every difference.

A rule's difference is traced to the items of its detection about which the two engines disagree
at that event; a reason is only named where it is one of the known ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from detector.foreign.correlating import Watched
from detector.foreign.reasons import Reason, reason_of
from detector.foreign.sqlite_correlations import Disputed, disputed, ours, theirs
from detector.foreign.sqlite_engine import NotComparable, SqliteEngine
from detector.foreign.stages import Stage, hits
from detector.rulebook.bits import Rows
from detector.rulebook.book import Match
from detector.rulebook.compiling import CompileError, compile_detection
from detector.rulebook.matching import plan

MOST_TRACED: Final = 100
"""Events of one rule and log source whose difference is traced; the others are counted."""
UNEXPLAINED: Final = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One rule and event (`row` of the whole frame) about which two engines disagree.

    `ours` is what we say. `item` is the part of the detection that they read differently, as in
    `Image|endswith`, `value` what the event has there, `reason` why; empty if nobody knows.
    """

    rule_id: str
    row: int
    ours: bool
    item: str = ""
    value: Any = None
    reason: str = UNEXPLAINED


@dataclass
class Comparison:
    """What came of the comparison, rule by rule and event by event."""

    compared: set[str] = field(default_factory=set)
    same: int = 0
    """Pairs of a rule and an event that both engines match."""
    differences: list[Difference] = field(default_factory=list)
    untraced: int = 0
    """Differences beyond the first of each rule and log source, whose reason was not looked for."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Rules that the other engine cannot run, by id, and why."""
    same_windows: int = 0
    """Windows of correlations that hold in both engines."""
    windows: list[Disputed] = field(default_factory=list)

    @property
    def unexplained(self) -> list[Difference]:
        """The matches that differ for no known reason."""
        return [each for each in self.differences if each.reason == UNEXPLAINED]

    @property
    def different(self) -> int:
        """How many matches and windows differ."""
        return len(self.differences) + self.untraced + len(self.windows)

    @property
    def unknown(self) -> int:
        """How many of them have no known reason."""
        untied = sum(not each.tied for each in self.windows)
        return len(self.unexplained) + self.untraced + untied

    @property
    def reasons(self) -> Mapping[Reason, int]:
        """How many differences each known reason explains, most first."""
        found = Counter(Reason(each.reason) for each in self.differences if each.reason)
        found[Reason.TIES] = sum(each.tied for each in self.windows)
        return {reason: count for reason, count in found.most_common() if count}


def compare(
    matches: Iterable[Match], on: Sequence[Stage], advance: Callable[[int], None]
) -> Comparison:
    """Run the rules in both engines, one log source after the other; `advance` is told how many.

    Raises NotComparable if the other engine is not installed.
    """
    rules = {each.rule.id: each for each in matches}
    found = Comparison()
    for done, stage in enumerate(on, 1):
        able = [each for each in rules.values() if stage.takes(each)]
        if able:
            _one_stage(found, able, stage)
        advance(done)
    return found


def compare_correlations(found: Comparison, watched: Watched) -> None:
    """Let SQLite count what the correlations were shown, and note where they differ."""
    shown = watched.shown
    for entry in shown.entries if shown else ():
        assert shown is not None
        rule = entry.rule
        if not rule.raises:
            continue
        try:
            other = theirs(entry, shown)
        except NotComparable as error:
            found.left_out[rule.id] = str(error)
            continue
        found.compared.add(rule.id)
        found.same_windows += len(other & ours(watched.findings))
        found.windows += disputed(entry, watched, other)


def _one_stage(found: Comparison, able: Sequence[Match], stage: Stage) -> None:
    matched = {match.rule.id: rows for match, _, rows in hits(able, [stage])}
    nothing = np.empty(0, dtype=np.int64)
    other = SqliteEngine(stage.frame, stage.schema)
    try:
        for match in able:
            rule = match.rule.id
            try:
                theirs = _theirs(other, match)
            except NotComparable as error:
                found.left_out[rule] = str(error)
                continue
            found.compared.add(rule)
            mine = matched.get(rule, nothing)
            found.same += len(np.intersect1d(mine, theirs))
            odd = np.setxor1d(mine, theirs)
            found.untraced += max(0, len(odd) - MOST_TRACED)
            if len(odd):
                traced = _Trace(stage, other, match).differences(odd[:MOST_TRACED], mine)
                found.differences += traced
    finally:
        other.close()


def _theirs(other: SqliteEngine, match: Match) -> Rows:
    if match.exceptions:
        raise NotComparable("a filter of ours has a say in it")
    return other.rows(other.query(match.written))


@dataclass(frozen=True)
class _Trace:
    """Looks for the items of one rule about which two engines disagree."""

    stage: Stage
    other: SqliteEngine
    match: Match

    def differences(self, odd: Rows, ours: Rows) -> Iterator[Difference]:
        """The rows that differ, each with the first item and reason that explain it."""
        mine, left = set(ours.tolist()), set(odd.tolist())
        for key, part in parts(self.match.written):
            for row in sorted(left & self._disputed(part)):
                value = self._value(key, row)
                reason = reason_of(key, part, value)
                if reason != UNEXPLAINED:
                    left.discard(row)
                    yield self._difference(row, mine, key, value, reason)
        for row in sorted(left):
            yield self._difference(row, mine, "", None, UNEXPLAINED)

    def _difference(
        self, row: int, mine: set[int], item: str, value: Any, reason: str
    ) -> Difference:
        at = int(self.stage.rows[row])
        return Difference(self.match.rule.id, at, row in mine, item, value, reason)

    def _disputed(self, part: Any) -> set[int]:
        """The rows about which the two engines disagree for one item of the detection."""
        alone = {"part": part, "condition": "part"}
        try:
            theirs = set(self.other.rows(self.other.query(alone)).tolist())
            made = plan(self.stage.schema, {"part": compile_detection(alone)})
        except (NotComparable, CompileError):
            return set()
        ours = next((rows for _, rows in made.hits(self.stage.frame)), ()) if made else ()
        return theirs ^ set(np.asarray(ours, dtype=np.int64).tolist())

    def _value(self, key: str, row: int) -> Any:
        field = key.split("|", maxsplit=1)[0]
        column = self.stage.schema.column(field) if field else None
        return None if column is None else self.stage.frame[column][row]


def parts(detection: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The items of a detection's selections: what each asks, and a selection of it alone.

    >>> list(parts({"s": [{"a|contains": "x"}, {"b": 1}], "k": ["y"], "condition": "s or k"}))
    [('a|contains', {'a|contains': 'x'}), ('b', {'b': 1}), ('', ['y'])]
    """
    for name, selection in detection.items():
        if name != "condition":
            yield from _parts_of(selection)


def _parts_of(selection: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(selection, dict):
        yield from ((key, {key: value}) for key, value in selection.items())
        return
    listed = selection if isinstance(selection, list) else [selection]
    for part in listed:
        if isinstance(part, dict):
            yield from _parts_of(part)
    words = [part for part in listed if not isinstance(part, dict)]
    if words:
        yield "", words
