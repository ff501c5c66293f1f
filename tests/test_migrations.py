"""The schema moves forward only, step by step, and what was there before is kept beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from detector.store import migrations, places
from detector.store.database import FILE, Database, StoreError
from detector.store.migrations import Steps

FIRST = "CREATE TABLE deed (name TEXT NOT NULL) STRICT;"
SECOND = "ALTER TABLE deed ADD COLUMN place TEXT NOT NULL DEFAULT 'here';"
THIRD = "CREATE INDEX deed_by_place ON deed (place); UPDATE deed SET place = upper(place);"
BROKEN = "INSERT INTO deed (name) VALUES ('half'); INSERT INTO absent VALUES (1);"


@contextmanager
def opened(directory: Path, steps: Steps, *, write: bool = True) -> Iterator[Database]:
    database = Database(directory, write=write, steps=steps)
    try:
        yield database
    finally:
        database.close()


def do(directory: Path, steps: Steps, name: str) -> None:
    with opened(directory, steps) as database, database.transaction() as sql:
        sql.execute("INSERT INTO deed (name) VALUES (?)", (name,))


def schema(directory: Path, file: str = FILE) -> list[str]:
    with closing(sqlite3.connect(directory / file)) as sql:
        return [row[0] for row in sql.execute("SELECT sql FROM sqlite_schema ORDER BY name")]


@pytest.mark.parametrize("old", [1, 2])
def test_an_old_database_becomes_what_a_new_one_is(tmp_path: Path, old: int) -> None:
    steps = [FIRST, SECOND, THIRD]
    do(tmp_path / "old", steps[:old], "theft")
    do(tmp_path / "new", steps, "theft")

    with opened(tmp_path / "old", steps) as database:
        assert database.rows("SELECT * FROM deed") == [("theft", "HERE")]

    assert schema(tmp_path / "old") == schema(tmp_path / "new")


def test_what_was_there_before_is_kept_beside_it(tmp_path: Path) -> None:
    do(tmp_path, [FIRST], "theft")
    with opened(tmp_path, [FIRST, SECOND, THIRD]):
        pass

    kept = tmp_path / f"{FILE}.v1"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert schema(tmp_path, kept.name) == [FIRST.rstrip(";")]
    with closing(sqlite3.connect(kept)) as sql:
        assert sql.execute("SELECT name FROM deed").fetchall() == [("theft",)]
        assert sql.execute("PRAGMA user_version").fetchone() == (1,)
    assert [each.name for each in tmp_path.glob("*.part")] == []


def test_a_database_that_is_new_or_up_to_date_is_not_copied(tmp_path: Path) -> None:
    do(tmp_path, [FIRST, SECOND], "theft")
    do(tmp_path, [FIRST, SECOND], "travel")

    assert sorted(each.name for each in tmp_path.iterdir()) == ["lock", FILE]


def test_a_step_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    do(tmp_path, [FIRST], "theft")

    with (
        pytest.raises(StoreError, match="no such table: absent"),
        opened(tmp_path, [FIRST, SECOND, BROKEN]),
    ):
        pass

    with opened(tmp_path, [FIRST, SECOND]) as database:
        assert database.rows("SELECT * FROM deed") == [("theft", "here")]


def test_a_reader_changes_no_schema(tmp_path: Path) -> None:
    do(tmp_path, [FIRST], "theft")

    with (
        pytest.raises(StoreError, match="'vaultwatch run' brings it up to date"),
        opened(tmp_path, [FIRST, SECOND], write=False),
    ):
        pass

    assert schema(tmp_path) == [FIRST.rstrip(";")]


def test_there_is_no_way_back(tmp_path: Path) -> None:
    do(tmp_path, [FIRST, SECOND], "theft")

    with pytest.raises(StoreError, match="written by a newer version"), opened(tmp_path, [FIRST]):
        pass


def test_the_shipped_steps_make_a_sound_database(tmp_path: Path) -> None:
    with opened(tmp_path, migrations.shipped()) as database:
        assert database.rows("PRAGMA integrity_check") == [("ok",)]
        assert database.rows("PRAGMA user_version") == [(len(migrations.shipped()),)]


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:50 / /srv/with\\040space rw - nfs4 server:/x rw
31 30 0:51 / /srv/with\\040space/local rw - xfs /dev/vdb rw
32 22 0:52 / /top rw - nfs4 server:/y rw
33 22 0:53 / /top rw - tmpfs none rw
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/srv/with space/data", "nfs4"),
        ("/srv/with space/local/data", "xfs"),
        ("/srv/with space2", "ext4"),
        ("/top/data", "tmpfs"),
    ],
)
def test_the_file_system_of_a_place_is_known(place: str, kind: str) -> None:
    assert places.file_system(Path(place), MOUNTS) == kind
