"""Where the group and the values of a base rule's events stand: in their rows, or in a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from detector.correlations.definition import MADE, PERSON, Base
from detector.correlations.sightings import Sighting
from detector.rule_types.base import Scene

Key = tuple[str, ...]
"""The values of the fields that events are grouped by."""


@dataclass(frozen=True, slots=True)
class Lens:
    """One base rule, and the columns of a scene in which its fields stand.

    A grouped rule has none: what its findings have is the group in their evidence.
    """

    base: Base
    keys: Sequence[Sequence[Any]]
    values: Sequence[Sequence[Any]]

    @staticmethod
    def of(base: Base, scene: Scene | None) -> Lens:
        """The lens for the rows of a scene; `scene` is null where there are no rows."""
        if scene is None or base.grouped:
            return Lens(base, (), ())
        return Lens(
            base,
            [_column(scene, name) for name in base.keys],
            [_column(scene, name) for name in base.values],
        )

    def key(self, seen: Sighting) -> Key:
        """The group of a sighting."""
        return tuple(map(str, self._found(seen, self.keys, self.base.keys)))

    def name(self, seen: Sighting) -> str | None:
        """The group of a sighting as one text; null if a field of it is missing."""
        if not self.base.grouped and seen.row is not None:
            return self.name_at(seen.row)
        return _joined(self._found(seen, self.keys, self.base.keys))

    def name_at(self, row: int) -> str | None:
        """The group of a row, likewise."""
        if len(self.keys) != 1:
            return _joined([column[row] for column in self.keys])
        value = self.keys[0][row]
        return str(value) if value is not None and value != "" else None

    def counted(self, seen: Sighting) -> list[Any]:
        """What the rule's `values` are in a sighting."""
        return self._found(seen, self.values, self.base.values)

    def _found(
        self, seen: Sighting, columns: Sequence[Sequence[Any]], names: Sequence[str]
    ) -> list[Any]:
        if self.base.grouped:
            group = seen.echo.evidence["group"] if seen.echo else {}
            return [group.get(name) for name in names]
        assert seen.row is not None
        return [column[seen.row] for column in columns]


def _joined(parts: Sequence[Any]) -> str | None:
    return None if None in parts or "" in parts else "\x1f".join(map(str, parts))


def _column(scene: Scene, name: str) -> Sequence[Any]:
    if name == PERSON:
        return scene.page.people
    if name in MADE:
        return scene.page.values[MADE[name]]
    return scene.page.columns[name]
