"""Pages become daily files and old ones go; what is read stays the same, die where you will."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from detector import accounts, events, jobs, window
from detector.jobs.tidying import tidy
from detector.sources.records import shape
from detector.store import compaction
from detector.store.log import Entry
from detector.store.sqlite import Commit, Control, Sqlite, Start, StoreError
from tests import stories
from tests.fakes import SPAN, Clock, Death, Mortal, ScriptedSource, close, open_desk
from tests.stories import Item, at, usage

DAYS = 5
LONG = timedelta(days=90)


def day(number: int) -> list[Item]:
    """Six usages of two people."""
    return [
        usage(who, "paris", f"{number} {hour}:00", item=f"i{number}")
        for hour in (9, 10, 11)
        for who in ("ann", "ben")
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of an account that was polled twice a day for five days, in pages of four."""
    directory = tmp_path_factory.mktemp("made")
    opened = open_desk(directory, at("-3 0:00"))
    source = ScriptedSource(size=4)
    for number in range(DAYS):
        source.add(day(number))
        for hour in (10, 20):
            jobs.poll(opened, source, Clock(at(f"{number} {hour}:30")))
    jobs.keep_state(opened, at(f"{DAYS - 1} 21:00"))
    close(opened)
    return directory


@pytest.fixture
def desk(tmp_path: Path, made: Path) -> Iterator[jobs.Desk]:
    """That account at work."""
    shutil.copytree(made, tmp_path / "data")
    opened = open_desk(tmp_path / "data", at(f"{DAYS - 1} 21:00"))
    yield opened
    close(opened)


def log_of(store: Sqlite) -> list[tuple[int, str, str, bytes]]:
    """Every single entry of the log: seq, kind, id, raw."""
    found = []
    for entry in store.log.entries("acme", after=0):
        if entry.page is not None:
            frame, raws = entry.page
            assert frame.schema == pl.Schema(events.SCHEMA)
            found += list(
                zip(frame["event.seq"], frame["event.feed"], frame["event.id"], raws, strict=True)
            )
        elif entry.control is not None:
            found.append((entry.seq, entry.control.kind, "", entry.control.body))
    return found


def files(desk: jobs.Desk) -> list[Path]:
    return sorted(path for path in folder(desk).rglob("*") if path.is_file())


def folder(desk: jobs.Desk) -> Path:
    return desk.store.directory / "segments"


def test_days_that_are_over_become_a_file_each_and_read_the_same(desk: jobs.Desk) -> None:
    before = log_of(desk.store)

    assert desk.store.compact("acme", jobs.nowhere) == DAYS - 1

    assert log_of(desk.store) == before
    assert len(files(desk)) == DAYS - 1
    assert desk.store.counts()["event"] == DAYS * 6
    assert desk.store.log.is_whole("acme")
    assert desk.store.compact("acme", jobs.nowhere) == 0


def test_a_file_is_for_everybody_to_read(desk: jobs.Desk) -> None:
    desk.store.compact("acme", jobs.nowhere)

    frame = pl.read_parquet(folder(desk))

    assert frame["event.id"].n_unique() == (DAYS - 1) * 6
    assert set(events.SCHEMA) < set(frame.columns)


@pytest.mark.parametrize("after", range(0, DAYS * 8, 7))
def test_the_log_can_be_read_from_the_middle_of_a_file(desk: jobs.Desk, after: int) -> None:
    desk.store.compact("acme", jobs.nowhere)
    rest = [
        uuid for frame, _ in desk.store.log.pages("acme", after=after) for uuid in frame["event.id"]
    ]

    assert rest == [uuid for seq, _, uuid, _ in log_of(desk.store) if uuid and seq > after]


def brought_back(desk: jobs.Desk) -> accounts.Account:
    return accounts.restore(desk.store, "acme", span=SPAN)


def test_a_start_from_files_is_a_start_from_pages(desk: jobs.Desk) -> None:
    page = stories.page(day(2) + day(4))
    before = brought_back(desk).state
    desk.store.compact("acme", jobs.nowhere)
    after = brought_back(desk).state

    assert after.window.frame().equals(before.window.frame())
    assert len(after.window.seen) == len(before.window.seen) == DAYS * 6
    for state in (before, after):
        rows, changed = state.window.fresh(*page)
        assert (len(rows), changed) == (0, 0)


@pytest.mark.parametrize("stop", [1, 4, 9])
def test_what_is_read_while_it_becomes_files_is_read_once(desk: jobs.Desk, stop: int) -> None:
    expected = [uuid for _, _, uuid, _ in log_of(desk.store) if uuid]
    found: list[str] = []
    with closing(Sqlite(desk.store.directory, write=False)) as reader:
        for count, (frame, _) in enumerate(reader.log.pages("acme"), 1):
            found += frame["event.id"].to_list()
            if count == stop:
                assert desk.store.compact("acme", jobs.nowhere)

    assert found == expected


POINTS = ("before_file", "after_file", "before_manifest", "after_manifest")


@pytest.mark.parametrize("nth", range(1, len(POINTS) * 2 + 1))
def test_to_die_at_any_point_of_it_changes_nothing(desk: jobs.Desk, nth: int) -> None:
    before = log_of(desk.store)
    mortal = Mortal(nth)

    with pytest.raises(Death):
        desk.store.compact("acme", mortal)
    desk.store.close()
    desk.store = Sqlite(desk.store.directory)

    assert mortal.seen[-1] == POINTS[(nth - 1) % 4]
    assert log_of(desk.store) == before
    vouched = nth // 4
    assert len(files(desk)) == vouched, "strays are swept up at the start"
    assert desk.store.compact("acme", jobs.nowhere) == DAYS - 1 - vouched
    assert log_of(desk.store) == before
    assert desk.store.damaged(thoroughly=True) == []


