"""Explaining, comparing and near misses over the service's own store, as a person types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from detector import jobs
from detector.cli.main import run
from tests.fakes import Clock, ScriptedSource, close, open_desk
from tests.stories import ROOT, at, audit, sign_in

THEFT = audit("ann", "lagos", "11:00", deed="export vault")


@pytest.fixture
def option(tmp_path: Path) -> list[str]:
    """A configuration over a store in which a theft was alerted."""
    desk = open_desk(tmp_path / "data", at("-3 0:00"))
    items = [sign_in("ann", "paris", "9:00"), THEFT, sign_in("ann", "paris", "11:30")]
    jobs.poll(desk, ScriptedSource(items), Clock(at("12:00")))
    close(desk)
    (tmp_path / "own.toml").write_text(f'[data]\ndirectory = "{tmp_path / "data"}"\n')
    return ["--config", str(tmp_path / "own.toml")]


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["rules", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_explain_finds_the_event_in_the_store_and_the_alert_that_it_opened(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "explain", "op_vault_exported", "--event", THEFT.id, *option)

    assert run(["alerts", "list", "--json", *option]) == 0
    alerts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    stored = {each["id"] for each in alerts if each["rule"]["name"] == "op_vault_exported"}
    assert found["verdict"] == "opened an alert"
    assert {found["alert"]} == stored


def test_explain_says_where_it_looked_in_vain(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rules", "explain", "op_vault_exported", "--event", "NOWHERE", *option]) == 2
    assert "NOWHERE: no event of that id in the history" in capsys.readouterr().err
    assert run(["rules", "explain", "no_such_rule", "--event", THEFT.id, *option]) == 2
    assert "no_such_rule: no such rule" in capsys.readouterr().err


def test_diff_replays_the_store(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        shutil.copy(ROOT / "rules" / "exports.yml", folder)
    text = (new / "exports.yml").read_text()
    (new / "exports.yml").write_text(text.replace("level: high", "level: critical"))

    found = told(capsys, "diff", str(old), str(new), *option)

    changed = {each["rule"]["name"]: each["changed"]["level"] for each in found["changed"]}
    assert changed["op_vault_exported"] == {"before": "high", "after": "critical"}
    assert found["added"] == found["removed"] == []


def test_near_misses_are_of_the_store(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "near-misses", *option)

    assert set(found) == {"near", "below", "exceptions", "hidden"}
    assert {each["title"] for each in found["exceptions"]} >= {"Programs are not people"}
