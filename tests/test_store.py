"""The store: a step is stored as a whole or not at all, once, by one process."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from detector import jobs, kernel
from detector.alerts import Status
from detector.delivery.journal import Change, How
from detector.findings import Finding, Level
from detector.sources.records import Flaw
from detector.store.database import FILE
from detector.store.migrations import shipped
from detector.store.sqlite import Commit, Control, Sqlite, Start, StoreError
from tests import stories
from tests.fakes import Mailbox, round_
from tests.stories import at, sign_in, usage
from tests.team import learned_engine

NOW = at("12:00")


@pytest.fixture(scope="module")
def outcome() -> kernel.Outcome:
    """What came of a page in which somebody travels impossibly fast."""
    state = learned_engine()
    frame, contents = stories.page(_ITEMS)
    found = kernel.detect(state, frame, contents)
    assert found.alerts
    return replace(found, frame=found.frame.with_columns(pl.col("event.seq") - _before(found)))


_ITEMS = [
    sign_in("ann", "paris", "10:00"),
    sign_in("ann", "lagos", "11:00"),
    usage("ben", "paris", "11:05"),
]


def _before(found: kernel.Outcome) -> int:
    return int(found.frame["event.seq"][0]) - 2


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sqlite]:
    """A store with the account acme, whose log has one entry."""
    opened = Sqlite(tmp_path / "data")
    opened.commit(Commit("acme", NOW, start=Start(NOW), controls=[Control(1, "plan", NOW, b"x")]))
    yield opened
    opened.close()


def step(outcome: kernel.Outcome, **changed: object) -> Commit:
    """A step with something of everything in it."""
    whole = Commit(
        "acme",
        NOW,
        frame=outcome.frame,
        raws=[item.raw for item in _ITEMS],
        flaws=[Flaw("itemusages", 0, "uuid: missing", set_aside=True, raw=b"{}")],
        cursors={"signinattempts": ("c1", at("11:00"))},
        alerts=outcome.alerts,
        suppressed=outcome.suppressed,
        model=("m1", b"trees"),
        snapshot=(4, b"state"),
    )
    return replace(whole, **changed)  # type: ignore[arg-type]


def test_a_step_comes_back_as_it_was_stored(store: Sqlite, outcome: kernel.Outcome) -> None:
    store.commit(step(outcome))

    assert store.cursors("acme") == {"signinattempts": ("c1", at("11:00"))}
    assert store.alerts() == sorted(outcome.alerts, key=lambda each: (each.time, each.id))
    with store.deciding(NOW) as book:
        assert {each.alert_id for each in book.news(most=9)} == {a.id for a in outcome.alerts}
    assert store.model("m1") == b"trees"
    assert store.snapshot("acme") == (4, b"state")
    entries = list(store.log.entries("acme", after=0))
    assert [entry.seq for entry in entries] == [1, 2]
    frame, raws = entries[1].page or (None, [])
    assert frame is not None
    assert frame.equals(outcome.frame)
    assert raws == [item.raw for item in _ITEMS]
    assert list(store.log.entries("acme", after=4)) == []


def test_a_page_and_all_that_came_of_it_is_stored_whole_or_not_at_all(
    store: Sqlite, outcome: kernel.Outcome
) -> None:
    before = store.counts()
    unsound = step(outcome, snapshot=(4, None))

    with pytest.raises(StoreError):
        store.commit(unsound)

    assert store.counts() == before
    assert store.cursors("acme") == {}
    assert store.snapshot("acme") is None
    store.commit(step(outcome))
    assert store.counts()["event"] == 3


@pytest.mark.parametrize("shift", [-1, 1, 5])
def test_a_step_that_does_not_go_on_where_the_log_ends_is_refused(
    store: Sqlite, outcome: kernel.Outcome, shift: int
) -> None:
    moved = outcome.frame.with_columns(pl.col("event.seq") + shift)

    with pytest.raises(StoreError, match="the log goes on at 2"):
        store.commit(step(outcome, frame=moved))

    assert store.counts()["event"] == 0


def test_the_same_step_is_not_stored_twice(store: Sqlite, outcome: kernel.Outcome) -> None:
    store.commit(step(outcome))
    before = store.counts()

    with pytest.raises(StoreError, match="the log goes on at 5"):
        store.commit(step(outcome))
    with pytest.raises(StoreError, match="the log goes on at 5"):
        store.commit(Commit("acme", NOW, controls=[Control(4, "tick", NOW)]))

    assert store.counts() == before


def test_accounts_have_logs_of_their_own(store: Sqlite, outcome: kernel.Outcome) -> None:
    store.commit(Commit("other", NOW, start=Start(NOW), controls=[Control(1, "plan", NOW)]))
    store.commit(step(outcome))

    assert [entry.seq for entry in store.log.entries("other", after=0)] == [1]
    assert store.events("other") == 0
    assert store.accounts() == ["acme", "other"]


def test_an_alert_that_changes_keeps_the_status_a_person_gave_it(
    store: Sqlite, outcome: kernel.Outcome
) -> None:
    store.commit(step(outcome))
    alert = outcome.alerts[0]
    said = Change(NOW, alert.id, Status.BENIGN, "sam", How.CLI, "her holiday")
    with store.deciding(NOW) as book:
        book.set_status(said)

    store.commit(Commit("acme", NOW, alerts=[replace(alert, count=9)]))

    (found,) = store.alert(alert.id[:8])
    assert (found.status, found.count) == (Status.BENIGN, 9)
    assert store.journal.of(alert.id) == [said]
    assert store.alerts(status="open") == [each for each in store.alerts() if each.id != alert.id]


def test_an_id_is_no_pattern(store: Sqlite, outcome: kernel.Outcome) -> None:
    store.commit(step(outcome))

    assert store.alert("%") == []
    assert store.alert("_" * 26) == []


def test_a_cursor_never_forgets_the_newest_time_behind_it(store: Sqlite) -> None:
    store.commit(Commit("acme", NOW, cursors={"itemusages": ("c1", at("11:00"))}))
    store.commit(Commit("acme", NOW, cursors={"itemusages": ("c2", at("9:00"))}))
    store.commit(Commit("acme", NOW, cursors={"itemusages": ("c3", None)}))

    assert store.cursors("acme") == {"itemusages": ("c3", at("11:00"))}


def test_a_suppressed_finding_is_kept_with_its_rung(store: Sqlite, outcome: kernel.Outcome) -> None:
    alert = outcome.alerts[0]
    finding = Finding(
        alert.rule.id, alert.level, 0.5, alert.subject, NOW, NOW, 3, ("E1",), (3,),
        suppressed_by="known device",
    )  # fmt: skip

    store.commit(Commit("acme", NOW, suppressed=[finding]))

    assert store.counts()["suppressed"] == 1


def test_a_second_process_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first = Sqlite(tmp_path)
    script = f"from pathlib import Path; from detector.store.sqlite import Sqlite; Sqlite(Path({str(tmp_path)!r}))"

    second = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert second.stderr.splitlines()[-1].endswith(
        f"{tmp_path}: in use by another vaultwatch process; stop it first"
    )
    first.close()
    Sqlite(tmp_path).close()


def test_a_process_that_dies_lets_go_of_the_directory(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import os
        from pathlib import Path
        from detector.store.sqlite import Sqlite
        Sqlite(Path({str(tmp_path)!r}))
        os._exit(137)
    """)
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 137

    Sqlite(tmp_path).close()


