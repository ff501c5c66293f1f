"""The model: the forest is scikit-learn's, tails are monotone, training is deterministic."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from detector.anomaly import forest, tails
from detector.anomaly.artefact import dump
from detector.anomaly.declaration import FEATURES
from detector.anomaly.model import Model, declared, train
from tests import stories


def _rows(count: int = 600) -> np.ndarray:
    return np.random.default_rng(3).exponential(1.0, (count, len(FEATURES))).astype(np.float32)


@cache
def _model() -> Model:
    made = train(_rows(), stories.declaration())
    assert made is not None
    return made


def test_the_flat_forest_scores_as_scikit_learn_does() -> None:
    rows, unseen = _rows(), np.random.default_rng(4).normal(1, 3, (500, len(FEATURES)))
    flat = forest.fit(rows, trees=40, sample=128, seed=7)
    learned = IsolationForest(n_estimators=40, max_samples=128, random_state=7).fit(rows)

    expected = -learned.score_samples(unseen.astype(np.float32))
    np.testing.assert_allclose(flat.score(unseen), expected, rtol=0, atol=1e-12)


@given(st.integers(1, 40))
def test_a_row_scores_the_same_whatever_rows_are_beside_it(size: int) -> None:
    rows = _rows(40)
    whole, _ = _model().score(rows)
    part, _ = _model().score(rows[:size])

    assert np.array_equal(part, whole[:size])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=900), st.lists(st.floats(-1e7, 1e7)))
def test_rarity_never_falls_with_the_value(sample: list[float], asked: list[float]) -> None:
    ordered = np.sort(np.array(asked, dtype=np.float64))
    surprise = tails.tail(np.array(sample)).of(ordered)

    assert (np.diff(surprise) >= 0).all()
    assert ((surprise >= 0) & (surprise <= tails.CAP)).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=900), st.lists(st.floats(-1e7, 1e7)))
def test_beyond_all_of_training_the_order_goes_on(sample: list[float], asked: list[float]) -> None:
    tail, ordered = tails.tail(np.array(sample)), np.sort(np.array(asked, dtype=np.float64))
    found, inside = tail.beyond(ordered), ordered <= max(sample)

    assert np.array_equal(found[inside], tail.of(ordered)[inside])
    assert (np.diff(found) >= 0).all()
    top = max(sample)
    assert (
        tail.beyond(np.array([top + 2 * tail.scale]))[0]
        > tail.beyond(np.array([top + tail.scale]))[0]
    )


@given(st.lists(st.floats(width=32), min_size=1, max_size=60), st.integers(1, 6))
def test_tails_looked_up_at_once_say_what_each_says(values: list[float], width: int) -> None:
    sample = np.random.default_rng(3).gamma(1.0, size=(300, width)).round(1) * np.arange(
        1, width + 1
    )
    each = [tails.tail(column) for column in sample.T]
    rows = np.resize(np.array(values, dtype=np.float32), (len(values), width))
    found = tails.Tails(each).beyond(rows, 24.0)

    for place, tail in enumerate(each):
        column = rows[:, place].astype(np.float64)
        alone = tail.beyond(np.where(np.isnan(column), -np.inf, column))
        assert np.array_equal(found[:, place], np.minimum(alone, 24.0))


def test_the_oddest_rows_do_not_tie() -> None:
    odd = np.full((3, len(FEATURES)), 1e6, dtype=np.float32)
    odd[0, 5:], odd[1, 10:] = 0, 0
    totals, _ = _model().score(odd)
    known, _ = _model().score(_rows())

    assert known.max() < totals[1] < totals[2]


def test_training_twice_gives_the_same_model() -> None:
    again = train(_rows(), stories.declaration())

    assert again is not None
    assert (again.id, dump(again)) == (_model().id, dump(_model()))


def test_too_few_rows_give_no_model() -> None:
    assert train(_rows(150), stories.declaration()) is None


def test_other_settings_of_the_training_give_it_another_name() -> None:
    usual = declared(stories.declaration())

    assert declared(stories.declaration(budget=3, title="other")) == usual
    assert _model().origin.declared == usual
    for changed in ({"seed": 2}, {"trees": 11}, {"sample": 33}, {"features": ["hour", "volume"]}):
        assert declared(stories.declaration(**changed)) != usual
