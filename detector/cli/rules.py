"""`vaultwatch rules`: list and show the rules."""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from detector import files, plans, settings
from detector.cli import complaints, output, planning
from detector.rule import Rule
from detector.rulebook import attack, documents
from detector.settings import ConfigError


def run(args: Namespace) -> int:
    """Dispatch to the verb."""
    if args.verb == "schema":
        return _schema()
    config = settings.load(args.config, os.environ)
    if args.verb == "export":
        return _export(args, config)
    built = planning.build(config, datetime.now(UTC).date(), args.rules)
    complaints.tell(config, built.mistakes)
    done = _list(args, built) if args.verb == "list" else _show(args, config, built)
    return max(done, 1 if built.mistakes else 0)


def _schema() -> int:
    """What a rule file may say, for editors."""
    from detector.rule_types import reference
    from detector.rulebook import file_schema

    whole = file_schema.schema(reference.schema())
    sys.stdout.write(json.dumps(whole, indent=2) + "\n")
    return 0


def _export(args: Namespace, config: settings.Settings) -> int:
    """Write the rule files as other Sigma tools read them, with a pipeline for the field names."""
    from detector.rulebook import elsewhere

    texts = files.rule_files(args.rules) if args.rules else files.rules(config.paths.rules)
    written = {Path(path): text for path, text in elsewhere.exported(texts).items()}
    if args.out.is_dir() and any(args.out.iterdir()):
        msg = f"{args.out}: is not empty"
        raise ConfigError(msg)
    try:
        for path, text in {**written, Path(elsewhere.PIPELINE): elsewhere.pipeline()}.items():
            place = args.out / (path.name if path.is_absolute() else path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8")
    except OSError as error:
        msg = f"{args.out}: cannot be written: {error.strerror}"
        raise ConfigError(msg) from error
    sys.stdout.write(f"{len(written)} files and {elsewhere.PIPELINE} are in {args.out}\n")
    return 0


def _list(args: Namespace, built: plans.Built) -> int:
    rules = sorted(
        built.loaded.rulebook.rules.values(), key=lambda rule: (-rule.level.rank, rule.title)
    )
    if args.attack:
        return _attack(args, rules)
    if args.json:
        for rule in rules:
            output.as_json(_fields(rule))
        return 0
    table = Table("level", "name", "title", "alerts", "status", box=None, header_style="bold")
    for rule in rules:
        table.add_row(
            rule.level, rule.name, rule.title, "yes" if rule.raises else "no", rule.status
        )
    output.console().print(table)
    _list_filters(built)
    return 0


def _attack(args: Namespace, rules: Sequence[Rule]) -> int:
    """The techniques of ATT&CK, and which rules that alert look for each."""
    found: dict[str, list[str]] = {}
    for rule in (each for each in rules if each.raises):
        for name in filter(None, map(attack.technique, rule.tags)):
            found.setdefault(name, []).append(rule.name)
    table = Table("technique", "rules", box=None, header_style="bold")
    for name in sorted(found):
        if args.json:
            output.as_json({"technique": name, "rules": found[name]})
        table.add_row(name, output.plain(", ".join(found[name])))
    if not args.json:
        output.console().print(table)
    return 0


def _list_filters(built: plans.Built) -> None:
    """The exceptions, and what is about to end or has ended."""
    table = Table("exception", "rules", "expires", box=None, header_style="bold")
    for entry in built.loaded.exemptions:
        until = "never" if entry.expires is None else str(entry.expires)
        table.add_row(
            escape(entry.title), escape(entry.rules), f"{until} (expired)" if entry.over else until
        )
    if table.row_count:
        output.console().print("")
        output.console().print(table)
    for warning in built.loaded.warnings:
        if warning.text.startswith("expires:"):
            sys.stderr.write(f"warning: {warning}\n")


def _show(args: Namespace, config: settings.Settings, built: plans.Built) -> int:
    rule = built.loaded.rulebook.named(args.rule)
    if rule is None:
        msg = f"{args.rule}: no such rule; 'vaultwatch rules list' shows their names"
        raise ConfigError(msg)
    if args.json:
        output.as_json(_fields(rule))
        return 0
    if args.yaml:
        sys.stdout.write(
            "---\n".join(_documents(rule.id, planning.texts(config, args.rules).rules))
        )
        return 0
    terminal = output.console()
    title, description = escape(rule.title), escape(rule.description)
    terminal.print(f"[bold]{title}[/bold] ({rule.level}, {rule.status})", description, sep="\n")
    for name, lines in (
        ("tags", rule.tags),
        ("can be harmless", rule.falsepositives),
        ("what to do", rule.runbook),
        ("references", rule.references),
    ):
        if lines:
            terminal.print(f"\n{name}:")
            for line in lines:
                terminal.print(f"  - {line}", markup=False)
    terminal.print(f"\n{rule.name} {rule.id} {rule.file}", style="dim", markup=False)
    return 0


def _documents(identity: str, texts: Mapping[str, str]) -> Iterator[str]:
    """The documents with an id as they are written, each with its place: shipped, and what changes it."""
    named = re.compile(rf"^id: *['\"]?{identity}\b", re.MULTILINE | re.IGNORECASE)
    for path, text in texts.items():
        for line, chunk in documents.chunks(text):
            if named.search(chunk):
                yield f"# {path}:{line + 1}\n{chunk.removeprefix('---').strip()}\n"


def _fields(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id, "name": rule.name, "title": rule.title, "level": rule.level,
        "status": rule.status, "raises": rule.raises, "tags": rule.tags, "file": rule.file,
        "description": rule.description, "runbook": rule.runbook,
    }  # fmt: skip
