"""The lines of event files: however a file is cut into blocks, the lines are the same."""

from __future__ import annotations

import gzip
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import raws
from detector.sources import lines, replay
from detector.sources.lines import ReplayError
from tests.stories import usage

bodies = st.lists(st.sampled_from([b"a", b"{}", b" ", b"\n", b"\r\n", b"\r", b"x" * 9])).map(
    b"".join
)


@given(body=bodies, block=st.integers(1, 8), many=st.integers(1, 4), packed=st.booleans())
def test_however_a_file_is_cut_its_lines_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, block: int, many: int, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("lines") / ("f.ndjson.gz" if packed else "f.ndjson")
    path.write_bytes(gzip.compress(body) if packed else body)

    found = list(lines.blocks(path, block=block, many=many))

    assert [*chain.from_iterable(found)] == body.splitlines()


def test_a_packed_file_is_given_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pl.DataFrame({"raw": [b"a", None, b"c"]}).write_parquet(path)

    assert list(lines.blocks(path, many=2)) == [[b"a", b""], [b"c"]]


def test_the_raw_items_of_a_replay_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    items = [usage("ann", "paris", f"9:{minute}").raw for minute in range(10, 20)]
    path = tmp_path / "itemusages.ndjson"
    path.write_bytes(b"\n".join([*items[:5], b"", b"{torn", *items[5:]]))

    _, found = replay.read(tmp_path).page(2, 9)

    assert [*found] == items[2:9]
    assert [*found[1:3]] == items[3:5]
    assert [*raws.chosen(found, np.array([6, 0]))] == [items[8], items[2]]
    assert found.hashes.tolist() == raws.hashes(items[2:9]).tolist()

    path.write_bytes(b"\n".join(items[::-1]))
    with pytest.raises(ReplayError, match=r"itemusages\.ndjson:3: the line was changed"):
        found[0]
    path.write_bytes(items[0])
    with pytest.raises(ReplayError, match=r"itemusages\.ndjson:3: the line is gone"):
        found[0]
