"""The command line as a user sees it: what is printed where, and the exit codes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import structlog

from detector import app, files, jobs, plans
from detector.cli.main import run
from detector.cli.starters import FILES
from detector.findings import Subject
from detector.settings import PathsConfig
from detector.store.sqlite import Commit
from tests import delivery
from tests.fakes import Clock, Mailbox, ScriptedSource, close, open_desk, round_
from tests.stories import ROOT, at, audit

CONTRACT = [
    "id",
    "rule",
    "level",
    "score",
    "status",
    "reason",
    "subject",
    "time",
    "first_time",
    "detected_at",
    "event_ids",
    "summary",
    "evidence",
    "why",
    "suppressed_by",
    "incident_id",
    "tags",
    "account",
]
HOSTILE = "[red]x[/red] \x1b[31m \u202e\r\nfake line"


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test in a folder of its own, without this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("VAULTWATCH_", "OP_"))]:
        monkeypatch.delenv(name)
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with two alerts, one of them with hostile text."""
    folder = tmp_path_factory.mktemp("data")
    desk = open_desk(folder, at("0:00"))
    jobs.poll(
        desk,
        ScriptedSource([audit("ann", "lagos", "11:00", deed="export vault")]),
        Clock(at("12:00")),
    )
    (alert,) = desk.store.alerts()
    subject = Subject(alert.subject.type, "X", HOSTILE, HOSTILE)
    bad = replace(alert, id="b" * 26, summary=HOSTILE, subject=subject)
    desk.store.commit(Commit("acme", at("12:00"), alerts=[bad]))
    jobs.decide(round_(desk.store, at("12:00")), {"mailbox": Mailbox()})
    close(desk)
    return folder


@pytest.fixture
def configured(data: Path) -> list[str]:
    """The option that names a configuration with this data."""
    Path("c.toml").write_text(f'[data]\ndirectory = "{data}"\n')
    return ["--config", "c.toml"]


