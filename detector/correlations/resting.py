"""The common case of a correlation, in bulk: rows that only add to groups in which nothing can hold.

A stretch of the log is taken in group by group; what is left over is walked through row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from detector.correlations import judging
from detector.correlations.definition import Definition
from detector.correlations.groups import MOST_GROUPS, MOST_KEPT, CorrelationTail
from detector.correlations.lenses import Lens
from detector.correlations.walks import Entry, places
from detector.rule_types.base import Scene

Hit = tuple[int, int]
"""A row, and the mask of the base rules that match it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a scene as a correlation sees them, through a lens for each of its base rules."""

    what: Definition
    scene: Scene
    lenses: Sequence[Lens]

    def awake(self, hits: Sequence[Hit], tail: CorrelationTail) -> Iterator[Hit]:
        """Let groups rest that can, and say which hits are left, in log order.

        A group is touched at its last row, whichever way it is taken in.
        """
        full = tail.kept + len(hits) > MOST_KEPT or len(tail.groups) + len(hits) > MOST_GROUPS
        if self.what.waits or full:
            yield from hits
            return
        runs, left = self._runs(hits)
        rested = dict[Hit, str]()
        for name, mine in runs.items():
            if self._rest(name, mine, tail):
                rested[mine[-1]] = name
            else:
                left += mine
        for hit in sorted([*left, *rested]):
            if hit in rested:
                tail.touch(rested[hit], tail.groups[rested[hit]])
            else:
                yield hit

    def _runs(self, hits: Sequence[Hit]) -> tuple[dict[str, list[Hit]], list[Hit]]:
        """The hits of each group, and apart from these all that are for no group or several rules.

        A group that an event of several rules concerns is not taken in bulk.
        """
        runs, apart, mixed = dict[str, list[Hit]](), list[Hit](), set[str | None]()
        for hit in hits:
            row, mask = hit
            if mask & (mask - 1):
                mixed.update(self.lenses[place].name_at(row) for place in places(mask))
                apart.append(hit)
                continue
            name = self.lenses[mask.bit_length() - 1].name_at(row)
            if name is None:
                apart.append(hit)
            elif name in runs:
                runs[name].append(hit)
            else:
                runs[name] = [hit]
        for name in mixed.intersection(runs):
            apart += runs.pop(name or "")
        return runs, apart

    def _rest(self, name: str, hits: Sequence[Hit], tail: CorrelationTail) -> bool:
        """Put what a group is shown behind its entries if nothing can hold there."""
        group, page = tail.groups.get(name), self.scene.page
        if group is None:
            return False
        fresh = []
        for row, mask in hits:
            values, value = self.lenses[mask.bit_length() - 1].values, None
            if values:
                value = self.what.value_of([column[row] for column in values])
                if value is None:
                    return False
            seen = (page.ids[row],), (page.seqs[row],)
            fresh.append(Entry(page.times[row], mask, value, *seen))
        return judging.rest(self.what, tail, group, fresh)
