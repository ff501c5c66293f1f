"""What is known of a page's pairs: at every hour what the ledger itself would say."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import workhours
from detector.known import Known
from detector.ledger import Ledger
from detector.observations import COUNTRY, PLACE, SLOT, Clock, Observations, observe
from detector.workhours import HOUR_US
from tests import stories

ZONES = ("UTC", "Asia/Tokyo", "Asia/Kathmandu", "America/St_Johns")
NAMES = ("ANN", "BOB", "CAT")
PLACES = ("paris", "tokyo")
VALUES = ("FR", "JP", "Paris||FR", "Mon 09", "Thu 18", "elsewhere")

people = st.sampled_from(NAMES)
signs = st.tuples(people, st.sampled_from(PLACES), st.integers(0, 59))
changes = st.one_of(
    st.tuples(st.just("learn"), people, st.sampled_from((COUNTRY, PLACE, SLOT)),
              st.sampled_from(VALUES)),
    st.tuples(st.just("forget"), people, st.just(0), st.just("")),
    st.tuples(st.just("move"), people, st.just(0), st.sampled_from(ZONES)),
)  # fmt: skip
hours = st.lists(
    st.tuples(st.lists(signs, min_size=1, max_size=6), st.lists(changes, max_size=5)), max_size=6
)


@dataclass
class World:
    """A ledger and zones that change between the hours."""

    ledger: Ledger = field(default_factory=Ledger)
    zones: dict[str, str] = field(default_factory=dict)

    def zone_of(self, name: str) -> str:
        """The zone of a person now."""
        return self.zones.get(name, "UTC")

    def change(self, what: str, name: str, kind: int, value: str) -> None:
        """Let something be otherwise."""
        if what == "learn" and not self.ledger.days(name, kind, value):
            self.ledger.add(name, kind, value, (0, 0, 0))
        elif what == "forget":
            self.ledger.drop(name)
        elif what == "move":
            self.zones[name] = value


def page_of(told: list[list[tuple[str, str, int]]]) -> Observations:
    """One page with a sign-in for each, an hour after the other."""
    items = [
        stories.sign_in(who.lower(), place, f"{8 + hour}:{minute:02}:00")
        for hour, signs in enumerate(told)
        for who, place, minute in sorted(signs, key=lambda each: each[2])
    ]
    frame = stories.page(items)[0]
    seqs = pl.int_range(1, len(items) + 1, dtype=pl.Int64, eager=True).alias("event.seq")
    frame = frame.with_columns(seqs)
    return observe(frame, frame, (), Clock(0, HOUR_US))


@settings(max_examples=150, deadline=None)
@given(told=hours.filter(bool))
def test_at_every_hour_it_is_what_the_ledger_says(
    told: list[tuple[list[tuple[str, str, int]], list[tuple[str, str, int, str]]]],
) -> None:
    page, world = page_of([signs for signs, _ in told]), World()
    known, start = Known(page, world.ledger, world.zone_of), 0
    for signs, changed in told:
        end = start + len(signs)
        known.meet()
        rows, pairs = known.firsts(start, end)
        shown = [
            (page.names[known.who[pair]], int(known.kinds[known.what[pair]]), known.text(pair))
            for pair in pairs.tolist()
        ]
        assert known.days(pairs).tolist() == [world.ledger.days(*each) for each in shown]
        assert known.crowds(pairs).tolist() == [world.ledger.crowd(*each[1:]) for each in shown]
        assert [value for _, kind, value in shown if kind == SLOT] == slots(page, world, start, end)
        assert np.all(np.diff(rows) >= 0)
        for each in changed:
            world.change(*each)
        known.move([name for what, name, _, _ in changed if what == "move"], end)
        start = end


def slots(page: Observations, world: World, start: int, end: int) -> list[str]:
    """What the rows of an hour show first of hours of the week, one row at a time."""
    found: dict[tuple[str, str], None] = {}
    for row in range(start, end):
        name = page.people[row] or ""
        found.setdefault((name, workhours.slot(world.zone_of(name), page.times[row])))
    return [slot for _, slot in found]
