"""An array that grows is what a list would be."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.growing import Growing


@given(counts=st.lists(st.integers(0, 3_000), max_size=8), first=st.integers(0, 3))
def test_what_grows_keeps_what_it_had_and_is_new_at_its_end(counts: list[int], first: int) -> None:
    grown, expected = Growing(np.arange(first)), [*range(first)]
    for count in counts:
        fresh = grown.grow(count)
        assert fresh.tolist() == [0] * max(0, count - len(expected))
        fresh[:] = np.arange(len(expected), len(expected) + len(fresh))
        expected += range(len(expected), len(expected) + len(fresh))
        assert grown.rows.tolist() == expected
