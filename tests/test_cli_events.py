"""Looking into stored events, forgetting, backing up: the commands as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detector import jobs
from detector.cli.main import run
from tests.fakes import Clock, ScriptedSource, close, open_desk
from tests.stories import at, audit, sign_in, usage


@pytest.fixture
def option(tmp_path: Path) -> list[str]:
    """A configuration over three events of two people."""
    desk = open_desk(tmp_path / "data", at("-3 0:00"))
    items = [
        sign_in("ann", "paris", "9:00"),
        usage("ben", "toronto", "10:00"),
        audit("ann", "lagos", "11:00", deed="export vault"),
    ]
    jobs.poll(desk, ScriptedSource(items), Clock(at("12:00")))
    close(desk)
    (tmp_path / "own.toml").write_text(f'[data]\ndirectory = "{tmp_path / "data"}"\n')
    return ["--config", str(tmp_path / "own.toml")]


@pytest.mark.parametrize(
    ("words", "feeds"),
    [
        ([], ["signinattempts", "itemusages", "auditevents"]),
        (["--person", "ANN@acme.example"], ["signinattempts", "auditevents"]),
        (["--person", "BEN"], ["itemusages"]),
        (["--action", "exp*"], ["auditevents"]),
        (["--feed", "itemusages"], ["itemusages"]),
        (["--since", "2026-03-02T10:00"], ["itemusages", "auditevents"]),
        (["--until", "2026-03-02T10:00"], ["signinattempts"]),
        (["user.email|startswith=ben"], ["itemusages"]),
        (["actor_uuid=ANN", "action=export"], ["auditevents"]),
        (["source.country=FR", "source.country=NG"], ["signinattempts", "auditevents"]),
        (["user.id=nobody"], []),
    ],
)
def test_events_are_found_by_what_is_known_of_them(
    option: list[str], capsys: pytest.CaptureFixture[str], words: list[str], feeds: list[str]
) -> None:
    code = run(["events", "query", *words, "--json", *option])

    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["event.feed"] for each in found] == feeds
    assert code == (0 if feeds else 1)


def test_an_address_is_found_by_its_network(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run(["events", "query", "--json", *option])
    address = json.loads(capsys.readouterr().out.splitlines()[0])["source.ip"]

    assert run(["events", "query", "--ip", f"{address}/32", "--json", *option]) == 0
    assert address in capsys.readouterr().out
    assert run(["events", "query", "--ip", "192.0.2.0/24", "--json", *option]) == 1


def test_the_table_shows_the_newest(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["events", "query", "--limit", "1", *option]) == 0

    shown = capsys.readouterr().out
    assert "export" in shown
    assert "fill" not in shown
    assert "the newest 1 of 3" in shown


def test_a_question_that_cannot_be_read_is_one_line(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["events", "query", "user.emale=ann", *option]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "'user.emale' is not a field of any feed; did you mean 'user.email'?"
    assert run(["events", "query", "ann", *option]) == 2


def test_forgetting_wants_a_yes(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["events", "forget", "--actor", "ann@acme.example", *option]) == 2
    assert "--yes" in capsys.readouterr().err
    assert run(["events", "forget", "--actor", "ann@acme.example", "--yes", *option]) == 0
    assert capsys.readouterr().out == "2 events forgotten of ANN\n"
    assert run(["events", "query", "--person", "ANN", *option]) == 1


def test_there_and_back_again(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "backup")
    assert run(["backup", folder, *option]) == 0
    assert run(["restore", folder, "--verify", *option]) == 0
    assert run(["restore", folder, *option]) == 2
    assert run(["restore", folder, "--replace", *option]) == 0
    assert "3 events" in capsys.readouterr().out
    (tmp_path / "backup" / "backup.json").unlink()
    assert run(["restore", folder, "--verify", *option]) == 2
    assert "is no whole backup" in capsys.readouterr().err
