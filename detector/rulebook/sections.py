"""The sections of the reference that explain mistakes: which of them is about what stands where.

Each is a heading of a page under `docs/reference/`; a test holds them against the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

YAML: Final = "language.md#yaml"
DOCUMENTS: Final = "language.md#documents"
TEXTS: Final = "language.md#texts"
NAMES: Final = "language.md#names"
LEVEL: Final = "language.md#level"
STATUS: Final = "language.md#status"
TAGS: Final = "language.md#tags"
ALERT: Final = "language.md#alert"
LOGSOURCE: Final = "language.md#logsource"
SELECTIONS: Final = "language.md#selections"
VALUES: Final = "language.md#values"
MODIFIERS: Final = "language.md#modifiers"
TIMES: Final = "language.md#times"
PLACEHOLDERS: Final = "language.md#placeholders"
CONDITION: Final = "language.md#condition"
CORRELATION: Final = "language.md#correlation"
GROUPS: Final = "language.md#groups"
COUNTING: Final = "language.md#counting"
BEHAVIOR: Final = "language.md#behavior"
FILTER: Final = "language.md#filter"
TESTS: Final = "language.md#tests"
OVERLAYS: Final = "language.md#overlays"
FIELDS: Final = "fields.md#fields"
WORDS: Final = "fields.md#words"
PEOPLE: Final = "files.md#people"
NETWORKS: Final = "files.md#networks"
LISTS: Final = "files.md#lists"
MODELS: Final = "files.md#models"
SILENCES: Final = "files.md#silences"
TEMPLATES: Final = "files.md#templates"
MAPPINGS: Final = "files.md#mappings"

_OF: Final[Mapping[tuple[str, ...], str]] = {
    **dict.fromkeys(
        [(key,) for key in ("title", "description", "references", "author", "license",
                            "taxonomy", "falsepositives", "date", "modified", "fields", "related")],
        TEXTS,
    ),
    ("id",): NAMES,
    ("name",): NAMES,
    ("level",): LEVEL,
    ("status",): STATUS,
    ("tags",): TAGS,
    ("alert",): ALERT,
    ("logsource",): LOGSOURCE,
    ("timezone",): TIMES,
    ("example-lists",): PLACEHOLDERS,
    ("detection",): SELECTIONS,
    ("detection", "condition"): CONDITION,
    ("correlation",): CORRELATION,
    ("correlation", "group-by"): GROUPS,
    ("correlation", "aliases"): GROUPS,
    ("correlation", "condition"): COUNTING,
    ("behavior",): BEHAVIOR,
    ("filter",): FILTER,
    ("filter", "condition"): CONDITION,
    ("expires",): FILTER,
    ("tests",): TESTS,
    ("base",): OVERLAYS,
    ("enabled",): OVERLAYS,
}  # fmt: skip
"""What the keys that lead to a place are about; the longest that fits says it."""


def about(path: tuple[str | int, ...]) -> str:
    """Page and anchor about what stands at `path` of a rule document.

    >>> about(("tests", 0, "expect"))
    'language.md#tests'
    """
    steps = tuple(step for step in path if isinstance(step, str))
    while steps and steps not in _OF:
        steps = steps[:-1]
    return _OF.get(steps, DOCUMENTS)


def of_behavior(kind: str) -> str:
    """Page and anchor of what is said about one type of behaviour."""
    return f"behaviors.md#{kind}"
