"""Files of expected firings: which rule must match which event, or so many events of a file.

A folder is read as SigmaHQ's regression data: an `info.yml` names the rules that match the event
file beside it. A file has one JSON object a line: what a backtest wrote before (`rule.id` and
`where`), or `rule`, `file` and, if it matters, `matches`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

import msgspec
import yaml

from detector.sources.lines import ReplayError, lines

INFO: Final = "info.yml"
Firings = Mapping[str, Counter[tuple[str, int]]]
"""By rule id how often it matched which file and line."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """A rule must match an event (`line` of `file`), or `matches` events of a file; null: any."""

    rule_id: str
    file: str
    line: int | None = None
    matches: int | None = None


@dataclass(frozen=True, slots=True)
class Surprise:
    """An expectation that was not met, or a match that nothing expected; `text` says which."""

    rule_id: str
    file: str
    line: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many expectations were met, which were not, and which rules are not here to meet them."""

    met: int
    surprises: tuple[Surprise, ...]
    absent: frozenset[str]


def read_expectations(path: Path) -> tuple[Expectation, ...]:
    """What is expected. Raises ReplayError."""
    found = tuple(_of_folder(path) if path.is_dir() else _of_file(path))
    if not found:
        msg = f"{path}: expects nothing; a folder needs files named {INFO}, a file JSON lines"
        raise ReplayError(msg)
    return found


def judge(expected: tuple[Expectation, ...], firings: Firings, here: Set[str]) -> Verdict:
    """Compare what fired with what was expected of the rules that are here."""
    absent = frozenset(each.rule_id for each in expected) - here
    mine = [each for each in expected if each.rule_id not in absent]
    surprises = [each for one in mine if (each := _missed(one, firings)) is not None]
    met = len(mine) - len(surprises)
    named = {(one.rule_id, one.file, one.line) for one in mine if one.line is not None}
    if named:
        surprises += _unexpected(named, firings)
    return Verdict(met, tuple(surprises), absent)


def _missed(one: Expectation, firings: Firings) -> Surprise | None:
    fired = firings.get(one.rule_id, Counter())
    if one.line is not None:
        if (one.file, one.line) in fired:
            return None
        return Surprise(one.rule_id, one.file, one.line, "did not match")
    count = sum(times for (file, _), times in fired.items() if _is_same(file, one.file))
    if count == one.matches or (one.matches is None and count):
        return None
    wanted = "one at least" if one.matches is None else f"{one.matches}"
    return Surprise(one.rule_id, one.file, None, f"{count} matches in place of {wanted}")


def _unexpected(named: Set[tuple[str, str, int]], firings: Firings) -> Iterator[Surprise]:
    for rule, fired in firings.items():
        for file, line in fired:
            if (rule, file, line) not in named:
                yield Surprise(rule, file, line, "matched, which was not expected")


def _is_same(file: str, told: str) -> bool:
    """Whether a file is the one that is told, which may leave out the folders before it.

    >>> _is_same("/data/a/b.json", "a/b.json"), _is_same("/data/ab.json", "b.json")
    (True, False)
    """
    parts, tail = PurePath(file).parts, PurePath(told).parts
    return parts[-len(tail) :] == tail


def _of_folder(path: Path) -> Iterator[Expectation]:
    for info in sorted(path.rglob(INFO)):
        try:
            told = yaml.safe_load(info.read_text("utf-8"))
            rules = [str(each["id"]).lower() for each in told["rule_metadata"]]
            for test in told.get("regression_tests_info", ()):
                name = str(PurePath(info.parent.name, PurePath(test["path"]).stem + ".json"))
                for rule in rules:
                    yield Expectation(rule, name, None, test.get("match_count"))
        except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
            msg = f"{info}: not the form of SigmaHQ's regression data: {_first(error)}"
            raise ReplayError(msg) from error


def _of_file(path: Path) -> Iterator[Expectation]:
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        try:
            yield _expectation(msgspec.json.decode(line, type=dict[str, Any]))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            msg = f"{path}:{number}: no expected firing: {_first(error)}"
            raise ReplayError(msg) from error


def _expectation(told: Mapping[str, Any]) -> Expectation:
    rule = told["rule"]
    identity = str(rule["id"] if isinstance(rule, dict) else rule).lower()
    if "where" in told:
        file, _, line = told["where"].rpartition(":")
        return Expectation(identity, file, int(line))
    matches = told.get("matches")
    return Expectation(identity, str(told["file"]), None, None if matches is None else int(matches))


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
