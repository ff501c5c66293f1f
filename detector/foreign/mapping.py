"""Mapping files: which events belong to which Sigma log source, and what their fields are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from detector.rulebook import sections
from detector.rulebook.conditions import Condition
from detector.rulebook.detections import read_detection
from detector.rulebook.documents import Document, Path, read
from detector.rulebook.logsources import LogSource, in_our_words
from detector.rulebook.mistakes import Mistake
from detector.rulebook.placeholders import fill_in
from detector.rulebook.reports import Report

Fields = Mapping[str, tuple[str, ...]]
"""By the name that rules use the names that events use, best first."""
_KEYS: Final = ("title", "time", "id", "flatten", "fields", "sources")
_SOURCE_KEYS: Final = ("logsource", "when", "fields")
_PARTS: Final = ("product", "category", "service", "definition")


@dataclass(frozen=True, slots=True)
class Source:
    """Events of some log sources: those for which `when` holds. No log source stands for any."""

    logsources: tuple[LogSource, ...] = ()
    when: Condition | None = None
    fields: Fields = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The log sources as a person would say them."""
        return ", ".join(map(str, self.logsources)) or "any log source"


@dataclass(frozen=True, slots=True)
class EventMapping:
    """What a mapping file says. `flatten` are parts of events whose fields stand for themselves.

    `time` are the fields that may say when an event happened, `id` those that may name it, best first.
    """

    time: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    flatten: tuple[str, ...] = ()
    fields: Fields = field(default_factory=dict)
    sources: tuple[Source, ...] = (Source(),)


def read_mapping(file: str, text: str) -> tuple[EventMapping | None, tuple[Mistake, ...]]:
    """The mapping of a file; null, and every mistake with its place, if it has any."""
    reading = read(file, text)
    if reading.mistakes:
        return None, reading.mistakes
    if len(reading.documents) != 1:
        return None, (
            Mistake(file, 1, 1, "one mapping a file is expected", "split it", sections.MAPPINGS),
        )
    report = Report(reading.documents[0], about=sections.MAPPINGS)
    report.known_keys((), _KEYS)
    found = EventMapping(
        report.texts(("time",)),
        report.texts(("id",)),
        report.texts(("flatten",)),
        _fields(report, ("fields",)),
        _sources(report),
    )
    return (None if report.broken else found), tuple(sorted(report.mistakes))


def _fields(report: Report, path: Path) -> Fields:
    told = report.at(path)
    if told is None:
        return {}
    if not isinstance(told, dict):
        report.wrong(path, "not a mapping", "write 'Image: process.executable'")
        return {}
    return {name: report.texts((*path, name)) for name in told}


def _sources(report: Report) -> tuple[Source, ...]:
    told = report.at(("sources",))
    if told is None:
        return (Source(),)
    if not isinstance(told, list) or not told:
        fix = "write '- logsource: {product: windows}' and so on"
        report.wrong(("sources",), "not a list of log sources", fix)
        return ()
    return tuple(_source(report, ("sources", index), each) for index, each in enumerate(told))


def _source(report: Report, path: Path, told: Any) -> Source:
    if not isinstance(told, dict):
        report.wrong(path, "not a mapping", "write 'logsource:', and 'when:' if it is not for all")
        return Source()
    report.known_keys(path, _SOURCE_KEYS)
    return Source(
        _logsources(report, (*path, "logsource")),
        _when(report, (*path, "when")),
        _fields(report, (*path, "fields")),
    )


def _logsources(report: Report, path: Path) -> tuple[LogSource, ...]:
    told = report.at(path)
    if told == "any":
        return ()
    places = [(*path, index) for index in range(len(told))] if isinstance(told, list) else [path]
    found: list[LogSource] = []
    for place in places:
        if not isinstance(report.at(place), dict):
            report.wrong(place, "a log source is needed", "write '{product: windows}', or 'any'")
            continue
        report.known_keys(place, _PARTS)
        product, category, service = (report.text((*place, part)) for part in _PARTS[:3])
        found.append(in_our_words(LogSource(product, category, service)))
    return tuple(found)


def _when(report: Report, path: Path) -> Condition | None:
    """The condition of `when:`, which is a selection as in any Sigma rule."""
    told = report.at(path)
    if told is None:
        return None
    document = report.document
    places = {("detection", "when", *way[len(path) :]): way for way in document.values}
    inner = Document(
        document.file,
        document.place(path),
        {"detection": {"when": told, "condition": "when"}},
        {moved: document.place(way, key=True) for moved, way in places.items()},
        {moved: document.place(way) for moved, way in places.items()},
        {
            moved: document.literals[way]
            for moved, way in places.items()
            if way in document.literals
        },
    )
    selection = Report(inner)
    fill_in(selection, {})
    condition = read_detection(selection, (), "detection")
    report.mistakes.extend(selection.mistakes)
    return condition
