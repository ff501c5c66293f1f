"""Values as rule files write them: one line of YAML, nothing of it a wildcard."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_. -]*[A-Za-z0-9_.-])?")
_NOT_TEXT: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", "none"})
_WILD: Final = re.compile(r"([\\*?])")


def scalar(value: str | float) -> str:
    r"""A value in YAML, on one line, that reads as itself.

    >>> print(scalar("vault"), scalar("on"), scalar("a: b\n"), scalar(7))
    vault "on" "a: b\n" 7
    """
    if not isinstance(value, str):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return f'"{"".join(map(_escaped, value))}"'


def pattern(value: str | float) -> str | float:
    r"""A value as Sigma is asked for exactly it.

    >>> print(pattern("what?"))
    what\?
    """
    return _WILD.sub(r"\\\1", value) if isinstance(value, str) else value


def _escaped(letter: str) -> str:
    if letter in {'"', "\\"}:
        return f"\\{letter}"
    if letter == "\n":
        return "\\n"
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"
