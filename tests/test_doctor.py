"""`vaultwatch doctor` before the first run: what would fail then is red now, in a line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from detector import app
from detector.cli.main import run
from detector.simulator.tokens import Grant, issue

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def checks(
    capsys: pytest.CaptureFixture[str], directory: str
) -> tuple[int, dict[str, tuple[bool, str]]]:
    """Exit code, and what each check said."""
    Path("c.toml").write_text(
        f'[data]\ndirectory = "{directory}"\n[[sources]]\nname = "acme"\ntoken = {{ env = "OP_T" }}\n'
    )
    code = run(["doctor", "--config", "c.toml", "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return code, {line["check"]: (line["ok"], line["text"]) for line in lines}


@pytest.fixture
def lifetime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The text of a token, in the environment, that was issued two days ago for so long."""
    issued = app.now() - 2 * DAY
    token = issue(
        Grant("events.1password.com", "A", ("auditevents",), issued, request.param), Random(1)
    )
    monkeypatch.setenv("OP_T", token.text)
    return token.text


@pytest.mark.parametrize("lifetime", [DAY], indirect=True)
def test_an_expired_token_is_red_and_not_shown(
    lifetime: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = checks(capsys, "own")
    good, text = found["token of acme"]
    assert (code, good) == (1, False)
    assert text.startswith("source 'acme': the token has expired (")
    assert text.endswith("issue a new one (1Password.com > Integrations > Events Reporting)")
    assert lifetime not in str(found)


@pytest.mark.parametrize("lifetime", [3 * DAY], indirect=True)
def test_a_token_of_one_more_day_and_a_directory_to_be_made_are_green(
    lifetime: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = checks(capsys, str(tmp_path / "new" / "deep"))
    assert code == 0, found
    assert found["data"][1].endswith("is new; the first run fills it")
    assert not (tmp_path / "new").exists(), "doctor writes nothing"


@pytest.mark.parametrize("lifetime", [3 * DAY], indirect=True)
@pytest.mark.parametrize("below", ["", "/data", "/data/deep"])
def test_a_data_directory_that_is_a_file_or_below_one_is_red(
    below: str, lifetime: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    code, found = checks(capsys, f"{tmp_path / 'file'}{below}")
    good, text = found["data"]
    assert (code, good) == (1, False)
    assert text.endswith(f"cannot be used as data directory: {tmp_path / 'file'} is a file")
