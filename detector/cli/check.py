"""`vaultwatch check`: configuration, rules, models, people, networks, templates and silences, all mistakes at once."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from detector import __version__, doubts, files, plans, settings, silence_files
from detector.cli import complaints, output, planning
from detector.delivery.digests import plural
from detector.manual import Manual
from detector.pipelines import junit, sarif
from detector.rule_cache import RuleCache
from detector.rulebook import sections
from detector.rulebook.mistakes import Mistake
from detector.settings import ConfigError


def run(args: Namespace) -> int:
    """Print every mistake with file, line, column and fix; 0 if there is none."""
    config = settings.load(args.config, os.environ)
    if args.rules is not None and not files.own_rules(args.rules):
        msg = f"{args.rules}: holds no rule files; their names end in .yml or .yaml"
        raise ConfigError(msg)
    texts = files.texts(config.paths, timezone=config.timezone, own_rules=args.rules)
    cache = planning.rules_cache(config)
    built = plans.build(texts, datetime.now(UTC).date(), cache)
    wrong, odd = list(built.mistakes), list(built.loaded.warnings)
    if args.rules is None:
        silences = _silences(config, built)
        wrong += [*_templates(config), *silences.mistakes]
        odd += silences.warnings
    manual = files.manual(config.reference)
    _write(args, texts.rules, manual, (wrong, odd))
    documents, loaded = _counts(built, texts, args.rules, cache)
    if args.json:
        shown = {
            "rules": documents,
            "loaded": loaded,
            "errors": [_fields(each, manual) for each in wrong],
            "warnings": [_fields(each, manual) for each in odd],
        }
        output.as_json(shown | _exceptions_and_changes(built))
    else:
        for overlay in built.loaded.overlays:
            sys.stdout.write(f"{overlay}\n")
        complaints.tell(config, wrong, odd)
        words = plural(len(wrong), "mistake") if wrong else "no mistakes"
        sys.stdout.write(f"{documents} rules found, {loaded} loaded, {words}\n")
    return 1 if wrong else 0


def _exceptions_and_changes(built: plans.Built) -> dict[str, object]:
    """The filters, and the shipped rules that the user's own files change."""
    return {
        "filters": [
            {
                "title": each.title,
                "rules": each.rules,
                "expires": str(each.expires) if each.expires else None,
                "expired": each.over,
                "file": each.file,
            }
            for each in built.loaded.exemptions
        ],
        "overlays": [
            {
                "rule": each.rule,
                "place": each.place,
                "changes": each.changes,
                "base": each.base,
                "written_for": each.written_for or None,
            }
            for each in built.loaded.overlays
        ],
    }


def _write(
    args: Namespace,
    rules: Iterable[str],
    manual: Manual,
    found: tuple[Sequence[Mistake], Sequence[Mistake]],
) -> None:
    """The files for a pipeline that were asked for; `found` are mistakes and warnings."""
    mistakes, warnings = found
    if args.sarif is not None:
        results = [sarif.Result("mistake", each) for each in mistakes]
        results += [sarif.Result("warning", each) for each in warnings]
        output.write_json(args.sarif, sarif.sarif(results, manual, __version__, Path.cwd()))
    if args.junit is not None:
        named: dict[str, list[tuple[str, str]]] = {file: [] for file in rules}
        for each in mistakes:
            long = f"{each}\nread on: {manual.link(each.about)}"
            named.setdefault(each.file, []).append((each.text, long))
        suites = [
            junit.Suite(file, file, [junit.Case(file, failures)])
            for file, failures in named.items()
        ]
        output.write_file(args.junit, junit.junit(suites))


def _counts(
    built: plans.Built, texts: plans.Texts, folder: Path | None, load: RuleCache
) -> tuple[int, int]:
    """Documents found and loaded; of the named folder only, without the shipped base rules."""
    loaded = built.loaded
    if folder is None:
        return loaded.documents, loaded.loaded
    theirs = files.own_rules(folder)
    base = load(
        {name: text for name, text in texts.rules.items() if name not in theirs}, lists=texts.lists
    )
    return loaded.documents - base.documents, loaded.loaded - base.loaded


def _templates(config: settings.Settings) -> list[Mistake]:
    from detector.rendering import check_templates

    found = check_templates(files.templates(config.paths.templates))
    return [
        Mistake(each.file, each.line or 1, 1, each.text, "", sections.TEMPLATES) for each in found
    ]


def _silences(config: settings.Settings, built: plans.Built) -> silence_files.Read:
    path = config.paths.silences
    if path is None:
        return silence_files.Read((), ())
    words = doubts.known(built.plan.rulebook.rules.values(), (each.name for each in config.sources))
    return silence_files.read(str(path), files.read_file(path), datetime.now(UTC), words)


def _fields(mistake: Mistake, manual: Manual) -> dict[str, object]:
    return {
        "file": mistake.file,
        "line": mistake.line,
        "column": mistake.column,
        "text": mistake.text,
        "fix": mistake.fix,
        "link": manual.link(mistake.about),
    }
