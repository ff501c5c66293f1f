"""Silences that mean nothing yet: no rule, tag or account is called what their matchers say.

They are doubted and not refused: a rule may arrive from the repository later, and a silence that waits
for it is then right. A level that there is not is refused (`delivery.silences`): none will ever come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from detector.delivery.silences import Matcher
from detector.rule import Rule
from detector.rulebook.mistakes import did_you_mean, quoted
from detector.troubles import TITLES

_WHAT: Final = {"rule": "rule", "tag": "tag of a rule", "account": "account"}


@dataclass(frozen=True, slots=True)
class Known:
    """The words that alerts can bear now, by the field of a matcher; and rules by their title."""

    words: Mapping[str, frozenset[str]]
    titles: Mapping[str, str]


def known(rules: Iterable[Rule], accounts: Iterable[str]) -> Known:
    """What the rules and the accounts of a configuration are called, and alerts about ourselves."""
    every = list(rules)
    names = {word for rule in every for word in (rule.name, rule.id)} | {*map(str, TITLES)}
    tags = {tag for rule in every for tag in rule.tags}
    words = {"rule": names, "tag": tags, "account": set(accounts)}
    return Known(
        {field: frozenset(found) for field, found in words.items()},
        {rule.title.casefold(): rule.name for rule in every},
    )


def doubt(matcher: Matcher, words: Known) -> str:
    """Why a matcher means nothing, and what was probably meant; empty if it means something."""
    there = words.words.get(matcher.field, frozenset())
    if not there or matcher.names(there):
        return ""
    what = _WHAT[matcher.field]
    is_pattern = "~" in matcher.operator
    said = f"no {what} matches" if is_pattern else f"there is no {what}"
    effect = "excepts nothing" if matcher.is_negative else "holds nothing back"
    titled = words.titles.get(matcher.value.casefold()) if matcher.field == "rule" else None
    fix = f"did you mean {titled!r}?" if titled else ""
    if not fix and not is_pattern:
        fix = did_you_mean(matcher.value, sorted(there))
    line = f"{matcher.field}: {said} {quoted(matcher.value)}; it {effect} until there is one"
    return f"{line}; {fix}" if fix else line
