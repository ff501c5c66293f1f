"""The oracle: generated rules on generated events, here and in pysigma-backend-sqlite.

What is generated keeps clear of the differences that `reasons.MEANING` names: ASCII only, no
lists, networks, expressions, times or keywords, and order only among numbers.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.foreign.sqlite_engine import SqliteEngine
from detector.rulebook.loading import load
from detector.rulebook.matching import plan
from detector.rulebook.schemas import Schema

ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001"
DTYPES = {"a": pl.String(), "b.c": pl.String(), "n": pl.Int64()}
SCHEMA = Schema("events", {name: name for name in DTYPES}, DTYPES, ("a", "b.c"))
texts = st.text("abAB%_ .-/0", max_size=5)
words = st.text("abAB%_ .-/0*?", min_size=1, max_size=4)
rows = st.fixed_dictionaries(
    {
        "a": st.none() | texts,
        "b.c": st.none() | texts,
        "n": st.none() | st.integers(-3, 12),
    }
)
field = st.sampled_from(["a", "b.c", "nobody.has.it"])
shape = st.sampled_from(
    ["", "|contains", "|startswith", "|endswith", "|contains|all", "|neq", "|windash|contains"]
)
items = st.one_of(
    st.tuples(
        st.builds("{}{}".format, field, shape), words | st.lists(words, min_size=1, max_size=4)
    ),
    st.tuples(st.builds("{}|exists".format, field), st.booleans()),
    st.tuples(field, st.none()),
    st.tuples(
        st.sampled_from(["n", "n|lt", "n|lte", "n|gt", "n|gte", "n|neq"]), st.integers(-3, 12)
    ),
)
selections = st.lists(items, min_size=1, max_size=3).map(dict)
conditions = st.sampled_from(
    ["s_a and s_b", "s_a or not s_b", "not (s_a and s_b)", "1 of s_*", "not all of them"]
)


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(selections, selections, conditions, st.lists(rows, min_size=1, max_size=12))
def test_an_engine_that_nobody_here_wrote_says_the_same(
    one: dict[str, Any], two: dict[str, Any], condition: str, found: list[dict[str, Any]]
) -> None:
    detection = {"s_a": one, "s_b": two, "condition": condition}
    text = yaml.safe_dump(
        {"title": "t", "id": ID, "logsource": {"product": "other"}, "detection": detection}
    )
    loaded = load({"r.yml": text})
    assert not loaded.mistakes, (text, [str(mistake) for mistake in loaded.mistakes])
    frame = pl.DataFrame(found, schema=DTYPES)
    made = plan(SCHEMA, {ID: loaded.rulebook.matches[0].condition})
    ours = next((hits.tolist() for _, hits in made.hits(frame)), []) if made else []
    other = SqliteEngine(frame, SCHEMA)
    try:
        theirs = other.rows(other.query(detection)).tolist()
    finally:
        other.close()

    assert ours == theirs, text
