"""`vaultwatch rules test`: play the tests of rule files, once or at every save, and count them."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.table import Table

from detector import __version__, files, plans, settings
from detector.cli import complaints, output, planning
from detector.manual import Manual
from detector.pipelines import junit, sarif
from detector.rehearsal.coverage import Covered, concerned, coverage
from detector.rehearsal.play import rehearse_all
from detector.rehearsal.verdict import Verdict
from detector.rulebook import sections
from detector.rulebook.mistakes import Mistake
from detector.settings import ConfigError

LOOK_EVERY_S: Final = 0.5


@dataclass(frozen=True)
class _Tested:
    """What came of the tests; `gaps` are the rules that lack one, where that was asked for."""

    built: plans.Built
    verdicts: Sequence[Verdict]
    gaps: Sequence[Covered] = field(default_factory=tuple)

    @property
    def failed(self) -> int:
        return sum(not each.passed for each in self.verdicts)

    @property
    def bad(self) -> bool:
        return bool(self.failed or self.gaps or self.built.mistakes)


def run(args: Namespace) -> int:
    """Play the tests; 1 if one fails, a file has a mistake, or with --coverage a test is missing."""
    config = settings.load(args.config, os.environ)
    if args.watch:
        return _watch(args, config)
    built = _built(args, config)
    tested = _played(args, built, _wanted(args, built))
    _write(args, tested, files.manual(config.reference))
    return 1 if tested.bad else 0


def _built(args: Namespace, config: settings.Settings) -> plans.Built:
    built = planning.build(config, datetime.now(UTC).date(), args.rules)
    complaints.tell(config, built.mistakes)
    return built


def _wanted(args: Namespace, built: plans.Built) -> set[str]:
    """The ids of the rules that are meant. Raises ConfigError."""
    rulebook = built.loaded.rulebook
    if not args.rule:
        return set(rulebook.rules)
    found = set()
    for name in args.rule:
        rule = rulebook.named(name)
        if rule is None:
            msg = f"{name}: no such rule; 'vaultwatch rules list' shows their names"
            raise ConfigError(msg)
        found.add(rule.id)
    return found


def _played(args: Namespace, built: plans.Built, wanted: set[str]) -> _Tested:
    """Play the tests of the rules `wanted` and print each verdict as it comes."""
    rulebook = built.loaded.rulebook
    stories = [each for each in built.loaded.stories if each.rule_id in wanted]
    verdicts = []
    for verdict in rehearse_all(rulebook, stories):
        verdicts.append(verdict)
        _tell(args, rulebook.rules[verdict.story.rule_id].name, verdict)
    gaps = []
    if args.coverage:
        every = [each for each in coverage(rulebook, stories) if each.rule.id in wanted]
        gaps = [each for each in every if each.missing]
        _tell_coverage(args, every)
    tested = _Tested(built, verdicts, gaps)
    if not args.json:
        lacking = f", {len(gaps)} rules lack a test" if gaps else ""
        passed = len(stories) - tested.failed
        sys.stdout.write(f"{passed} passed, {tested.failed} failed{lacking}\n")
    return tested


def _tell(args: Namespace, name: str, verdict: Verdict) -> None:
    if args.json:
        told = {"rule": name, "test": verdict.story.name, "passed": verdict.passed}
        output.as_json(told | {"diff": verdict.diffs})
        return
    sys.stdout.write(f"{'ok  ' if verdict.passed else 'FAIL'} {name}: {verdict.story.name}\n")
    for line in () if verdict.passed else verdict.lines():
        sys.stdout.write(f"       {line}\n")


def _tell_coverage(args: Namespace, every: Sequence[Covered]) -> None:
    """A row for each rule that alerts, those that lack a test first."""
    alerting = sorted(
        (each for each in every if each.rule.raises), key=lambda each: not each.missing
    )
    if args.json:
        for each in alerting:
            counts = {"positive": each.positive, "negative": each.negative}
            counts["look_alike"] = each.look_alike
            output.as_json({"rule": each.rule.name, "missing": each.missing} | counts)
        return
    table = Table("rule", box=None, header_style="bold")
    for name in ("positive", "negative", "look-alike"):
        table.add_column(name, justify="right")
    table.add_column("missing")
    for each in alerting:
        numbers = map(str, (each.positive, each.negative, each.look_alike))
        table.add_row(output.plain(each.rule.name), *numbers, ", ".join(each.missing))
    output.console().print(table)


def _write(args: Namespace, tested: _Tested, manual: Manual) -> None:
    """The files for a pipeline that were asked for."""
    if args.sarif is not None:
        log = sarif.sarif(_results(tested), manual, __version__, Path.cwd())
        output.write_json(args.sarif, log)
    if args.junit is not None:
        output.write_file(args.junit, junit.junit(_suites(tested)))


def _suites(tested: _Tested) -> Iterator[junit.Suite]:
    """The tests of each rule, and whether it lacks one."""
    cases: dict[str, list[junit.Case]] = {}
    for each in tested.verdicts:
        failures = [] if each.passed else [("; ".join(each.diffs), "\n".join(each.lines()))]
        cases.setdefault(each.story.rule_id, []).append(junit.Case(each.story.name, failures))
    for gap in tested.gaps:
        text = f"has no {', no '.join(gap.missing)} test"
        cases.setdefault(gap.rule.id, []).append(junit.Case("coverage", [(text, text)]))
    for rule_id, tried in cases.items():
        rule = tested.built.loaded.rulebook.rules[rule_id]
        yield junit.Suite(rule.name, rule.file, tried)


def _results(tested: _Tested) -> Iterator[sarif.Result]:
    rules = tested.built.loaded.rulebook.rules
    for mistake in tested.built.mistakes:
        yield sarif.Result("mistake", mistake)
    for each in tested.verdicts:
        if not each.passed:
            text = f"test {each.story.name!r} fails: {'; '.join(each.diffs)}"
            file = rules[each.story.rule_id].file
            yield sarif.Result(
                "failing-test", Mistake(file, each.story.line, 1, text, "", sections.TESTS)
            )
    for gap in tested.gaps:
        text = f"{gap.rule.name} has no {', no '.join(gap.missing)} test"
        yield sarif.Result("missing-test", Mistake(gap.rule.file, 1, 1, text, "", sections.TESTS))


def _watch(args: Namespace, config: settings.Settings) -> int:
    """Play all, then at every save what the saved files concern, until ^C."""
    before: dict[str, str] | None = None
    while True:
        texts = planning.texts(config, args.rules).rules
        changed = {name for name, text in texts.items() if (before or {}).get(name) != text}
        gone = set(before or ()) - set(texts)
        if before is None or changed or gone:
            built = _built(args, config)
            wanted = _wanted(args, built)
            if before is not None:
                wanted &= concerned(built.loaded.rulebook, changed)
                sys.stdout.write(f"\nsaved: {', '.join(sorted(changed | gone))}\n")
            _played(args, built, wanted)
            sys.stdout.flush()
        before = dict(texts)
        time.sleep(LOOK_EVERY_S)
