"""The stability index: nothing for the same, much for what has moved, never infinite."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.anomaly import drift


def sample(seed: int, count: int = 3_000) -> np.ndarray:
    """Three features: one spread, one that is mostly zero, one that never changes."""
    chance = np.random.default_rng(seed)
    spread = chance.exponential(1.0, count)
    mostly = np.where(chance.random(count) < 0.9, 0.0, chance.exponential(1.0, count))
    return np.stack((spread, mostly, np.ones(count)), axis=1).astype(np.float32)


def test_the_rows_of_the_training_have_not_moved() -> None:
    assert np.allclose(drift.index(drift.profile(sample(1)), sample(1)), 0.0)


@given(st.integers(0, 10_000))
def test_other_rows_of_the_same_kind_are_not_worth_a_note(seed: int) -> None:
    assert (drift.index(drift.profile(sample(1)), sample(seed)) < drift.NOTED).all()


def test_each_feature_that_moves_is_named_and_only_it() -> None:
    before = drift.profile(sample(1))
    for place in range(3):
        moved = sample(2)
        moved[:, place] = moved[:, place] * 3 + 1
        found = drift.index(before, moved)
        assert found[place] > drift.OLD
        assert np.isfinite(found).all()
        assert (np.delete(found, place) < drift.NOTED).all()


def test_a_handful_of_rows_says_nothing() -> None:
    assert (drift.index(drift.profile(sample(1)), sample(2)[: drift.FEWEST - 1] + 9) == 0).all()
