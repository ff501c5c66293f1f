"""An artefact is whole and ours, or it is refused in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.anomaly import forest
from detector.anomaly.artefact import ModelError, dump, load
from detector.anomaly.declaration import FEATURES
from detector.anomaly.model import Model, named, train
from tests import stories

Parts = dict[str, np.ndarray]


def rows(count: int = 600) -> np.ndarray:
    return np.random.default_rng(3).exponential(1.0, (count, len(FEATURES))).astype(np.float32)


@cache
def model() -> Model:
    made = train(rows(), stories.declaration())
    assert made is not None
    return made


@cache
def body() -> bytes:
    return dump(model())


def signed(parts: Parts) -> bytes:
    """An archive under a good checksum, whatever is in it."""
    archive = forest.pack(parts)
    return hashlib.sha256(archive).digest() + archive


def told(parts: Parts, **changed: object) -> Parts:
    """The archive with another manifest."""
    manifest = json.loads(parts["manifest"].tobytes()) | changed
    return parts | {"manifest": np.frombuffer(json.dumps(manifest).encode(), dtype=np.uint8)}


def test_an_artefact_read_back_is_the_same_model() -> None:
    again = load(body())

    assert (again.id, again.origin, again.features) == (
        model().id,
        model().origin,
        model().features,
    )
    assert dump(again) == body()
    for mine, theirs in zip(model().score(rows()), again.score(rows()), strict=True):
        assert np.array_equal(mine, theirs)


@given(st.data())
def test_a_damaged_artefact_is_refused(data: st.DataObject) -> None:
    broken = bytearray(body())
    place = data.draw(st.integers(0, len(broken) - 1))
    if data.draw(st.booleans()):
        broken[place] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del broken[place:]
    with pytest.raises(ModelError):
        load(bytes(broken))


@pytest.mark.parametrize("what", [b"", b"PK\x03\x04", b"\x80\x04K\x01."])
def test_what_is_no_artefact_is_refused(what: bytes) -> None:
    with pytest.raises(ModelError):
        load(what)


def test_nothing_in_an_artefact_is_a_pickle() -> None:
    with pytest.raises(ValueError, match="bject arrays"):
        forest.pack({"columns": np.array([{"a": 1}], dtype=object)})


FOREIGN: dict[str, tuple[Callable[[Parts], Parts], str]] = {
    "of another format": (lambda parts: told(parts, format=99), "format 99"),
    "for other features": (
        lambda parts: told(parts, all_features=["a"]),
        "version of the features",
    ),
    "of another meaning": (lambda parts: told(parts, meaning=-1), "version of the features"),
    "under another name": (lambda parts: told(parts, id="0" * 16), "not what its name says"),
    "without a part": (
        lambda parts: {name: part for name, part in parts.items() if name != "tree_path"},
        "not a model",
    ),
    "without a manifest": (
        lambda parts: {name: part for name, part in parts.items() if name != "manifest"},
        "not a model",
    ),
}


@pytest.mark.parametrize("how", FOREIGN)
def test_a_foreign_artefact_is_refused_though_its_checksum_holds(how: str) -> None:
    change, words = FOREIGN[how]
    with pytest.raises(ModelError, match=words):
        load(signed(change(forest.unpack(body()[32:]))))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: replace(made, columns=made.columns + len(FEATURES)),
        lambda made: replace(made, trees=replace(made.trees, feature=made.trees.feature - 1)),
        lambda made: replace(made, trees=replace(made.trees, path=made.trees.path[:, :-1])),
        lambda made: replace(made, trees=replace(made.trees, depth=made.trees.depth + 1)),
        lambda made: replace(made, of_sum=replace(made.of_sum, scale=-1.0)),
        lambda made: replace(made, golden=replace(made.golden, rows=made.golden.rows[:0])),
    ],
    ids=["columns", "tree features", "paths", "depth", "scale", "golden"],
)
def test_arrays_that_do_not_fit_each_other_are_refused(spoil: Callable[[Model], Model]) -> None:
    with pytest.raises(ModelError):
        load(dump(named(spoil(model()))))


def test_a_model_that_scores_otherwise_than_when_it_was_made_is_refused() -> None:
    other = replace(model(), golden=replace(model().golden, scores=model().golden.scores + 1e-6))
    with pytest.raises(ModelError, match="golden rows score differently"):
        load(dump(named(other)))


def test_golden_rows_reach_from_common_to_the_oddest() -> None:
    scores, _ = model().score(rows())

    assert model().golden.scores[0] == scores.min()
    assert model().golden.scores[-1] == scores.max()