def failed(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Exit code and error lines of a command that says nothing else."""
    code = run(words)
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return code, said.err.splitlines()


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    script = (
        "import sys; from detector.cli.parser import parser\n"
        "try: parser().parse_args(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('polars', 'sklearn', 'sigma', 'httpx', 'pydantic', 'rich') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"
    assert "backtest" in done.stdout


def test_check_needs_no_machine_learning() -> None:
    script = "import sys; from detector.cli.main import run; run(['check']); print('sklearn' in sys.modules, 'httpx' in sys.modules, 'slack_sdk' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "False False False"


@pytest.mark.parametrize(
    "words",
    [
        ["--nonsense"],
        ["nonsense"],
        ["alerts"],
        [],
        ["backtest", "--since", "yesterday"],
        ["events", "export"],
    ],
)
def test_wrong_usage_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run(words)

    assert end.value.code == 2
    assert "usage: vaultwatch" in capsys.readouterr().err


def test_a_service_without_sources_says_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(["run"], capsys) == (
        2,
        ["no [[sources]] are configured; 'vaultwatch init' writes an example"],
    )


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("", "environment variable OP_T: is empty or not set; put the token there"),
        ("TOKEN", "source 'acme': "),
    ],
)
def test_a_token_that_cannot_work_is_one_line_without_the_token(
    source: str, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OP_T", "ops_eyJzZWNyZXQi.eyJ2ZXJ5c2VjcmV0.x" if source else "")
    Path("c.toml").write_text('[[sources]]\nname = "acme"\ntoken = { env = "OP_T" }\n')

    code, lines = failed(["run", "--config", "c.toml"], capsys)

    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith(line)
    assert "eyJ" not in lines[0]


def test_a_host_that_may_not_see_the_token_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta
    from random import Random

    from detector.simulator.tokens import Grant, issue

    token = issue(
        Grant("events.1password.com", "A", ("auditevents",), at("0:00"), timedelta(days=9)),
        Random(1),
    )
    monkeypatch.setenv("OP_T", token.text)
    Path("c.toml").write_text(
        '[[sources]]\nname = "acme"\nbase_url = "http://evil.example"\ntoken = { env = "OP_T" }\n'
    )

    code, lines = failed(["run", "--config", "c.toml"], capsys)

    assert (code, len(lines)) == (2, 1)
    assert "evil.example" in lines[0]
    assert token.text not in lines[0]


def test_init_writes_an_example_and_never_over_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init"]) == 0
    capsys.readouterr()

    assert failed(["init"], capsys) == (
        2,
        ["vaultwatch.toml: is there already; name another file with --out"],
    )


def test_what_init_writes_is_sound_and_says_what_it_is_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "people.yml").write_text("people: []\n")

    assert run(["init", "--out", "etc/vaultwatch.toml"]) == 0
    assert "etc/people.yml is there already, and stays as it is." in capsys.readouterr().out
    assert run(["check", "--config", "etc/vaultwatch.toml", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    empty = [each["text"] for each in told["warnings"]]
    assert told["errors"] == []
    assert len(empty) == 6
    assert all("is empty; only its example is looked for" in each for each in empty)
    written = " ".join(FILES.values())
    names = {
        rule.name
        for rule in plans.build(
            files.texts(PathsConfig()), date(2026, 11, 1)
        ).plan.rulebook.rules.values()
    }
    assert set(re.findall(r"op_\w+", written)) <= names


def test_values_of_the_lists_that_init_writes_wake_their_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["init"]) == 0
    for path in (tmp_path / "lists").iterdir():
        value = "203.0.113.0/24" if path.stem == "bad_networks" else "value"
        path.write_text(path.read_text() + f"{value}   # ours\n")
    capsys.readouterr()

    assert run(["check", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["warnings"] == []


def test_alerts_are_one_contract_object_a_line(
    configured: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["alerts", "list", "--json", *configured]) == 0

    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == 2
    for alert in found:
        assert set(CONTRACT) <= alert.keys()
        assert alert["rule"].keys() == {"id", "name", "title"}
        assert alert["subject"].keys() == {"type", "id", "email", "name"}
        assert alert["time"].endswith("Z")


def test_hostile_text_is_no_markup_and_no_line_of_its_own(
    configured: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for words in (["alerts", "list"], ["alerts", "show", "bbb"]):
        assert run([*words, *configured]) == 0
        out = capsys.readouterr().out
        assert "[red]x[/red]" in out
        assert not set(out) & {"\x1b", "\u202e", "\r"}
        assert not any(line.startswith("fake line") for line in out.splitlines())


def test_a_verdict_is_kept_with_who_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = open_desk(tmp_path / "own", at("0:00"))
    jobs.poll(
        desk,
        ScriptedSource([audit("ann", "lagos", "11:00", deed="export vault")]),
        Clock(at("12:00")),
    )
    (alert,) = desk.store.alerts()
    close(desk)
    Path("own.toml").write_text('[data]\ndirectory = "own"\n')
    option = ["--config", "own.toml"]

    assert run(["alerts", "benign", alert.id[:6], "--note", "her holiday", *option]) == 0
    assert run(["alerts", "list", "--json", "--status", "benign", *option]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "benign"
    assert run(["alerts", "show", alert.id, *option]) == 0
    assert "her holiday" in capsys.readouterr().out
    code, (line,) = failed(["alerts", "show", "zzz", *option], capsys)
    assert (code, line) == (2, "zzz: no alert of that id; 'vaultwatch alerts list' shows them")
    code, (line,) = failed(["alerts", "list", "--status", "gone", *option], capsys)
    assert code == 2
    assert line.startswith("--status: 'gone' is no status")


def test_messages_are_listed_and_sent_again(
    configured: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["outbox", "list", "--json", *configured]) == 0
    (letter,) = [
        each
        for each in map(json.loads, capsys.readouterr().out.splitlines())
        if each["about"] == f"inc-{'b' * 16}"
    ]
    assert (letter["state"], letter["destination"]) == ("waiting", "mailbox")
    assert run(["outbox", "list", *configured]) == 0
    assert run(["outbox", "retry", "bbb", *configured]) == 0
    assert run(["outbox", "retry", "zzz", *configured]) == 1


def test_an_incident_is_shown_and_acted_upon_by_its_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with delivery.day(tmp_path / "own") as one:
        one.find(delivery.alert("ann", "new_device"), delivery.alert("ann", "export"))
        name = one.store.alerts()[0].incident_id
    Path("own.toml").write_text('[data]\ndirectory = "own"\n')
    option = ["--config", "own.toml"]

    assert run(["alerts", "snooze", str(name), "--for", "4h", "--note", "on a plane", *option]) == 0
    assert capsys.readouterr().out == f"{name}: snoozed\n"
    assert run(["alerts", "show", str(name), *option]) == 0
    shown = capsys.readouterr().out
    assert "snoozed, 2 alerts" in shown
    assert "on a plane" in shown
    assert run(["alerts", "show", str(name), "--json", *option]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["status"] for each in found["alerts"]} == {"snoozed"}
    code, (line,) = failed(["alerts", "show", "inc-x", *option], capsys)
    assert (code, line[:29]) == (2, "inc-x: no incident of that id")


def test_a_silence_is_previewed_made_listed_and_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with delivery.day(tmp_path / "own") as one:
        one.store.commit(Commit("acme", app.now(), alerts=[delivery.alert(time=app.now())]))
    Path("own.toml").write_text('[data]\ndirectory = "own"\n')
    option = ["--config", "own.toml"]
    words = ["silences", "add", "rule=new_device", "--for", "8h", "--reason", "new laptop", *option]

    assert run([*words, "--preview"]) == 0
    assert "would have held back 1 alert; nothing is changed" in capsys.readouterr().out
    assert run(["silences", "list", *option]) == 0
    assert capsys.readouterr().out == "no silences\n"
    assert run([*words, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert len(made["hidden"]) == 1
    assert run(["silences", "list", "--json", *option]) == 0
    (listed,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (listed["matchers"], listed["reason"]) == (["rule=new_device"], "new laptop")
    assert run(["silences", "expire", made["id"], *option]) == 0
    assert run(["silences", "list", "--all", *option]) == 0
    assert "ended" in capsys.readouterr().out
    code, (line,) = failed([*words[:2], "rul=x", *words[3:]], capsys)
    assert (code, line) == (2, "'rul=x': no field 'rul'; did you mean 'rule'?, and evidence.NAME")


def test_the_digest_is_printed_and_the_journal_verified(
    configured: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["digest", "--since", "2026-03-01", *configured]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("The last day, Sun 01 Mar 00:00 to ")
    assert "\x1b" not in shown
    assert run(["digest", "--weekly", "--json", *configured]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "weekly"
    run(["doctor", *configured])
    checks = capsys.readouterr().out
    assert "journal: 0 records of who changed alerts and silences" in checks
    assert "ok   correlations of acme: all that they were shown could be counted" in checks


@pytest.mark.parametrize(
    "command",
    [["alerts", "list"], ["outbox", "list"], ["backtest"], ["events", "export", "--out", "x"]],
)
@pytest.mark.parametrize("kind", ["missing", "file", "damaged"])
def test_a_data_directory_that_cannot_be_read_is_one_line(
    command: list[str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Path("place")
    if kind == "file":
        place.write_text("x")
    if kind == "damaged":
        place.mkdir()
        (place / "vaultwatch.sqlite3").write_text("no database" * 99)
    Path("c.toml").write_text('[data]\ndirectory = "place"\n')

    code, lines = failed([*command, "--config", "c.toml"], capsys)

    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith("place")


def test_check_counts_everything_and_is_green(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"rules", "loaded", "errors", "warnings", "filters", "overlays"}
    assert found["rules"] == found["loaded"] > 30
    assert found["errors"] == []


GOOD = (ROOT / "rules/exports.yml").read_text()


def test_check_of_a_folder_counts_only_its_documents(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/good.yml").write_text(GOOD)
    first = GOOD.split("\n---\n")[0]
    bad = re.sub(r"(?m)^level: .*$", "level: hihg", re.sub(r"(?m)^id: .{8}", "id: ffffffff", first))
    bad = re.sub(r"(?m)^name: (.*)$", r"name: other_\1", bad)
    Path("mine/bad.yml").write_text(bad)

    assert run(["check", "--rules", "mine", "--json"]) == 1

    found = json.loads(capsys.readouterr().out)
    documents = GOOD.count("\ntitle:") + GOOD.startswith("title:")
    assert (found["rules"], found["loaded"]) == (documents + 1, documents)
    for error in found["errors"]:
        assert error.keys() == {"file", "line", "column", "text", "fix", "link"}
        assert error["file"] == "mine/bad.yml"
    assert any("hihg" in error["text"] + error["fix"] for error in found["errors"])
    assert run(["check", "--rules", "mine"]) == 1
    said = capsys.readouterr()
    assert "mine/bad.yml:" in said.err
    assert said.out.endswith("4 loaded, 1 mistake\n")


def test_check_of_no_folder_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(["check", "--rules", "nowhere"], capsys) == (2, ["nowhere: no such folder"])


def test_doctor_says_what_is_wrong_and_stays_calm(
    configured: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor", *configured, "--json"]) == 1

    checks = {each["check"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert checks["data"]["ok"]
    assert not checks["sources"]["ok"]
    assert "SQLite" not in checks["sqlite"]["text"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["simulate"], "say where the company goes: --out DIR writes files, --serve PORT serves the API"),
        (["simulate", "--people", "2", "--out", "x"], "a plan needs at least 5 people, 1 day and no negative attacks"),
        (["simulate", "--serve", "0", "--fault", "x"], "'x': expected FEED:WHEN:FAULT, as in 'itemusages:3:status=500'"),
        (["simulate", "--serve", "99999999", "--people", "5", "--days", "15"], "--serve 99999999: cannot be listened at"),
        (["demo", "--people", "1"], "a plan needs at least 5 people, 1 day and no negative attacks"),
    ],
)  # fmt: skip
def test_an_impossible_company_is_one_line(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(words)

    said = capsys.readouterr()
    assert code == 2
    assert said.err.splitlines()[-1].startswith(line)
    assert "Traceback" not in said.err
