"""The catalogue of loaded rules as a page in Markdown: what each is for, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from detector.correlations.firings import span_of
from detector.rehearsal.coverage import Covered, coverage
from detector.rule import Rule
from detector.rulebook import attack, explaining
from detector.rulebook.book import BehaviorRule, CorrelationRule, Match, RiskRule, Rulebook
from detector.rulebook.conditions import tests
from detector.rulebook.loaded import Loaded

HEAD: Final = """# The rules

Made by `vaultwatch rules docs rules` of the rule files; a test keeps the page of the shipped ones fresh.
Rules stand under their first tactic of ATT&CK, the worst first; the building blocks, which never alert by
themselves, stand at the end. Of the tests, a look-alike is something innocent that looks like the real thing.
"""
OTHER: Final = "Other"
"""Where rules stand that name no tactic."""
LONGEST: Final = 160
"""Characters of a condition that is told in full."""
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|#])")

Entry = Match | CorrelationRule | BehaviorRule | RiskRule


def page(loaded: Loaded) -> str:
    """The page."""
    book = loaded.rulebook
    every: list[Entry] = [*book.matches, *book.correlations, *book.behaviors, *book.risks]
    entries = {entry.rule.id: entry for entry in every}
    counted = coverage(book, loaded.stories)
    parts = _by_tactic([each for each in counted if each.rule.raises])
    blocks = [each.rule for each in counted if not each.rule.raises]
    lines = [HEAD, *_overview(parts)]
    for tactic, rules in parts.items():
        lines += [f"## {tactic}", ""]
        for each in rules:
            lines += _section(each, _looks_at(entries[each.rule.id], book))
    return "\n".join([*lines, *_blocks(blocks, entries, book)])


def _by_tactic(counted: list[Covered]) -> dict[str, list[Covered]]:
    """The rules of each tactic, by name of the tactic, the worst first."""
    parts: dict[str, list[Covered]] = {}
    for each in counted:
        parts.setdefault(_tactic(each.rule), []).append(each)
    for rules in parts.values():
        rules.sort(key=lambda each: (-each.rule.level.rank, each.rule.title))
    return {name: parts[name] for name in sorted(parts, key=lambda name: (name == OTHER, name))}


def _tactic(rule: Rule) -> str:
    found = attack.tactic(rule.tags)
    return OTHER if found is None else found.replace("-", " ").capitalize()


def _overview(parts: Mapping[str, list[Covered]]) -> Iterator[str]:
    yield "| tactic | level | rule | tests |"
    yield "|---|---|---|---|"
    for tactic, rules in parts.items():
        for each in rules:
            total = each.positive + each.negative + each.look_alike
            yield f"| {tactic} | {each.rule.level} | {_said(each.rule.title)} | {total} |"
    yield ""


def _section(each: Covered, looks_at: str) -> Iterator[str]:
    """One rule: who it is, what it says, what may be harmless and what to do."""
    rule = each.rule
    status = "" if rule.status == "stable" else f", {rule.status}"
    yield f"### {_said(rule.title)}\n"
    yield (
        f"`{rule.name}`, {rule.level}{status}; tests: {each.positive} positive, "
        f"{each.negative} negative, {each.look_alike} look-alike\n"
    )
    if rule.description:
        yield f"{_said(rule.description)}\n"
    yield f"Looks at {looks_at}.\n"
    if rule.falsepositives:
        yield f"Can be harmless: {'; '.join(map(_said, rule.falsepositives))}.\n"
    for number, step in enumerate(rule.runbook, 1):
        yield f"{number}. {_said(step)}"
    if rule.runbook:
        yield ""


def _blocks(rules: list[Rule], entries: Mapping[str, Entry], book: Rulebook) -> Iterator[str]:
    if not rules:
        return
    yield "## Building blocks\n"
    yield "| name | what it is | looks at |"
    yield "|---|---|---|"
    for rule in rules:
        looks_at = _looks_at(entries[rule.id], book)
        yield f"| `{rule.name}` | {_said(rule.title)} | {looks_at} |"
    yield ""


def _looks_at(entry: Entry, book: Rulebook) -> str:
    match entry:
        case Match():
            source = _names(entry.feeds) or "events of other products"
            return f"{source}: {_asks(entry)}"
        case CorrelationRule():
            span = span_of(entry.logic.span // 1_000_000)
            by = f" by {_names(entry.logic.keys)}" if entry.logic.keys else ""
            return f"`{entry.logic.kind}` of {_bases(entry, book)} within {span}{by}"
        case BehaviorRule():
            kind, keys = entry.behavior.model_dump()["type"], entry.behavior.group_by
            return f"`{kind}` of {_bases(entry, book)} by {_names(keys)}"
        case RiskRule():
            whose = _bases(entry, book) if entry.logic.rules else "all rules that alert"
            return f"`entity_risk` of what {whose} found, by {_names(entry.logic.group_by)}"


def _asks(entry: Match) -> str:
    """The condition, or only its fields where that is long, or where it holds a site's own values."""
    words = " ".join(explaining.sentence(entry.own).replace("`", "'").split())
    if len(words) <= LONGEST and "|expand" not in repr(entry.written):
        return "`{}`".format(words.replace("|", "\\|"))
    return _names(dict.fromkeys(test.field or "any text" for test in tests(entry.own)))


def _bases(entry: CorrelationRule | BehaviorRule | RiskRule, book: Rulebook) -> str:
    return _names(book.rules[base].name for base in entry.bases if base in book.rules)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _said(text: str) -> str:
    """Anybody's words on one line, nothing of them markup."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
