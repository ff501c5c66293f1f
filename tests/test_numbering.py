"""Numbers for what is equal: what a dictionary would say, row by row."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from detector.numbering import coded, first_rows, numbered, spread, together
from detector.pairs import Shown, pairs

keys = st.lists(st.integers(-1, 9) | st.integers(-1, 2**63 - 1), max_size=300)
texts = st.lists(st.sampled_from(["a", "b", "", None]) | st.text(max_size=3), max_size=40)


def by_first(values: list[object]) -> list[int]:
    """The number of each value by its first place, -1 for null."""
    known: dict[object, int] = {}
    return [-1 if each is None else known.setdefault(each, len(known)) for each in values]


@given(keys=keys)
def test_the_first_row_of_a_key_is_where_a_list_finds_it(keys: list[int]) -> None:
    assert first_rows(np.array(keys, dtype=np.int64)).tolist() == [keys.index(key) for key in keys]


def test_keys_that_meet_in_one_slot_stay_apart() -> None:
    keys = np.random.default_rng(7).integers(0, 2**62, 5_000)
    keys[2_500:] = keys[:2_500]

    assert first_rows(keys).tolist() == [*range(2_500)] * 2


@given(keys=keys)
def test_numbers_go_by_first_row_and_what_is_below_zero_has_none(keys: list[int]) -> None:
    numbers, rows = numbered(np.array(keys, dtype=np.int64))

    assert numbers.tolist() == by_first([None if key < 0 else key for key in keys])
    assert [keys[row] for row in rows.tolist()] == [*dict.fromkeys(k for k in keys if k >= 0)]


codes = st.integers(-1, 3) | st.sampled_from([2**31, 2**32 - 2])


@given(rows=st.lists(st.tuples(codes, codes, codes, codes), min_size=1, max_size=60))
def test_combinations_are_told_apart_however_large_their_codes(
    rows: list[tuple[int, int, int, int]],
) -> None:
    numbers, firsts = together([np.array(each, dtype=np.int64) for each in zip(*rows, strict=True)])

    assert numbers.tolist() == by_first([*rows])
    assert [rows[row] for row in firsts.tolist()] == [*dict.fromkeys(rows)]


@given(first=texts, second=texts)
def test_equal_texts_have_equal_codes_whether_they_are_categories_or_not(
    first: list[str | None], second: list[str | None]
) -> None:
    height = min(len(first), len(second))
    frame = pl.DataFrame(
        {"a": first[:height], "b": second[:height]}, schema={"a": pl.String, "b": pl.String}
    )

    found = coded(frame.with_columns(pl.col("b").cast(pl.Categorical)), ["b", "a"])

    for name in ("a", "b"):
        assert Shown.of(frame[name], found[name]).by_row() == frame[name].to_list()


@given(
    rows=st.lists(
        st.tuples(st.integers(-1, 3), st.sampled_from([None, "x", "y", "z"]), st.sampled_from([None, "x"])),
        max_size=40,
    )
)  # fmt: skip
def test_every_pair_is_there_once_and_every_row_has_its_own(
    rows: list[tuple[int, str | None, str | None]],
) -> None:
    who = np.array([person for person, _, _ in rows], dtype=np.int64)
    columns = [first for _, first, _ in rows], [second for _, _, second in rows]
    shown = [Shown.named(column, np.arange(len(rows))) for column in columns]

    found = pairs(who, shown)

    kinds = np.searchsorted(found.starts, found.what, side="right") - 1
    values = [found.texts[place] for place in found.what.tolist()]
    listed = [*zip(found.who.tolist(), kinds.tolist(), values, strict=True)]
    assert len({*listed}) == len(listed)
    for row, (person, *values) in enumerate(rows):
        for kind, value in enumerate(values):
            at = int(found.at[kind, row])
            there = person >= 0 and value is not None
            assert (listed[at] if at >= 0 else None) == ((person, kind, value) if there else None)


def test_a_value_is_one_object_in_all_of_its_rows() -> None:
    spreaded = spread(["".join(("a", "b"))], np.array([0, -1, 0]))
    assert spreaded == ["ab", None, "ab"]
    assert spreaded[0] is spreaded[2]
