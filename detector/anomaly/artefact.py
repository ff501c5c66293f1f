"""A model as bytes: an npz of flat arrays with a JSON manifest, under a SHA-256; never a pickle.

An artefact is whole and ours, or it is refused: the checksum, the format, the features, the shape
of every array and the indices in them are checked, and golden rows must score as they did when it
was made.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from detector.anomaly import drift, forest
from detector.anomaly.declaration import FEATURES, MEANING
from detector.anomaly.model import Golden, Model, Origin, arrays, named
from detector.anomaly.tails import Tail

FORMAT: Final = 5
DIGEST: Final = hashlib.sha256().digest_size
CLOSE: Final = 1e-9
"""How far a golden score may be off: less than anything that decides, more than rounding."""


class ModelError(ValueError):
    """The artefact is damaged, or made for other features or another version."""


def dump(model: Model) -> bytes:
    """The artefact: a SHA-256, then an npz archive. The same model gives the same bytes."""
    manifest = {
        "format": FORMAT,
        "id": model.id,
        "features": model.features,
        "all_features": FEATURES,
        "meaning": MEANING,
        "own": model.own,
        "origin": asdict(model.origin),
        "made_with": {name: version(name) for name in ("numpy", "scikit-learn")},
    }
    body = np.frombuffer(json.dumps(manifest).encode(), dtype=np.uint8)
    archive = forest.pack(arrays(model) | {"manifest": body})
    return hashlib.sha256(archive).digest() + archive


def load(body: bytes) -> Model:
    """Read an artefact back, and check that it is whole, ours, and scores as it did.

    Raises ModelError.
    """
    digest, archive = body[:DIGEST], body[DIGEST:]
    if hashlib.sha256(archive).digest() != digest:
        msg = "damaged: its content does not match its checksum"
        raise ModelError(msg)
    try:
        parts, manifest = _opened(archive)
        model = _rebuilt(parts, manifest)
        _check(model, manifest["id"])
    except ModelError:
        raise
    except (KeyError, OSError, ValueError, IndexError, EOFError, TypeError, BadZipFile) as error:
        msg = f"not a model: {type(error).__name__}: {error}"
        raise ModelError(msg) from error
    return model


def _opened(archive: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    parts = forest.unpack(archive)
    manifest = json.loads(parts.pop("manifest").tobytes())
    if manifest["format"] != FORMAT:
        msg = f"of format {manifest['format']}, this version reads {FORMAT}; train again"
        raise ModelError(msg)
    if tuple(manifest["all_features"]) != FEATURES or manifest["meaning"] != MEANING:
        msg = "made by another version of the features; train again"
        raise ModelError(msg)
    return parts, manifest


def _rebuilt(parts: dict[str, np.ndarray], manifest: dict[str, Any]) -> Model:
    def tail(name: str) -> Tail:
        scale = float(parts[f"{name}_scale"])
        return Tail(parts[f"{name}_values"], parts[f"{name}_surprise"], scale)

    features = tuple(manifest["features"])
    depth, normal_path = parts["shape"]
    trees = forest.Forest(
        parts["tree_feature"],
        parts["tree_threshold"],
        parts["tree_path"],
        int(depth),
        float(normal_path),
    )
    return named(
        Model(
            id="",
            features=features,
            columns=parts["columns"],
            tails=tuple(tail(f"feature_{place}") for place in range(len(features))),
            trees=trees,
            of_score=tail("score"),
            of_sum=tail("sum"),
            profile=drift.Profile(parts["profile_edges"], parts["profile_shares"]),
            golden=Golden(parts["golden_rows"], parts["golden_scores"]),
            origin=Origin(**manifest["origin"]),
            own=tuple(manifest["own"]),
        )
    )


def _check(model: Model, identity: str) -> None:
    """Nothing that a well-made archive may not hold reaches the scoring of real hours."""
    if model.id != identity:
        msg = "its content is not what its name says"
        raise ModelError(msg)
    width, inner = len(model.features), 2**model.trees.depth - 1
    columns = len(FEATURES) + len(model.own)
    whole = (
        model.columns.shape == (width,)
        and ((model.columns >= 0) & (model.columns < columns)).all()
        and model.trees.feature.shape == model.trees.threshold.shape
        and model.trees.feature.shape[1] == inner
        and ((model.trees.feature >= 0) & (model.trees.feature < width)).all()
        and model.trees.path.shape == (len(model.trees.feature), inner + 1)
        and all(tail.scale > 0 for tail in (*model.tails, model.of_score, model.of_sum))
        and len(model.golden.rows) > 0
    )
    if not whole:
        msg = "its arrays do not fit each other"
        raise ModelError(msg)
    scores, _ = model.score(model.golden.rows)
    if not np.allclose(scores, model.golden.scores, rtol=0, atol=CLOSE):
        off = float(np.abs(scores - model.golden.scores).max())
        msg = f"its golden rows score differently here (by {off:.3g}); train again"
        raise ModelError(msg)
