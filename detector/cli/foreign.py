"""`vaultwatch backtest --events`: rules over other products' events, one match a line."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from detector import files, settings
from detector.cli import complaints, foreign_tables, planning
from detector.foreign import correlating
from detector.foreign.comparing import Comparison, compare, compare_correlations
from detector.foreign.expectations import judge, read_expectations
from detector.foreign.mapping import EventMapping, read_mapping
from detector.foreign.reading import Events, first, read_events
from detector.foreign.reports import Ran, report
from detector.foreign.sqlite_engine import engine
from detector.foreign.stages import evidence, hits, stages
from detector.foreign.telling import Naming, correlation_lines, folded, match_line
from detector.foreign.times import UNKNOWN, microseconds
from detector.rulebook.loaded import Loaded
from detector.settings import ConfigError
from detector.terminal import progress


def backtest(args: Namespace, config: settings.Settings) -> int:
    """Run rules over the events, write every match, and say on the terminal what came of it."""
    if args.compare:
        engine()
    mapping = mapping_of(args.mapping)
    expected = read_expectations(args.expected) if args.expected else None
    loaded = rules_of(args.rules, config)
    complaints.tell(config, loaded.mistakes)
    events = events_of(args.events, mapping)
    raising = [match for match in loaded.rulebook.matches if match.rule.raises]
    naming = Naming(events, mapping.time, mapping.id)
    ran = Ran(loaded, naming, stages(events.frame, mapping), raising)
    found = _found(ran)
    if args.out is None:
        _lines(sys.stdout, found)
    else:
        _write(args.out, found)
    terminal = Console(stderr=True, highlight=False)
    if args.compare:
        ran.comparison = _compared(ran, terminal)
    if expected is not None:
        ran.verdict = judge(expected, ran.firings, set(loaded.rulebook.rules))
    for path in args.report:
        _write(path, [report(ran)])
    foreign_tables.say(terminal, ran)
    return 0 if ran.is_clean else 1


def mapping_of(path: Path | None) -> EventMapping:
    """The mapping of a file; without one, all events are offered to all rules. Raises ConfigError."""
    if path is None:
        return EventMapping()
    mapping, mistakes = read_mapping(str(path), files.read_file(path))
    if mapping is None:
        raise ConfigError("\n".join(map(str, mistakes)))
    return mapping


def rules_of(folder: Path | None, config: settings.Settings) -> Loaded:
    """The rules of a folder alone, or else those of the configuration."""
    texts = files.rule_files(folder) if folder else files.rules(config.paths.rules)
    load = planning.rules_cache(config)
    load = planning.rules_cache(config)
    return load(texts, today=datetime.now(UTC).date(), lists=files.lists(config.paths.lists))


def events_of(path: Path, mapping: EventMapping) -> Events:
    """The events of a file or folder; what is no event is told on the terminal."""
    events = read_events(path, mapping.flatten)
    for file, line, reason in events.flaws:
        sys.stderr.write(f"{file}:{line}: set aside: {reason}\n")
    return events


def _found(ran: Ran) -> Iterator[dict[str, Any]]:
    """One object for each rule and event, in order of log sources, rules and events; at last one
    for each alert of a correlation.
    """
    told: set[tuple[str, int]] = set()
    for match, stage, rows in hits(ran.rules, ran.stages):
        fields = evidence(match, stage, rows)
        for row, has in zip(stage.rows[rows].tolist(), fields, strict=True):
            if (match.rule.id, row) not in told:
                told.add((match.rule.id, row))
                ran.fire(match.rule.id, row)
                yield match_line(match, ran.naming, row, has)
    ran.watched = correlating.watch(ran.loaded.rulebook, ran.stages, _times(ran.naming))
    for finding in ran.watched.findings:
        ran.fire(finding.rule_id, int(finding.event_ids[-1]))
    ran.folds = folded(ran.watched.findings, ran.loaded.rulebook.rules)
    yield from correlation_lines(ran.folds, ran.naming)


def _times(naming: Naming) -> Any:
    """The time of every event, of the first field that it has."""
    frame = naming.events.frame
    columns = [frame[name] for name in naming.time if name in frame.columns]
    return microseconds(first(columns)) if columns else np.full(frame.height, UNKNOWN)


def _compared(ran: Ran, terminal: Console) -> Comparison:
    """The same rules in the other engine, one log source after the other."""
    with progress(terminal, "comparing with SQLite", len(ran.stages)) as advance:
        found = compare(ran.loaded.rulebook.matches, ran.stages, advance)
    compare_correlations(found, ran.watched)
    return found


def _lines(file: Any, found: Iterable[dict[str, Any]]) -> None:
    for each in found:
        file.write(json.dumps(each, ensure_ascii=False, default=str) + "\n")


def _write(path: Path, objects: Iterable[dict[str, Any]]) -> None:
    try:
        with path.open("w", encoding="utf-8") as file:
            _lines(file, objects)
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise ConfigError(msg) from error
