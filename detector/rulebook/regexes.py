"""Regular expressions: how they are compiled, and the texts that they cannot match without."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_FLAGS: Final = re.compile(r"\(\?([a-zA-Z-]*)[:)]")
_QUANTIFIER: Final = re.compile(r"[*+?]\??|\{(\d*)(,\d*)?\}\??")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", re.DOTALL)
# Letters that other letters stand for where case does not matter: the long s, the Kelvin sign.
_AMBIGUOUS: Final = frozenset("sSkK")


class Unsupported(Exception):
    """Rust's regular expressions know no such one; the text says why."""


def compiled(expression: str) -> Callable[[str], bool]:
    """Whether any part of a text matches. Raises Unsupported.

    Rust's engine takes linear time for any text. Polars has it too, but keeps only a few expressions
    compiled; pydantic's core keeps each one.
    """
    from pydantic_core import SchemaError, SchemaValidator, core_schema

    rust = core_schema.str_schema(pattern=expression, regex_engine="rust-regex")
    try:
        return SchemaValidator(rust).isinstance_python
    except SchemaError as error:
        raise Unsupported(str(error)) from error


def needed(expression: str, shortest: int = 3) -> tuple[str, ...]:
    r"""Texts in lower case that stand in the lower case of every text that matches.

    Careful rather than clever: groups and classes say nothing, alternatives end the search.

    >>> needed(r"cmd.{0,5}(?:/c|/r)\s+http://a\.b?")
    ('cmd', 'http://a.')
    """
    flags = "".join(_FLAGS.findall(expression))
    if "x" in flags or "U" in flags:
        return ()
    unsure = _AMBIGUOUS if "i" in flags else frozenset[str]()
    runs: list[str] = [""]
    at = 0
    while at < len(expression):
        text, at = _atom(expression, at)
        if text is None:
            return ()
        quantifier = _QUANTIFIER.match(expression, at)
        at = quantifier.end() if quantifier else at
        if not text.isascii() or text in unsure:
            text = ""
        if quantifier and not _at_least_one(quantifier):
            text = ""
        runs[-1] += text
        if quantifier or not text:
            runs.append("")
    return tuple(run.lower() for run in runs if len(run) >= shortest)


def _atom(expression: str, at: int) -> tuple[str | None, int]:
    """The literal character at a place, or nothing for what is none; null for what is unclear."""
    char = expression[at]
    match char:
        case "|" | ")":
            return None, at
        case "(":
            end = _group_end(expression, at)
            return (None, at) if end is None else ("", end)
        case "[":
            found = _CLASS.match(expression, at)
            return ("", found.end()) if found else (None, at)
        case "\\":
            return _escape(expression, at)
        case "." | "^" | "$" | "\n":
            return "", at + 1
        case "{" | "*" | "+" | "?":
            return None, at
    return char, at + 1


def _escape(expression: str, at: int) -> tuple[str | None, int]:
    if at + 1 >= len(expression):
        return None, at
    char = expression[at + 1]
    if char in "QEpPxuU0123456789ckg":
        # Quotations, properties, codes and references: their ends are not worth knowing.
        return None, at
    return ("" if char.isalnum() else char), at + 2


def _group_end(expression: str, at: int) -> int | None:
    depth = 0
    while at < len(expression):
        char = expression[at]
        if char == "\\":
            at += 2
            continue
        if char == "[":
            found = _CLASS.match(expression, at)
            if found is None:
                return None
            at = found.end()
            continue
        depth += (char == "(") - (char == ")")
        at += 1
        if depth == 0:
            return at
    return None


def _at_least_one(quantifier: re.Match[str]) -> bool:
    if quantifier[0][0] == "{":
        return bool(quantifier[1]) and int(quantifier[1]) > 0
    return quantifier[0][0] == "+"
