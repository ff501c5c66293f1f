"""What a behaviour asked of an event and what it saw, for whoever wants a verdict explained.

Nothing is noted unless a scene has notes: in the service it has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from detector.findings import Finding


@dataclass(frozen=True, slots=True)
class Note:
    """One question that a rule asked: what it wants, what it saw, and whether that is enough.

    `gap` says by how much, in `unit`: below 0 it fell short by so much.
    """

    rule_id: str
    row: int
    holds: bool
    wants: str
    sees: str
    gap: float | None = None
    unit: str = ""


@dataclass
class Notes:
    """The notes of all rules, in the order in which they asked, and what was found in the end."""

    kept: list[Note] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    """Every finding that was decided about, also those of the teaching time."""

    def add(self, note: Note) -> None:
        """Keep a note."""
        self.kept.append(note)

    def of(self, rule_id: str) -> list[Note]:
        """The notes of one rule."""
        return [note for note in self.kept if note.rule_id == rule_id]
