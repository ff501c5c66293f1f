"""Names and ids: which rule a reference means, and which documents claim the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from detector.rulebook import sections
from detector.rulebook.documents import Path
from detector.rulebook.headers import Head, made_id
from detector.rulebook.mistakes import did_you_mean, quoted
from detector.rulebook.reports import Report

MOST_COMPARED: Final = 100_000
"""Names that are held against unknown ones, in all, to find the nearest."""


@dataclass(slots=True)
class Draft:
    """A document on its way: what it says about itself, and whether it still stands.

    `kind` is the key that makes it what it is, but for a risk score, which is no other behavior.
    """

    report: Report
    kind: str
    head: Head

    @property
    def names(self) -> tuple[str, ...]:
        """What others may call it: its name and its id."""
        return tuple(name for name in (self.head.rule.name, self.head.rule.id) if name)

    @property
    def place(self) -> str:
        """File and line, for other documents' mistakes."""
        return f"{self.report.document.file}:{self.report.document.start[0]}"


@dataclass(slots=True)
class Register:
    """Every draft by name and id."""

    drafts: dict[str, Draft] = field(default_factory=dict)
    _compared: int = 0

    def enter(self, drafts: Iterable[Draft]) -> None:
        """Enter drafts; the second of two with the same id or name is mistaken."""
        titles: dict[str, Draft] = {}
        for draft in drafts:
            if "id" not in draft.report.document.value:
                self._settle_id(draft)
            rule = draft.head.rule
            first = titles.setdefault(rule.title, draft)
            if rule.title and first is not draft and first.report is not draft.report:
                text = f"{first.place} has this title, too"
                draft.report.odd(("title",), text, "their alerts look alike", about=sections.NAMES)
            for key, name in (("id", rule.id), ("name", rule.name)):
                first = self.drafts.setdefault(name, draft) if name else draft
                if first.report is not draft.report:
                    text = f"{quoted(name)} is taken by {first.place}"
                    draft.report.wrong(
                        (key,), text, "ids and names are unique", about=sections.NAMES
                    )

    def _settle_id(self, draft: Draft) -> None:
        """A rule without an id has that of its name or title; of all it says, if another has that."""
        rule = draft.head.rule
        first, said = self.drafts.get(rule.id, draft), draft.report.document.value
        if first.report.document.value != said:
            rule = replace(rule, id=made_id(repr(said)))
            draft.head = replace(draft.head, rule=rule)
        draft.report.odd((), "has no id, so it goes by its name", f"add 'id: {rule.id}'")

    def named(self, name: object) -> Draft | None:
        """The draft of that name or id."""
        if not isinstance(name, str):
            return None
        return self.drafts.get(name.lower() if _is_id(name) else name)

    def find(
        self,
        report: Report,
        path: Path,
        kinds: Sequence[str] = ("detection",),
        *,
        name: object = None,
    ) -> Draft | None:
        """The draft that the reference at `path` means; null, and a mistake, if none.

        If it is broken, that is a mistake, too.

        `name` is given where the reference is only a part of what stands there.
        """
        name = report.at(path) if name is None else name
        draft = self.named(name)
        if draft is None:
            fix = did_you_mean(name, self._names(kinds))
            report.wrong(path, f"no rule is called {quoted(name)}", fix, about=sections.NAMES)
        elif draft.kind not in kinds:
            text = f"{quoted(name)} is a {draft.kind}, not a {' or '.join(kinds)}"
            report.wrong(path, text, about=sections.NAMES)
        else:
            if draft.report.broken and draft.report is not report:
                text, fix = f"{quoted(name)} is broken", f"first mend {draft.place}"
                report.wrong(path, text, fix, about=sections.NAMES)
            return draft
        return None

    def _names(self, kinds: Sequence[str]) -> list[str]:
        """Names that may be meant; none where so many are not there that it would take long."""
        if self._compared > MOST_COMPARED:
            return []
        names = [name for name, found in self.drafts.items() if found.kind in kinds]
        self._compared += len(names)
        return names


def _is_id(name: str) -> bool:
    return len(name) == 36 and name.count("-") == 4
