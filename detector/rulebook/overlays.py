"""Overlays: what the documents of a user change of the shipped pack, rule by rule, by id.

A document with the id of a shipped rule takes its place. Without a key that makes it a rule of its
own (`detection:` and the like) it only changes what it names; all else stays as the pack has it,
also when the pack is updated. `base:` says for which version of the shipped rule it was written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from detector.rulebook import sections
from detector.rulebook.documents import Document, Path
from detector.rulebook.loaded import Overlay
from detector.rulebook.mistakes import quoted
from detector.rulebook.reports import Report
from detector.rulebook.vocabulary import KIND_KEYS, PACK, SIGMA_KEYS

BASE: Final = "base"
CHANGEABLE: Final = frozenset(
    {
        "id", BASE, "enabled", "title", "description", "status", "level", "tags", "falsepositives",
        "references", "author", "date", "modified", "license", "alert", "tests",
    }
)  # fmt: skip
"""The keys of a document that only changes a shipped rule."""
_MERGED: Final = ("alert",)
_ADDED: Final = ("tests",)


@dataclass(frozen=True, slots=True)
class Overlaid:
    """The documents at work, those that are switched off, and what was changed of the pack."""

    at_work: tuple[Report, ...]
    off: tuple[Report, ...]
    overlays: tuple[Overlay, ...]


def overlaid(reports: Sequence[Report]) -> Overlaid:
    """Lay the user's documents over those of the pack; mistakes go to the reports."""
    pack = {_id(report): report for report in reports if _is_shipped(report)}
    taken: dict[str, Report] = {}
    found: list[Overlay] = []
    at_work = {id(report): report for report in reports}
    for own in reports:
        if _is_shipped(own):
            continue
        base = pack.get(_id(own))
        if base is None:
            _check_alone(own)
        elif (first := taken.setdefault(_id(own), own)) is not own:
            text = f"this shipped rule is changed by {_place(first)} too"
            own.is_change = not _is_whole(own)
            own.wrong(("id",), text, "keep one of them", about=sections.OVERLAYS)
        else:
            found.append(_overlay(own, base))
            at_work.pop(id(base))
            if not _is_whole(own):
                at_work[id(own)] = merged = _merged(base, own)
                merged.mistakes += own.mistakes
                merged.warnings += own.warnings
    enabled, off = _parted(at_work.values(), _is_enabled)
    quiet, off = _parted(off, lambda report: _is_needed(report, enabled))
    return Overlaid((*enabled, *quiet), tuple(off), tuple(found))


def _parted(
    reports: Iterable[Report], holds: Callable[[Report], bool]
) -> tuple[list[Report], list[Report]]:
    """Those for which it holds, and the others."""
    parts: tuple[list[Report], list[Report]] = [], []
    for report in reports:
        parts[not holds(report)].append(report)
    return parts


def version(value: Mapping[str, Any]) -> str:
    """A short name for what a document says, whatever its layout, comments and tests."""
    said = {key: each for key, each in value.items() if key != "tests"}
    digest = sha256(json.dumps(said, sort_keys=True, default=str).encode("utf-8", "replace"))
    # A letter first: eight digits alone would be a number to YAML.
    return f"v{digest.hexdigest()[:8]}"


def _is_shipped(report: Report) -> bool:
    return report.document.file.startswith(PACK)


def _id(report: Report) -> str:
    return str(report.at(("id",)) or "").lower()


def _is_whole(report: Report) -> bool:
    return any(kind in report.document.value for kind in KIND_KEYS)


def _check_alone(own: Report) -> None:
    """A document that belongs to no shipped rule must be a rule; it may have been an overlay."""
    if BASE in own.document.value and _is_whole(own):
        own.odd((BASE,), "no shipped rule has this id any more", "delete it, the rule is yours now")
    elif BASE in own.document.value or "enabled" in own.document.value:
        text = (
            f"no shipped rule has the id {quoted(own.at(('id',)))} any more, for it to be changed"
        )
        fix = "delete the document, or find the new id with 'rules list'"
        own.is_change = not _is_whole(own)
        own.wrong(("id",), text, fix, about=sections.OVERLAYS)


