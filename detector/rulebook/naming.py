"""Names for rules that have none, and the version of a whole rulebook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from hashlib import sha256

from detector.rule import Rule
from detector.rulebook.references import Draft


def names_of(rules: Iterable[Rule]) -> dict[str, str]:
    """The name of each rule by its id: as written, or made of its title."""
    every = tuple(rules)
    taken = {rule.name for rule in every if rule.name}
    names: dict[str, str] = {}
    for rule in every:
        name = rule.name or slug(rule.title)
        if not rule.name and name in taken:
            name = f"{name}_{rule.id[:8]}"
        taken.add(name)
        names[rule.id] = name
    return names


def slug(title: str) -> str:
    """A title as a name.

    >>> slug("SSO changed (by an admin)")
    'sso_changed_by_an_admin'
    """
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_") or "rule"


def version_of(drafts: Iterable[Draft]) -> str:
    """A hash of what the documents say, whatever their order, layout, comments and tests."""
    said = sorted(
        json.dumps(
            {key: value for key, value in draft.report.document.value.items() if key != "tests"},
            sort_keys=True,
            default=str,
        )
        for draft in drafts
    )
    return sha256("\n".join(said).encode("utf-8", "replace")).hexdigest()[:16]
