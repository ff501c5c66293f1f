"""Events from files: every format, every damage, and the order of arrival."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.events import FEEDS
from detector.sources import replay
from detector.sources.lines import blocks
from detector.sources.replay import ReplayError
from tests.stories import Item, at, audit, sign_in, usage

DAY = (
    sign_in("ann", "paris", "8:00"),
    usage("ann", "paris", "9:00"),
    usage("ann", "paris", "9:30"),
    audit("ann", "paris", "9:40"),
)


def write(folder: Path, items: Sequence[Item], arrivals: Sequence[Item] | None = None) -> None:
    """The feeds as plain files, and the order of arrival if there is one."""
    for feed in {item.feed for item in items}:
        lines = [item.raw for item in items if item.feed == feed]
        (folder / f"{feed}.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    if arrivals is not None:
        rows = [
            {
                "seq": seq,
                "received_at": item.received.isoformat(),
                "feed": item.feed,
                "uuid": item.id,
            }
            for seq, item in enumerate(arrivals, 1)
        ]
        (folder / "arrivals.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))


def ids(recorded: replay.Recorded) -> list[str]:
    return everything(recorded)["event.id"].to_list()


def everything(recorded: replay.Recorded) -> pl.DataFrame:
    """All events as one page."""
    return recorded.page(0, len(recorded))[0]


def raws(recorded: replay.Recorded) -> list[bytes]:
    """Their raw items."""
    return [*recorded.page(0, len(recorded))[1]]


def test_an_empty_folder_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"no events found; expected auditevents\.ndjson"):
        replay.read(tmp_path)


def _gzip(path: Path) -> None:
    path.with_suffix(".ndjson.gz").write_bytes(gzip.compress(path.read_bytes()))


def _zstd(path: Path) -> None:
    frame = pl.DataFrame({"line": path.read_text().splitlines()})
    frame.write_csv(f"{path}.zst", include_header=False, quote_style="never", compression="zstd")


def _parquet(path: Path) -> None:
    raw = list(path.read_bytes().splitlines())
    pl.DataFrame({"raw": raw}).write_parquet(path.with_suffix(".parquet"))


@given(st.text("a \r\n\x1c\u2028").map(str.encode), st.integers(1, 9))
def test_a_file_in_blocks_has_the_lines_it_has_as_a_whole(body: bytes, block: int) -> None:
    with NamedTemporaryFile(suffix=".ndjson") as file:
        Path(file.name).write_bytes(body)
        found = [*chain.from_iterable(blocks(Path(file.name), block=block))]
    assert found == body.splitlines()


@pytest.mark.parametrize("pack", [_gzip, _zstd, _parquet])
def test_every_format_holds_the_same(tmp_path: Path, pack: object) -> None:
    write(tmp_path, DAY)
    plain = replay.read(tmp_path)
    held = raws(plain)
    for path in tmp_path.glob("*.ndjson"):
        pack(path)  # type: ignore[operator]
        path.unlink()

    packed = replay.read(tmp_path)

    assert everything(packed).equals(everything(plain))
    assert raws(packed) == held


@pytest.mark.parametrize("pack", [None, _gzip, _zstd])
def test_a_damaged_line_is_reported_with_its_place_and_the_rest_replayed(
    tmp_path: Path, pack: object
) -> None:
    good = [item.raw.decode() for item in DAY if item.feed == "itemusages"]
    lines = [good[0], "", "{torn", '{"uuid": "E1"}', "[]", good[1]]
    path = tmp_path / "itemusages.ndjson"
    path.write_text("\n".join(lines))
    if pack is not None:
        pack(path)  # type: ignore[operator]
        path.unlink()

    recorded = replay.read(tmp_path)

    assert len(recorded) == 2
    assert [flaw.index for _, flaw in recorded.flaws] == [3, 4, 5]
    assert all(file.startswith(str(path)) for file, _ in recorded.flaws)


def test_bytes_that_are_no_text_cost_one_line(tmp_path: Path) -> None:
    good = DAY[1].raw
    path = tmp_path / "itemusages.ndjson"
    path.write_bytes(good + b"\n\xff\xfe\n")
    assert (len(replay.read(tmp_path)), len(replay.read(tmp_path).flaws)) == (1, 1)

    subprocess.run(["zstd", "-q", "--rm", str(path)], check=True)

    assert (len(replay.read(tmp_path)), len(replay.read(tmp_path).flaws)) == (1, 1)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("itemusages.ndjson.gz", b"not gzip"),
        ("itemusages.ndjson.gz", gzip.compress(b"{}" * 999, mtime=0)[:24]),
        ("itemusages.ndjson.gz", gzip.compress(b"{}" * 999, mtime=0)[:12] + b"\xff" * 20),
        ("itemusages.ndjson.zst", b"\x28\xb5\x2f\xfd" + b"z" * 20),
        ("itemusages.parquet", b"PAR1"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_in_one_line(
    tmp_path: Path, name: str, body: bytes
) -> None:
    (tmp_path / name).write_bytes(body)

    with pytest.raises(ReplayError) as error:
        replay.read(tmp_path)

    assert str(error.value).startswith(f"{tmp_path / name}: cannot be read")
    assert "\n" not in str(error.value)


def test_a_parquet_file_of_something_else_says_how_to_make_one(tmp_path: Path) -> None:
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "itemusages.parquet")

    with pytest.raises(ReplayError, match="no column 'raw'"):
        replay.read(tmp_path)


def test_without_arrivals_the_feeds_are_merged_by_event_time(tmp_path: Path) -> None:
    late = usage("ann", "paris", "-3 7:00")
    ghost = usage("ann", "paris", "400 7:00")
    day = [sign_in("ann", "paris", f"8:{minute}") for minute in range(0, 59, 2)]
    used = [usage("ann", "paris", f"8:{minute}") for minute in range(1, 59, 2)]
    write(tmp_path, [*day, *used[:5], late, ghost, *used[5:]])

    order = ids(replay.read(tmp_path))

    times = sorted([*day, *used], key=lambda item: item.time)
    assert [each for each in order if each not in {late.id, ghost.id}] == [
        item.id for item in times
    ]
    place = order.index(used[4].id)
    assert order[place + 1 : place + 3] == [late.id, ghost.id]


def test_arrivals_say_the_order_and_when_each_was_received(tmp_path: Path) -> None:
    mixed = [DAY[2], DAY[0], DAY[3], DAY[1]]
    write(tmp_path, DAY, mixed)

    recorded = replay.read(tmp_path)

    assert ids(recorded) == [item.id for item in mixed]
    assert everything(recorded)["event.received"].to_list() == [item.received for item in mixed]
    assert recorded.order.seqs.tolist() == [1, 2, 3, 4]


@given(
    arrived=st.permutations(range(len(DAY) * 2)),
    named=st.integers(1, len(DAY) * 2),
    twice=st.lists(st.integers(0, len(DAY) - 1), max_size=2),
)
def test_what_comes_twice_or_is_not_named_has_its_place_in_the_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory, arrived: list[int], named: int, twice: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("day")
    filed = [*DAY, *(DAY[at] for at in twice)]
    said = [DAY[at % len(DAY)] for at in arrived][:named]
    write(folder, filed, said)

    found = ids(replay.read(folder))

    order = [item.id for item in said]
    feeds = sorted(filed, key=lambda item: FEEDS.index(item.feed))
    wanted = sorted(
        (order.index(item.id) if item.id in order else len(order), place, item.id)
        for place, item in enumerate(feeds)
    )
    assert found == [uuid for _, _, uuid in wanted]


def test_a_damaged_arrival_is_reported_and_its_item_comes_last(tmp_path: Path) -> None:
    write(tmp_path, DAY, DAY)
    path = tmp_path / "arrivals.ndjson"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0][:-9], "", *lines[1:]]))

    recorded = replay.read(tmp_path)

    assert ids(recorded) == [item.id for item in (*DAY[1:], DAY[0])]
    ((file, flaw),) = recorded.flaws
    assert (file, flaw.index) == (str(path), 1)


def test_marks_stand_between_the_pages_where_they_stood_in_the_log(tmp_path: Path) -> None:
    write(tmp_path, DAY)
    seqs = dict(zip((item.id for item in DAY), (2, 3, 5, 6), strict=True))
    rows = [
        {"seq": seqs[i.id], "received_at": i.received.isoformat(), "feed": i.feed, "uuid": i.id}
        for i in DAY
    ]
    (tmp_path / "arrivals.ndjson").write_text("\n".join(json.dumps(row) for row in rows))
    marks: list[dict[str, Any]] = [
        {"seq": seq, "kind": kind, "at": "2026-03-02T00:00:00Z"}
        for seq, kind in ((1, "plan"), (4, "tick"), (7, "tick"))
    ]
    marks[1]["complete"] = {"auditevents": 17}
    (tmp_path / "controls.ndjson").write_text("\n".join(json.dumps(mark) for mark in marks))

    steps = list(replay.steps(replay.read(tmp_path), 1))

    shape = [
        step[0].height if isinstance(step, tuple) else f"{step.kind} {step.seq}" for step in steps
    ]
    assert shape == ["plan 1", 1, 1, "tick 4", 1, 1, "tick 7"]
    told = [step.complete for step in steps if not isinstance(step, tuple)]
    assert told == [None, {"auditevents": 17}, None]


@given(size=st.integers(1, 9))
def test_pages_of_any_size_hold_everything_once(
    tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    folder = tmp_path_factory.mktemp("day")
    write(folder, DAY)
    recorded = replay.read(folder)

    frames = [frame for frame, raws in replay.pages(recorded, size) if frame.height == len(raws)]

    assert pl.concat(frames).equals(everything(recorded))


def test_the_time_of_receipt_is_the_time_so_far(tmp_path: Path) -> None:
    write(tmp_path, [*DAY, usage("ann", "paris", "7:00")])

    received = everything(replay.read(tmp_path))["event.received"].to_list()

    assert received == sorted(received)
    assert received[-1] == at("9:40")
