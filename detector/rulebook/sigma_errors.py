"""What pySigma says is wrong, in our words, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from ipaddress import ip_network
from typing import Final

from detector.rulebook.mistakes import did_you_mean, nearest, quoted

_SYNTAX: Final = re.compile(r"\(at char (\d+)\)")
_UNFIT: Final = re.compile(r"Modifier \w+ incompatible to value type of '(.*)'")
_HOST_BITS: Final = re.compile(r"Invalid CIDR expression: (\S+) has host bits set")
_NO_REGEX: Final = re.compile(r"Regular expression '(.*)' is invalid: [b']*(.*?): .*", re.DOTALL)
_NO_SELECTION: Final = re.compile(r"Detection '(.*)' not defined in detections")
_NO_FIT: Final = re.compile(r"Selector '(?:\w+) of (.*)' doesn't match any detection")
_SHOUTED: Final = re.compile(r"\b(AND|OR|NOT|OF|THEM|ALL)\b|&&|\|\||!")
_QUIET: Final[Mapping[str, str]] = {"&&": " and ", "||": " or ", "!": " not "}
_TAKES: Final[Mapping[str, str]] = {
    "exists": "write true or false",
    **dict.fromkeys(("gt", "gte", "lt", "lte"), "write a number"),
    **dict.fromkeys(("minute", "hour", "day", "week", "month", "year"),
                    "write a number, several as [20, 21, 22], or use |timerange"),
}  # fmt: skip
"""What to write behind modifiers that do not take everything."""


def of_item(problem: str, modifiers: list[str]) -> tuple[str, str]:
    """What is wrong with an item and what to write instead, without the names of pySigma's classes."""
    if unfit := _UNFIT.match(problem):
        takes = next((_TAKES[each] for each in modifiers if each in _TAKES), "")
        fix = takes or ("put the number in quotes" if unfit[1].isdigit() else "")
        return f"this modifier does not take the value '{unfit[1]}'", fix
    if bits := _HOST_BITS.match(problem):
        return f"{quoted(bits[1])} is an address in a network", f"write {_network(bits[1])}"
    if "invalid perl operator" in problem:
        return "this regular expression looks around, which is not supported", ""
    if broken := _NO_REGEX.match(problem):
        return f"{quoted(broken[1])} is not a regular expression: {broken[2]}", ""
    return problem.replace(": b'", ": '"), ""


def of_condition(problem: str, condition: object, selections: Collection[str]) -> tuple[str, str]:
    """What is wrong with a condition and what to write instead, without the words of pySigma."""
    usual = "write it like 'selection and not 1 of filter_*'"
    known = f"the selections are {', '.join(selections)}"
    if missing := _NO_SELECTION.match(problem):
        fix = did_you_mean(missing[1], selections) or known
        return f"no selection is called {quoted(missing[1])}", fix
    if pattern := _NO_FIT.match(problem):
        return f"no selection fits {quoted(pattern[1])}", known
    if "pipe syntax" in problem:
        fix = "write a correlation document, with 'group-by:', 'timespan:' and 'condition:'"
        return "an aggregation behind '|' is old Sigma, which is not supported", fix
    if shouted := _SHOUTED.search(str(condition)):
        return f"cannot be read at {quoted(shouted[0])}", "write and, or, not, in lower case"
    if str(condition).count("(") != str(condition).count(")"):
        return "its brackets do not match", usual
    if syntax := _SYNTAX.search(problem):
        return f"cannot be read at {quoted(str(condition)[int(syntax[1]) :])}", usual
    return problem, ""


def mended_condition(
    problem: str, condition: str, selections: Collection[str]
) -> tuple[str, Mapping[str, str]]:
    """The condition as it was probably meant, as far as `problem` goes; the same if nobody can say.

    With it the names in it that no selection has, and for each the nearest that is one, or none.
    """
    if missing := _NO_SELECTION.match(problem):
        return condition, {missing[1]: nearest(missing[1], selections) or ""}
    if pattern := _NO_FIT.match(problem):
        return condition, {pattern[1].replace("*", "x"): ""}
    if "pipe syntax" in problem:
        return condition.partition("|")[0], {}
    if _SHOUTED.search(condition):
        return _SHOUTED.sub(lambda word: _QUIET.get(word[0], word[0].lower()), condition), {}
    return condition, {}


def _network(text: str) -> str:
    return str(ip_network(text, strict=False))
