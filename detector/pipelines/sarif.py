"""SARIF 2.1.0: each mistake, warning and failing test at its line, for code scanning.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from detector.manual import Manual, short
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

    @property
    def id(self) -> str:
        """Its kind, and the section of the reference that explains it: `mistake/level`."""
        return f"{self.kind}/{short(self.mistake.about)}" if self.mistake.about else self.kind


def sarif(results: Iterable[Result], manual: Manual, version: str, root: Path) -> dict[str, Any]:
    """The log of one run; files are named from `root` on, where they lie below it."""
    found = list(results)
    rules = {each.id: _rule(each, manual) for each in found}
    ids = list(rules)
    driver = {"name": "Vaultwatch", "semanticVersion": version, "rules": list(rules.values())}
    told = [_result(each, ids.index(each.id), root) for each in found]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": told}],
    }


def _rule(result: Result, manual: Manual) -> dict[str, Any]:
    """What a code host shows beside the result: the section itself, and the link to it."""
    level, text = KINDS[result.kind]
    told: dict[str, Any] = {
        "id": result.id,
        "shortDescription": {"text": text},
        "defaultConfiguration": {"level": level},
    }
    section = manual.sections.get(result.mistake.about)
    if section is not None and manual.published:
        told["helpUri"] = manual.link(result.mistake.about)
    if section is not None:
        told["help"] = {"text": section, "markdown": section}
    return told


def _result(result: Result, index: int, root: Path) -> dict[str, Any]:
    mistake = result.mistake
    text = f"{mistake.text}; {mistake.fix}" if mistake.fix else mistake.text
    region = {"startLine": max(1, mistake.line), "startColumn": max(1, mistake.column)}
    place = {"artifactLocation": {"uri": _uri(mistake.file, root)}, "region": region}
    return {
        "ruleId": result.id,
        "ruleIndex": index,
        "level": KINDS[result.kind][0],
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _uri(file: str, root: Path) -> str:
    path = root / file
    if path.is_relative_to(root):
        return quote(path.relative_to(root).as_posix())
    return path.as_uri()
