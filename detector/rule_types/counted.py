"""What events add to the counts of people: which rows are counted together, and as what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final

from detector.observations import SLOT, VAULT
from detector.rule_types.base import KIND_OF, Scene
from detector.rule_types.novelty import is_new, value_of
from detector.rule_types.paces import Pace, Seen
from detector.workhours import DAY_US

MOST_VALUES: Final = 1_000


def parts(scene: Scene, rows: Sequence[int], *, one_by_one: bool) -> Iterator[list[int]]:
    """The rows of people in parts that can be counted at once: each person's of one day.

    Each row is one where order decides: if that is said, where notes are wanted, and of somebody
    whose rows lie on several days.
    """
    people, times, by_person = scene.page.people, scene.page.times, dict[str, list[int]]()
    alone = one_by_one or scene.notes is not None
    for row in rows:
        name = people[row]
        if name is None:
            continue
        if alone:
            yield [row]
        elif name in by_person:
            by_person[name].append(row)
        else:
            by_person[name] = [row]
    for mine in by_person.values():
        if len(mine) == 1 or len({times[row] // DAY_US for row in mine}) == 1:
            yield mine
        else:
            yield from ([row] for row in mine)


def adding(scene: Scene, field: str | None, only: str) -> Callable[[int], str | None]:
    """What a row may add to the count of its person; null if it shows no value, or a known one."""
    page, kind = scene.page, KIND_OF.get(field or "")
    if field is None:
        return page.ids.__getitem__
    if kind == SLOT:
        return _adding_hours(scene, field, only)
    shown = page.values[kind].__getitem__ if kind is not None else partial(scene.text, field)
    if only == "all":
        return lambda row: shown(row) and f"{page.times[row] // DAY_US} {shown(row)}"
    if kind is None:
        return shown
    new, start = scene.unseen(kind).tolist(), scene.start
    return lambda row: shown(row) if new[row - start] else None


def _adding_hours(scene: Scene, field: str, only: str) -> Callable[[int], str | None]:
    """The same for hours of the local week, which are no column: they need the person's zone."""

    def adds(row: int) -> str | None:
        slot, name = value_of(scene, row, field)[0], scene.page.people[row] or ""
        if only == "all":
            return f"{scene.page.times[row] // DAY_US} {slot}"
        return slot if is_new(scene, row, field, name) else None

    return adds


def fresh_in(pace: Pace, part: Sequence[int], adds: Callable[[int], str | None]) -> dict[int, str]:
    """The rows that add to a person's count, and what each of them adds."""
    fresh: dict[str, int] = {}
    for row in part:
        value = adds(row)
        if value is not None and value not in pace.seen and value not in fresh:
            fresh[value] = row
    room = max(0, MOST_VALUES - len(pace.seen))
    return {row: value for value, row in islice(fresh.items(), room)}


def seen_in(scene: Scene, row: int) -> Seen:
    """A value that counts by the event of a row."""
    page = scene.page
    return Seen(page.times[row], page.seqs[row], page.ids[row], page.values[VAULT][row])