def test_a_newer_schema_is_refused_in_one_line_and_left_alone(tmp_path: Path) -> None:
    Sqlite(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as sql:
        sql.execute("PRAGMA user_version = 700")
    sql.close()

    for write in (True, False):
        with pytest.raises(StoreError) as refusal:
            Sqlite(tmp_path, write=write)
        assert str(refusal.value) == (
            f"{tmp_path / FILE}: written by a newer version (schema 700, this one knows {len(shipped())}); "
            "install that version again"
        )


def _rubbish(directory: Path) -> None:
    (directory / FILE).write_bytes(b"this is no database" * 100)


def _torn(directory: Path) -> None:
    Sqlite(directory).close()
    whole = (directory / FILE).read_bytes()
    (directory / FILE).write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))


def _no_directory(directory: Path) -> None:
    directory.rmdir()
    directory.write_text("a file")


def _unreadable(directory: Path) -> None:
    (directory / FILE).mkdir()


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("damage", [_rubbish, _torn, _no_directory, _unreadable])
def test_a_directory_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, damage: object, write: bool
) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    damage(directory)  # type: ignore[operator]

    with pytest.raises(StoreError) as refusal, closing(Sqlite(directory, write=write)) as store:
        store.counts()

    assert str(refusal.value).startswith(str(directory))
    assert "\n" not in str(refusal.value)


