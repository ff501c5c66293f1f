"""`vaultwatch coverage` over a store with every kind of gap."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from detector import app
from detector.cli.coverage import CELLS, timeline
from detector.cli.main import run
from detector.coverage import Coverage, Gap, Interval
from detector.store.sqlite import Commit, Sqlite, Start
from tests.stories import at

DAY = Interval(at("0:00"), at("1 0:00"))


def stored(folder: Path, *gaps: tuple[int, int, bool]) -> list[str]:
    """A store whose usages have gaps (hours ago from, to, lost); the words of its configuration."""
    now = app.now()
    ago = [
        Gap("itemusages", now - timedelta(hours=a), now - timedelta(hours=b), "503", lost=lost)
        for a, b, lost in gaps
    ]
    whole = Interval(now - timedelta(days=30), now - timedelta(minutes=1))
    with closing(Sqlite(folder / "data")) as store:
        feeds = dict.fromkeys(("auditevents", "itemusages"), whole)
        store.commit(Commit("acme", now, start=Start(now), covered=feeds, gaps=ago))
    (folder / "c.toml").write_text(f'[data]\ndirectory = "{folder / "data"}"\n')
    return ["--config", str(folder / "c.toml")]


def test_a_table_a_timeline_and_the_gaps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = stored(tmp_path, (50, 40, False), (700, 650, True))

    assert run(["coverage", *words]) == 1

    said = capsys.readouterr().out
    assert said.startswith("acme: complete up to ")
    assert "not swept again yet" in said
    assert "item usages, open: 503" in said
    assert "lost: 503" not in said, "longer ago than was asked for"
    rows = [line.split()[-1] for line in said.splitlines() if line.strip().endswith("█")]
    assert [len(row) for row in rows] == [CELLS, CELLS]
    assert set(rows[0]) == {"█"}
    assert 3 <= rows[1].count("░") <= 5


def test_all_is_well_is_exit_code_0_and_one_object_an_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = stored(tmp_path)

    assert run(["coverage", "--json", *words]) == 0

    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["account"] == "acme"
    assert told["sentence"].startswith("complete up to ")
    assert [each["feed"] for each in told["feeds"]] == ["auditevents", "itemusages"]
    assert told["feeds"][0]["complete"].endswith("Z")


@pytest.mark.parametrize(
    ("gap", "cell"),
    [
        (Gap("itemusages", at("6:00"), at("12:00"), "503"), "░"),
        (Gap("itemusages", at("6:00"), at("12:00"), "503", swept=at("13:00")), "▓"),
        (Gap("itemusages", at("6:00"), at("12:00"), "503", lost=True), "x"),
    ],
)
def test_a_cell_shows_the_worst_that_is_known(gap: Gap, cell: str) -> None:
    known = Coverage("itemusages", (DAY,), (gap,))
    after = DAY.end + timedelta(hours=6)

    assert timeline(known, DAY.start, after, cells=5) == f"█{cell}██·"
