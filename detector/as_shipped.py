"""Where a change of a shipped rule is wrong: the rule files with that rule as it is shipped."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from detector.rulebook.mistakes import Mistake
from detector.rulebook.vocabulary import PACK

_DOCUMENT = re.compile(r"^(?=---)", re.MULTILINE)
_ID = re.compile(r"^id:\s*['\"]?([0-9a-fA-F-]{36})", re.MULTILINE)


def without_broken_changes(
    rules: Mapping[str, str], mistakes: Iterable[Mistake]
) -> dict[str, str] | None:
    """The files without those documents of the user that change a shipped rule and have a mistake.

    All else stays at its line. Null if there is no such document.
    """
    lines: dict[str, set[int]] = defaultdict(set)
    for mistake in mistakes:
        if mistake.file in rules and not mistake.file.startswith(PACK):
            lines[mistake.file].add(mistake.line)
    if not lines:
        return None
    ours = (text for name, text in rules.items() if name.startswith(PACK))
    ids = {found.lower() for text in ours for found in _ID.findall(text)}
    mended = {name: "".join(_kept(rules[name], wrong, ids)) for name, wrong in lines.items()}
    return {**rules, **mended} if any(rules[name] != mended[name] for name in mended) else None


def _kept(text: str, wrong: set[int], ids: set[str]) -> Iterator[str]:
    """The documents of a file; of one that is wrong and has one of the ids only its lines."""
    line = 1
    for part in _DOCUMENT.split(text):
        height = part.count("\n")
        here = range(line, line + max(1, height))
        changes = ids.intersection(map(str.lower, _ID.findall(part)))
        yield "\n" * height if changes and wrong.intersection(here) else part
        line += height