def _fill(store: Sqlite) -> None:
    for seq in range(2, 100):
        control = Control(seq, "plan", NOW, os.urandom(30_000))
        store.commit(Commit("acme", NOW, controls=[control]))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_disk_that_is_full_loses_nothing_that_was_stored(
    tmp_path: Path, outcome: kernel.Outcome
) -> None:
    directory = tmp_path / "small"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(directory)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        store = Sqlite(directory)
        store.commit(Commit("acme", NOW, start=Start(NOW), controls=[Control(1, "plan", NOW)]))
        with pytest.raises(StoreError, match="full"):
            _fill(store)
        kept = store.counts()["control"]
        assert kept > 1
        assert [each.seq for each in store.log.controls("acme")] == list(range(1, kept + 1))
        assert store.healthy() == "ok"
        store.close()
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def test_a_reader_needs_data_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no data here yet"):
        Sqlite(tmp_path, write=False)

    assert list(tmp_path.iterdir()) == []


def test_a_reader_sees_what_is_stored_and_cannot_write(
    store: Sqlite, tmp_path: Path, outcome: kernel.Outcome
) -> None:
    store.commit(step(outcome))
    reader = Sqlite(tmp_path / "data", write=False)

    assert reader.alerts() == store.alerts()
    with pytest.raises(StoreError, match="readonly"):
        reader.commit(Commit("acme", NOW, cursors={"itemusages": ("c9", None)}))
    reader.close()
    assert store.cursors("acme").keys() == {"signinattempts"}


def test_reading_changes_nothing_in_the_file(tmp_path: Path) -> None:
    Sqlite(tmp_path).close()
    before = hashlib.sha256((tmp_path / FILE).read_bytes()).hexdigest()

    reader = Sqlite(tmp_path, write=False)
    assert (reader.counts()["event"], reader.healthy()) == (0, "ok")
    reader.close()

    assert hashlib.sha256((tmp_path / FILE).read_bytes()).hexdigest() == before


def test_nobody_else_may_read_what_people_did(tmp_path: Path) -> None:
    Sqlite(tmp_path / "data").close()

    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / FILE).stat().st_mode & 0o777 == 0o600


def test_a_name_belongs_to_one_1password_account(store: Sqlite) -> None:
    store.claim("acme", "ACCOUNT1")
    store.claim("acme", "ACCOUNT1")

    with pytest.raises(StoreError, match="give the source another name"):
        store.claim("acme", "ACCOUNT2")


def test_what_was_given_up_is_sent_again_when_asked(store: Sqlite, outcome: kernel.Outcome) -> None:
    high = replace(outcome.alerts[0], level=Level.HIGH, score=70)
    store.commit(step(outcome, alerts=[high]))
    jobs.decide(round_(store, NOW), {"mailbox": Mailbox()})
    (letter,) = store.outbox.due("mailbox", NOW)
    store.outbox.give_up(letter, "too long")
    assert store.outbox.due("mailbox", NOW) == []
    assert [each.error for each in store.outbox.listed("dead")] == ["too long"]

    assert store.outbox.retry(outcome.alerts[0].id[:6], NOW) == 1
    assert store.outbox.retry("zzzz", NOW) == 0

    assert [each.key for each in store.outbox.due("mailbox", NOW)] == [letter.key]
