"""SARIF 2.1.0: each mistake, warning and failing test at its line, for code scanning.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from detector.rulebook.mistakes import Mistake

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
KINDS: Final = {
    "mistake": ("error", "A mistake in a file: it is not loaded"),
    "warning": ("warning", "Something in a file that is probably not meant"),
    "failing-test": ("error", "A test of a rule that does not come true"),
    "missing-test": ("warning", "A rule without a positive, a negative or a look-alike test"),
}
"""What can be found, how bad it is, and what it means."""


@dataclass(frozen=True, slots=True)
class Result:
    """Something that was found, of one of the KINDS."""

    kind: str
    mistake: Mistake


def sarif(results: Iterable[Result], version: str, root: Path) -> dict[str, Any]:
    """The log of one run; files are named from `root` on, where they lie below it."""
    names = list(KINDS)
    driver = {
        "name": "Vaultwatch",
        "semanticVersion": version,
        "rules": [
            {
                "id": name,
                "shortDescription": {"text": text},
                "defaultConfiguration": {"level": level},
            }
            for name, (level, text) in KINDS.items()
        ],
    }
    found = [_result(each, names.index(each.kind), root) for each in results]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": found}],
    }


def _result(result: Result, index: int, root: Path) -> dict[str, Any]:
    mistake = result.mistake
    text = f"{mistake.text}; {mistake.fix}" if mistake.fix else mistake.text
    region = {"startLine": max(1, mistake.line), "startColumn": max(1, mistake.column)}
    place = {"artifactLocation": {"uri": _uri(mistake.file, root)}, "region": region}
    return {
        "ruleId": result.kind,
        "ruleIndex": index,
        "level": KINDS[result.kind][0],
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _uri(file: str, root: Path) -> str:
    path = root / file
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return path.as_uri()