def test_half_a_file_is_swept_up(desk: jobs.Desk) -> None:
    desk.store.compact("acme", jobs.nowhere)
    kept = files(desk)
    (kept[0].parent / "000000000000099.parquet.part").write_bytes(b"half")
    desk.store.close()
    desk.store = Sqlite(desk.store.directory)

    assert files(desk) == kept


def test_a_file_that_is_gone_or_changed_is_named(desk: jobs.Desk) -> None:
    desk.store.compact("acme", jobs.nowhere)
    first, second = files(desk)[:2]
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    names = [each.relative_to(desk.store.directory).as_posix() for each in (first, second)]
    assert desk.store.damaged(thoroughly=True) == names[1:]
    first.unlink()

    assert desk.store.damaged() == names[:1]
    with pytest.raises(StoreError, match=r"is missing; restore a backup"):
        log_of(desk.store)


def test_an_entry_that_is_missing_is_no_start(desk: jobs.Desk) -> None:
    with desk.store._database.transaction() as sql:
        sql.execute("DELETE FROM control WHERE seq = 8 OR kind = 'tick' AND seq < 12")

    with pytest.raises(StoreError, match="entries of the log are missing"):
        brought_back(desk)


def test_what_is_too_old_goes_and_the_rest_is_a_start(desk: jobs.Desk) -> None:
    tidy(desk, at("4 22:00"), remember=timedelta(days=2))

    assert desk.store.counts()["event"] == 2 * 6
    assert len(files(desk)) == 1
    assert desk.store.log.first_seq("acme") > 18
    assert desk.store.log.is_whole("acme")
    assert len(brought_back(desk).state.window.seen) == 2 * 6
    plan = desk.account.texts.version
    with desk.store._database.transaction() as sql:
        sql.execute("DELETE FROM snapshot")
    without = brought_back(desk)
    assert without.texts.version == plan
    assert without.state.memory.seq == desk.account.state.memory.seq


def test_what_no_snapshot_covers_stays(desk: jobs.Desk) -> None:
    with desk.store._database.transaction() as sql:
        sql.execute("DELETE FROM snapshot")

    assert desk.store.expire("acme", at("99 0:00"), jobs.nowhere) == 0


@pytest.mark.parametrize(("point", "left"), [("before_expiry", DAYS), ("after_expiry", 3)])
def test_to_die_while_old_days_go_leaves_all_or_none(
    desk: jobs.Desk, point: str, left: int
) -> None:
    desk.store.compact("acme", jobs.nowhere)

    def die(name: str) -> None:
        if name == point:
            raise Death(name)

    with pytest.raises(Death):
        desk.store.expire("acme", at("2 0:00"), die)
    desk.store.close()
    desk.store = Sqlite(desk.store.directory)

    assert desk.store.counts()["event"] == left * 6
    assert len(files(desk)) == left - 1
    brought_back(desk)


def test_a_day_of_many_events_is_several_files(
    desk: jobs.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = log_of(desk.store)
    monkeypatch.setattr(compaction, "MOST_EVENTS", 4)

    assert desk.store.compact("acme", jobs.nowhere) > DAYS
    assert log_of(desk.store) == before


def test_a_late_page_does_not_begin_its_day_again(desk: jobs.Desk) -> None:
    source = ScriptedSource([usage("ann", "paris", "1 9:30", item="offline")])
    jobs.poll(desk, source, Clock(at("4 22:00")))

    assert desk.store.compact("acme", jobs.nowhere) == DAYS - 1


@pytest.mark.parametrize("name", ["..", "a/b", "ünï", "x" * 300, ".", "CON", "a=b"])
def test_no_name_of_an_account_leads_astray(tmp_path: Path, name: str) -> None:
    items = day(0) + day(1)
    with closing(Sqlite(tmp_path)) as store:
        store.commit(Commit(name, at("0:00"), start=Start(at("0:00")), controls=[_plan()]))
        for first in range(0, 12, 6):
            part = items[first : first + 6]
            frame = shape(part[0].feed, [item.raw for item in part], at("2 0:00")).frame
            seqs = pl.Series("event.seq", np.arange(first + 2, first + 8))
            raws = [item.raw for item in part]
            store.commit(Commit(name, at("2 0:00"), frame=frame.with_columns(seqs), raws=raws))
        assert store.compact(name, jobs.nowhere) == 1
        assert sum(frame.height for frame, _ in store.log.pages(name)) == 12
    (path,) = (tmp_path / "segments").glob("*/*.parquet")
    assert path.parent.parent == tmp_path / "segments"


def _plan() -> Control:
    return Control(1, "plan", at("0:00"))


def test_the_key_of_an_event_is_the_same_for_ever() -> None:
    frame, _ = stories.page([usage("ann", "paris", "9:00")])
    frame = frame.with_columns(pl.lit("E1").alias("event.id"))

    # XXH3 of b"itemusages\0E1": another key, and every stored event would be new again.
    assert window.keys(frame).tolist() == [7181300239887007300]


def test_an_entry_names_its_seq(desk: jobs.Desk) -> None:
    desk.store.compact("acme", jobs.nowhere)
    for entry in desk.store.log.entries("acme", after=0):
        assert isinstance(entry, Entry)
        if entry.page is not None:
            seqs = entry.page[0]["event.seq"].to_list()
            assert seqs == list(range(entry.seq, entry.seq + len(seqs)))
