"""What single features say of an hour, as the engine sees it; and that only the past counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from detector import kernel, workhours
from detector.anomaly import tally
from detector.anomaly.declaration import FEATURES
from detector.anomaly.hours import Hours
from detector.anomaly.judging import Seen
from detector.facts import Facts
from tests.stories import MONDAY, Item, audit, few, in_order, page, sign_in, usage
from tests.team import TEAM, learned_engine


class Rows:
    """Every row that the channel looked at: the person, the step, and the features."""

    def __init__(self) -> None:
        self.found: list[tuple[str, int, tuple[float, ...]]] = []

    def __call__(self, _facts: Facts, hours: Hours, seen: Seen) -> None:
        """Take in open hours as they are scored."""
        names = list(hours.lines)
        for step in seen.steps:
            for line, row in zip(step.lines.tolist(), tally.features(step.numbers), strict=True):
                self.found.append((names[line], step.clock, tuple(row.tolist())))


def rows(
    items: Sequence[Item], cuts: Sequence[int] = ()
) -> list[tuple[str, int, tuple[float, ...]]]:
    """What the channel looks at while a team that it knows goes on with these items."""
    state, witness = learned_engine(), Rows()
    state.witness = witness
    edges = sorted({0, len(items), *(cut for cut in cuts if 0 < cut < len(items))})
    for start, end in pairwise(edges):
        kernel.detect(state, *page(items[start:end]))
    kernel.tick(state, MONDAY + timedelta(days=2))
    return witness.found


def last(items: Sequence[Item], who: str = "ann") -> dict[str, float]:
    """The features of a person's last row."""
    found = [row for name, _, row in rows(items) if name.casefold().endswith(who)]
    return dict(zip(FEATURES, found[-1], strict=True))


def test_what_others_do_and_this_person_never_did_has_a_likelihood_ratio() -> None:
    usual, others = last([sign_in("ann", "paris", "9:00")]), last([sign_in("ann", "milan", "9:00")])

    assert usual["ratio"] < 1
    assert others["ratio"] > usual["ratio"] + 1


def test_failures_are_compared_with_the_usual_number() -> None:
    failures = [
        sign_in("ann", "paris", f"9:{n:02}", category="credentials_failed") for n in range(9)
    ]
    quiet, loud = last([sign_in("ann", "paris", "9:00")]), last(failures)

    assert quiet["failed"] == 0
    assert loud["failed"] > 2
    assert loud["failures"] == 9


def test_a_change_that_weakens_the_account_is_rarer_than_one_that_does_not() -> None:
    calm = last([audit("ann", "paris", "9:00", deed="create vault")])
    grave = last([audit("ann", "paris", "9:00", deed="disblmfa account")])

    assert calm["sensitive"] == 0
    assert grave["sensitive"] > 2
    assert abs(grave["deed"] - grave["sensitive"]) < 1e-6


def test_items_that_a_person_makes_are_none_that_they_never_used() -> None:
    made = [
        usage("ann", "paris", f"9:{n:02}", item=f"made-{n}", action="server-create")
        for n in range(9)
    ]
    read = [usage("ann", "paris", f"9:{n:02}", item=f"made-{n}") for n in range(9)]

    assert last(made)["new_items"] == last(made)["new_items_week"] == 0
    assert last(read)["new_items"] > 2
    assert last(made)["volume"] == last(read)["volume"]


STEP_US = 300_000_000
PLACES = ("paris", "toronto", "milan", "lagos")


@st.composite
def doings(draw: st.DrawFn) -> list[Item]:
    """A few things that the team does on one morning, of all three feeds."""
    made = []
    for _ in range(draw(st.integers(1, 12))):
        who, minute = draw(st.sampled_from(TEAM)), draw(st.integers(0, 150))
        at, place = MONDAY + timedelta(hours=8, minutes=minute), draw(st.sampled_from(PLACES))
        kind = draw(st.sampled_from(("in", "fail", "use", "deed")))
        if kind == "use":
            made.append(usage(who, place, at, item=f"item-{who}-{draw(st.integers(2, 9))}"))
        elif kind == "deed":
            deed = draw(st.sampled_from(("disblmfa account", "updatfw account")))
            made.append(audit(who, place, at, deed=deed))
        else:
            category = "success" if kind == "in" else "credentials_failed"
            made.append(sign_in(who, place, at, category=category))
    return in_order(made)


@few
@given(items=doings(), cuts=st.lists(st.integers(1, 12), max_size=4))
def test_features_are_the_same_however_the_day_is_cut_into_pages(
    items: list[Item], cuts: list[int]
) -> None:
    assert rows(items) == rows(items, cuts)


@few
@given(items=doings(), upto=st.integers(1, 12))
def test_what_comes_later_changes_no_row(items: list[Item], upto: int) -> None:
    """The leakage test: without the future, the rows until then are what they were."""
    whole, part = rows(items), rows(items[:upto])
    seen = [row for row in part if row[1] <= _clock(items[:upto])]

    assert whole[: len(seen)] == seen


def _clock(items: Sequence[Item]) -> int:
    """The last step that the items themselves pass."""
    newest = max(item.time for item in items)
    return workhours.microseconds(newest) // STEP_US * STEP_US
