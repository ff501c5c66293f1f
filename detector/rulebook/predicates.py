"""Tests of single texts as functions: those that no pattern decides."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

from detector.rulebook.addresses import inside
from detector.rulebook.conditions import Kind, Literal, Test
from detector.rulebook.globs import shaped
from detector.rulebook.literals import folded
from detector.rulebook.regexes import compiled, needed

Holds = Callable[[str], bool]


def predicate(test: Test) -> Holds:
    """Whether a text answers a test of literals, globs, regular expressions or networks."""
    if test.kind is Kind.CIDR:
        return inside(ip_network(str(literal)) for literal in test.literals)
    parts = [_single(test.kind, literal) for literal in folded(test)]
    holds = parts[0] if len(parts) == 1 else lambda text: any(part(text) for part in parts)
    if test.cased or test.kind is Kind.REGEX:
        return holds
    return lambda text: holds(text.lower())


def _single(kind: Kind, literal: Literal) -> Holds:
    if isinstance(literal, tuple):
        return shaped(literal)
    word = str(literal)
    match kind:
        case Kind.REGEX:
            return _guarded(word)
        case Kind.CONTAINS:
            return lambda text: word in text
        case Kind.STARTS:
            return lambda text: text.startswith(word)
        case Kind.ENDS:
            return lambda text: text.endswith(word)
    return lambda text: text == word


def _guarded(expression: str) -> Holds:
    """A regular expression behind the signs that it cannot match without."""
    holds = compiled(expression)
    signs = [word for word in needed(expression, shortest=1) if word.upper() == word]
    if not signs:
        return holds
    rarest = max(signs, key=len)
    return lambda text: rarest in text and holds(text)
