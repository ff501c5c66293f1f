"""Silences by file: read with every mistake, followed when the file changes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from detector import jobs, silence_files
from detector.delivery.bulletins import Notice
from detector.delivery.commands import Verb
from detector.delivery.journal import How
from tests.delivery import NOON, alert, day

FILE = """
silences:
  - match: [rule=new_device, subject=ann@acme.example]
    author: sam
    reason: new laptop
    until: 2026-03-20
"""


def test_a_file_is_read_into_silences_of_its_own() -> None:
    (made,) = silence_files.read("s.yml", FILE, NOON).silences
    assert (made.how, made.author, made.text) == (
        How.FILE, "sam", "rule=new_device subject=ann@acme.example",
    )  # fmt: skip
    assert made.is_active(NOON)
    assert made == silence_files.read("s.yml", FILE, NOON + timedelta(days=1)).silences[0]
    assert silence_files.read("s.yml", FILE, NOON + timedelta(days=30)).silences == ()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("author: sam", "autor: sam", "s.yml:4:5: silences[0].autor: not a key of silences[0]; did you mean 'author'?"),
        ("2026-03-20", "2027-06-01", "s.yml:6:12: silences[0].until: is more than 366 days away; say so again then"),
        ("2026-03-20", "soon", "s.yml:6:12: silences[0].until: 'soon' is no time; write it like 2026-03-01"),
        ("    until: 2026-03-20\n", "", "s.yml:3:5: silences[0]: until is missing; every silence ends: write until: 2026-12-31"),
        ("rule=new", "rul=new", "s.yml:3:5: silences[0]: 'rul=new_device': no field 'rul'; did you mean 'rule'?, and evidence.NAME"),
        ("reason: new laptop", "reason: ''", "s.yml:3:5: silences[0]: a silence needs an author and a reason"),
        ("silences:", "silence:", "s.yml:2:1: silence: not a key; did you mean 'silences'?"),
    ],
)  # fmt: skip
def test_every_mistake_has_its_place_and_its_fix(old: str, new: str, line: str) -> None:
    found = silence_files.read("s.yml", FILE.replace(old, new), NOON)
    assert line in [str(each) for each in found.mistakes]
    assert found.silences == ()


def test_what_stands_in_the_file_holds_until_it_is_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "silences.yml"
    path.write_text(FILE)
    file = jobs.SilenceFile(path)
    with day(tmp_path / "data") as one:
        for _ in range(3):
            file.follow(one.store, one.orders, one.now)
        one.find(alert("ann"))
        assert one.why(alert("ann")) == ["silenced"]

        path.write_text("silences: [oops")
        with capture_logs() as logs:
            file.follow(one.store, one.orders, one.now)
            file.follow(one.store, one.orders, one.now)
        assert [each["event"] for each in logs] == ["silences stay as they were"]
        assert [each.ended for each in one.store.silences.kept()] == [None]

        one.say(Verb.SILENCE, "", matchers=("rule=other",), until=NOON + timedelta(hours=1))
        path.write_text("silences: []")
        file.follow(one.store, one.orders, one.now)
        one.tell()

        assert [each.silence.how for each in one.store.silences.kept() if each.ended] == [How.FILE]
        titles = [each.title for each in one.box.messages if isinstance(each, Notice)]
        assert titles == ["A silence began", "A silence began", "A silence ended"]
        assert one.why(alert("ann"))[-1] == "silence_ended"


def test_a_file_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "silences.yml"
    path.write_text(FILE)
    file = jobs.SilenceFile(path)
    with day(tmp_path / "data") as one, capture_logs() as logs:
        file.follow(one.store, one.orders, one.now)
        path.unlink()
        file.follow(one.store, one.orders, one.now)
        assert [each.ended for each in one.store.silences.kept()] == [None]
        assert "cannot be read" in logs[0]["mistake"]


def test_without_a_file_there_is_nothing_to_follow(tmp_path: Path) -> None:
    with day(tmp_path) as one:
        jobs.SilenceFile(None).follow(one.store, one.orders, one.now)
        assert one.store.silences.kept() == []
