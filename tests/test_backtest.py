"""Backtests: files and the store through the real kernel, as a user asks for them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from detector.cli.main import run
from tests.stories import ROOT

Found = list[dict[str, Any]]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people, 24 days, attacks in the last ones, as files."""
    folder = tmp_path_factory.mktemp("company")
    words = [
        "simulate",
        "--people",
        "12",
        "--days",
        "24",
        "--attacks",
        "6",
        "--start",
        "2026-03-02",
    ]
    assert run([*words, "--out", str(folder)]) == 0
    return folder


def backtest(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> Found:
    """The alerts of a backtest that goes well."""
    capsys.readouterr()
    assert run(["backtest", "--from", str(folder), *words]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


TAUGHT = ("--train-until", "2026-03-16")


def test_simulated_attacks_are_found(company: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = backtest(capsys, company, *TAUGHT)

    attacks = json.loads((company / "attacks.json").read_text())
    named = {event for alert in found for event in alert["event_ids"]}
    assert any(set(attack["event_uuids"]) & named for attack in attacks)
    assert all(alert["time"] >= "2026-03-16" for alert in found)
    assert found == sorted(found, key=lambda alert: (alert["time"], alert["id"]))


def test_out_writes_the_same_lines_to_a_file(
    company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(capsys, company, *TAUGHT, "--out", str(tmp_path / "alerts.jsonl")) == []

    written = [json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text().splitlines()]
    assert written == backtest(capsys, company, *TAUGHT)


def test_suppressed_adds_what_a_rung_held_back(
    company: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = backtest(capsys, company, *TAUGHT)
    more = backtest(capsys, company, *TAUGHT, "--suppressed")

    held = [alert for alert in more if alert["suppressed_by"]]
    assert held
    assert {alert["reason"] for alert in held} == {"suppressed"}
    assert [alert for alert in more if not alert["suppressed_by"]] == plain


def test_events_outside_the_given_time_are_left_out(
    company: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backtest(capsys, company, "--since", "2026-09-01") == []
    found = backtest(capsys, company, *TAUGHT, "--until", "2026-03-22")
    assert all(alert["time"] < "2026-03-22" for alert in found)


def test_rules_of_a_folder_stand_alone_on_the_base_rules(
    company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new_device.yml").write_text((ROOT / "rules/new_device.yml").read_text())

    found = backtest(capsys, company, "--rules", str(tmp_path))

    names = {alert["rule"]["name"] for alert in found}
    assert names
    assert "op_impossible_travel" not in names


def test_a_broken_rule_is_reported_and_the_others_run(
    company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.yml").write_text((ROOT / "rules/new_device.yml").read_text())
    (tmp_path / "bad.yml").write_text("title: [")
    capsys.readouterr()

    code = run(["backtest", "--from", str(company), "--rules", str(tmp_path)])

    said = capsys.readouterr()
    assert code == 1
    assert f"{tmp_path / 'bad.yml'}:2:" in said.err
    assert said.out


def test_a_damaged_file_is_reported_by_line_and_the_rest_replayed(
    company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in company.glob("*.ndjson"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    body = (company / "auditevents.ndjson").read_bytes().splitlines()
    (tmp_path / "auditevents.ndjson").unlink()
    damaged = b"\n".join([body[0], b"{torn", *body[1:]])
    (tmp_path / "auditevents.ndjson.gz").write_bytes(gzip.compress(damaged))
    capsys.readouterr()

    assert run(["backtest", "--from", str(tmp_path), *TAUGHT]) == 0

    said = capsys.readouterr()
    assert f"{tmp_path / 'auditevents.ndjson.gz'}:2: set aside: " in said.err
    assert [json.loads(line) for line in said.out.splitlines()] == backtest(
        capsys, company, *TAUGHT
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--from", "nowhere"], "nowhere: no such folder"),
        (["--from", "."], ".: no events found"),
        (
            ["--from", "{company}", "--out", "no/such/folder.jsonl"],
            "no/such/folder.jsonl: cannot be written",
        ),
        (["--from", "{company}", "--rules", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_what_cannot_be_done_is_exit_code_2(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], words: list[str], line: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)

    assert run(["backtest", *(word.format(company=company) for word in words)]) == 2

    assert capsys.readouterr().err.splitlines()[-1].startswith(line)
