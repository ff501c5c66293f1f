"""What a correlation sees: rows that its base rules match, and findings of the rules below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from detector import workhours
from detector.findings import Finding
from detector.rule_types.base import Scene


@dataclass(frozen=True, slots=True)
class Echo:
    """A finding of a rule that the correlation looks at; `row` is null if time alone raised it."""

    rules: int
    finding: Finding
    row: int | None


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a correlation is shown of a stretch of the log, in its order.

    Rows with the masks of the base rules that match them, and findings of the rules below.
    """

    rows: Sequence[int] = ()
    masks: Sequence[int] = ()
    echoes: Sequence[Echo] = ()


class Sighting(msgspec.Struct, gc=False):
    """One thing that counts: its time, its place in the log, and the events behind it."""

    rules: int
    row: int | None
    time: int
    seq: int
    ids: tuple[str, ...]
    seqs: tuple[int, ...]
    echo: Finding | None = None


def sightings(scene: Scene | None, glimpse: Glimpse) -> Iterator[Sighting]:
    """Everything in the order of the log; an event counts once, however many rules see it.

    `scene` is null where there are no rows.
    """
    upto = 0
    for row, mask in zip(glimpse.rows, glimpse.masks, strict=True):
        assert scene is not None
        seen = of_row(scene, row, mask)
        while upto < len(glimpse.echoes) and (glimpse.echoes[upto].row or 0) <= row:
            heard, upto = _heard(glimpse.echoes[upto]), upto + 1
            if heard.row == row and heard.time == seen.time and heard.ids[-1:] == seen.ids[-1:]:
                seen = msgspec.structs.replace(heard, rules=seen.rules | heard.rules)
            else:
                yield heard
        yield seen
    yield from map(_heard, glimpse.echoes[upto:])


def of_row(scene: Scene, row: int, mask: int) -> Sighting:
    """An event of a page that the rules of a mask match."""
    page = scene.page
    return Sighting(mask, row, page.times[row], page.seqs[row], (page.ids[row],), (page.seqs[row],))


def _heard(echo: Echo) -> Sighting:
    finding = echo.finding
    ids, seqs = finding.fresh_ids, finding.fresh_seqs
    time = workhours.microseconds(finding.time)
    return Sighting(echo.rules, echo.row, time, finding.seq, ids, seqs, finding)
