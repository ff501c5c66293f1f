"""What events add to the counts of people: the value that each of them shows, as far as it counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detector.observations import SLOT, VAULT
from detector.rule_types.base import KIND_OF, Scene
from detector.rule_types.novelty import is_new, value_of
from detector.rule_types.paces import Seen


def adding(scene: Scene, rows: Sequence[int], field: str | None, only: str) -> Sequence[str | None]:
    """What each of the rows may add to a count; null if it shows no value, or a known one."""
    page, kind = scene.page, KIND_OF.get(field or "")
    if field is None:
        return [page.ids[row] for row in rows]
    if kind == SLOT:
        return [_hour(scene, row, field, only) for row in rows]
    if kind is None:
        return [scene.text(field, row) for row in rows]
    values = page.values[kind]
    if only == "all":
        return [values[row] for row in rows]
    new = scene.unseen(kind)[np.array(rows, dtype=np.int64) - scene.start].tolist()
    return [values[row] if is_new else None for row, is_new in zip(rows, new, strict=True)]


def _hour(scene: Scene, row: int, field: str, only: str) -> str | None:
    """An hour of the local week, which is no column: it needs the person's zone."""
    slot, name = value_of(scene, row, field)[0], scene.page.people[row] or ""
    return slot if only == "all" or is_new(scene, row, field, name) else None


def seen_in(scene: Scene, row: int) -> Seen:
    """A value that counts by the event of a row."""
    page = scene.page
    return Seen(page.times[row], page.seqs[row], page.ids[row], page.values[VAULT][row])