def _overlay(own: Report, base: Report) -> Overlay:
    now, then = version(base.document.value), own.text((BASE,))
    if then and then != now:
        text = f"the shipped rule has changed since {then}"
        own.odd((BASE,), text, f"compare {_place(base)} with yours, then write 'base: {now}'")
    keys = () if _is_whole(own) else tuple(key for key in own.document.value if key not in _SILENT)
    name = str(base.at(("name",)) or base.at(("title",)))
    return Overlay(name, _place(own), keys, now, then)


_SILENT: Final = frozenset({"id", BASE})


def _place(report: Report) -> str:
    return f"{report.document.file}:{report.document.start[0]}"


def _merged(base: Report, own: Report) -> Report:
    """The shipped document with what the other one says; each key knows its file and place."""
    for key in own.document.value:
        if key in SIGMA_KEYS.union(*KIND_KEYS.values()) - CHANGEABLE:
            text = "cannot be changed of a shipped rule"
            fix = "write the whole document, which takes its place"
            own.wrong((key,), text, fix, key=True, about=sections.OVERLAYS)
    own.known_keys((), CHANGEABLE.union(SIGMA_KEYS, *KIND_KEYS.values()), about=sections.OVERLAYS)
    value = deepcopy(base.document.value)
    document = Document(
        base.document.file, base.document.start, value, dict(base.document.keys),
        dict(base.document.values), dict(base.document.literals), {},
    )  # fmt: skip
    _lift_tests(value, own)
    for key, told in own.document.value.items():
        if key in _MERGED and isinstance(told, dict) and isinstance(value.get(key), dict):
            value[key] |= told
            for inner in told:
                _take(document, own.document, (key, inner), (key, inner))
        elif key in _ADDED and isinstance(told, list) and isinstance(value.get(key), list):
            for index, each in enumerate(told):
                _take(document, own.document, (key, index), (key, len(value[key])))
                value[key].append(each)
        elif key in CHANGEABLE - _SILENT:
            value[key] = told
            _take(document, own.document, (key,), (key,))
    return Report(document)


def _lift_tests(value: dict[str, Any], own: Report) -> None:
    """Where a shipped test expects the level of its rule, it expects the new one."""
    old, new = value.get("level", "medium"), own.at(("level",))
    tests = value.get("tests")
    for test in tests if new and isinstance(tests, list) else ():
        expect = test.get("expect") if isinstance(test, dict) else None
        if isinstance(expect, dict) and expect.get("level") == old:
            expect["level"] = new


def _take(document: Document, other: Document, source: Path, goal: Path) -> None:
    """Take over the places of a value of another document."""
    document.sources[goal] = other.file
    size = len(source)
    for mine, theirs in ((document.keys, other.keys), (document.values, other.values)):
        mine |= {(*goal, *path[size:]): at for path, at in theirs.items() if path[:size] == source}
    for path in [path for path in document.literals if path[: len(goal)] == goal]:
        del document.literals[path]
    for path, text in other.literals.items():
        if path[:size] == source:
            document.literals[(*goal, *path[size:])] = text


def _is_enabled(report: Report) -> bool:
    """False for what `enabled: false` switches off."""
    enabled = report.document.value.pop("enabled", True)
    if not isinstance(enabled, bool):
        report.wrong(("enabled",), f"{quoted(enabled)} is neither true nor false")
    if enabled is False:
        report.document.value.pop("tests", None)
        report.document.value["alert"] = {**(report.at(("alert",)) or {}), "generate": False}
    return enabled is not False


def _is_needed(report: Report, others: Iterable[Report]) -> bool:
    """Whether another document names the rule, so that it must go on, and only falls silent."""
    names = [re.escape(str(name)) for key in ("name", "id") if (name := report.at((key,)))]
    asked = re.compile(rf"(?<![\w-])(?:{'|'.join(names)})(?![\w-])")
    return _is_whole(report) and any(
        asked.search(str(other.document.value.get(kind))) for other in others for kind in KIND_KEYS
    )
