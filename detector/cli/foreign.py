"""`vaultwatch backtest --events`: rules over other products' events, one match a line."""

from __future__ import annotations

import hashlib
import json
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from detector import files, settings
from detector.foreign.mapping import EventMapping, read_mapping
from detector.foreign.reading import FILE, LINE, Events, read_events
from detector.foreign.stages import Stage, evidence, hits, stages
from detector.rulebook.book import Match
from detector.rulebook.loading import Loaded, load
from detector.rulebook.matching import Rows
from detector.settings import ConfigError


def backtest(args: Namespace, config: settings.Settings) -> int:
    """Run rules over the events, write every match, and say on the terminal what came of it."""
    mapping = mapping_of(args.mapping)
    loaded = rules_of(args.rules, config)
    for mistake in loaded.mistakes:
        sys.stderr.write(f"{mistake}\n")
    events = events_of(args.events, mapping)
    there = stages(events.frame, mapping)
    raising = [match for match in loaded.rulebook.matches if match.rule.raises]
    counts: Counter[str] = Counter()
    found = _matches(hits(raising, there), events, mapping, counts)
    if args.out is None:
        _lines(sys.stdout, found)
    else:
        _write(args.out, found)
    if args.report is not None:
        _write(args.report, [_report(loaded, (events, there), raising, counts)])
    _say(Console(stderr=True, highlight=False), (events, there), raising, counts)
    return 1 if loaded.mistakes else 0


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
    texts = files.read_folder(folder) if folder else files.rules(config.paths.rules)
    return load(texts, today=datetime.now(UTC).date(), lists=files.lists(config.paths.lists))


def events_of(path: Path, mapping: EventMapping) -> Events:
    """The events of a file or folder; what is no event is told on the terminal."""
    events = read_events(path, mapping.flatten)
    for file, line, reason in events.flaws:
        sys.stderr.write(f"{file}:{line}: set aside: {reason}\n")
    return events


def _matches(
    found: Iterable[tuple[Match, Stage, Rows]],
    events: Events,
    mapping: EventMapping,
    counts: Counter[str],
) -> Iterator[dict[str, Any]]:
    """One object for each rule and event, in order of log sources, rules and events."""
    told: set[tuple[str, int]] = set()
    for match, stage, rows in found:
        fields = evidence(match, stage, rows)
        for row, has in zip(stage.rows[rows].tolist(), fields, strict=True):
            if (match.rule.id, row) in told:
                continue
            told.add((match.rule.id, row))
            counts[match.rule.id] += 1
            yield _match(match, _event(events, mapping, row), has)


def _event(events: Events, mapping: EventMapping, row: int) -> dict[str, Any]:
    frame = events.frame
    where = f"{frame[FILE][row]}:{frame[LINE][row]}"
    identity = frame[mapping.id][row] if mapping.id in frame.columns else None
    time = frame[mapping.time][row] if mapping.time in frame.columns else None
    return {"id": where if identity is None else str(identity), "time": time, "where": where}


def _match(match: Match, event: dict[str, Any], has: dict[str, object]) -> dict[str, Any]:
    rule = match.rule
    key = hashlib.sha256(f"{rule.id}\n{event['where']}".encode()).hexdigest()[:26]
    return {
        "id": key,
        "rule": {"id": rule.id, "name": rule.name, "title": rule.title},
        "level": rule.level,
        "log_source": str(match.source),
        "time": event["time"],
        "event_ids": [event["id"]],
        "where": event["where"],
        "summary": rule.title,
        "evidence": has,
        "tags": rule.tags,
    }


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


def _report(
    loaded: Loaded,
    on: tuple[Events, tuple[Stage, ...]],
    rules: list[Match],
    counts: Counter[str],
) -> dict[str, Any]:
    """What loaded, what failed and why, which events each log source had, and what fired."""
    events, there = on
    names = {match.rule.id: match.rule for match in rules}
    return {
        "documents": {"found": loaded.documents, "loaded": loaded.loaded},
        "mistakes": [asdict(mistake) for mistake in loaded.mistakes],
        "events": {"read": events.frame.height, "set_aside": len(events.flaws)},
        "log_sources": [
            {
                "name": stage.source.name,
                "events": len(stage.rows),
                "rules": sum(stage.takes(match) for match in rules),
            }
            for stage in there
        ],
        "rules": {
            "run": len(rules),
            "without_events": sum(
                not any(len(s.rows) and s.takes(m) for s in there) for m in rules
            ),
            "fired": len(counts),
        },
        "fired": [
            {
                "id": rule,
                "title": names[rule].title,
                "level": names[rule].level,
                "matches": count,
            }
            for rule, count in counts.most_common()
        ],
    }


def _say(
    terminal: Console,
    on: tuple[Events, tuple[Stage, ...]],
    rules: list[Match],
    counts: Counter[str],
) -> None:
    events, there = on
    terminal.print(
        f"{events.frame.height:,} events, {len(rules):,} rules, {counts.total():,} matches "
        f"of {len(counts):,} rules"
    )
    for stage in there:
        able = sum(stage.takes(match) for match in rules)
        terminal.print(f"  {len(stage.rows):>9,} events, {able:>5,} rules  {stage.source.name}")
    names = {match.rule.id: match.rule for match in rules}
    for rule, count in counts.most_common():
        terminal.print(f"  {count:>9,}  {names[rule].level:<13} {names[rule].title}", markup=False)
