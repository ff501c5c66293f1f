"""`vaultwatch doctor` before the first run: what would fail then is red now, in a line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from detector import app
from detector.cli.main import run
from detector.simulator.tokens import Grant, issue
from detector.store.database import FILE
from detector.store.sqlite import Sqlite

DAY = timedelta(days=1)
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def checks(
    capsys: pytest.CaptureFixture[str], directory: str
) -> tuple[int, dict[str, tuple[bool, str]]]:
    """Exit code, and what each check said."""
    configured(directory)
    code = run(["doctor", "--config", "c.toml", "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return code, {line["check"]: (line["ok"], line["text"]) for line in lines}


def configured(directory: str) -> None:
    """A configuration over a data directory."""
    Path("c.toml").write_text(
        f'[data]\ndirectory = "{directory}"\n[[sources]]\nname = "acme"\ntoken = {{ env = "OP_T" }}\n'
    )


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


@pytest.mark.parametrize("lifetime", [3 * DAY], indirect=True)
@pytest.mark.parametrize(
    ("mode", "file_mode", "refused"),
    [(0o700, 0o600, ""), (0o500, 0o600, "data"), (0o700, 0o400, FILE), (0o000, 0o600, "data")],
)
def test_a_data_directory_that_the_service_may_not_use_is_red(
    lifetime: str, tmp_path: Path, mode: int, file_mode: int, refused: str
) -> None:
    data = tmp_path / "data"
    Sqlite(data).close()
    (data / FILE).chmod(file_mode)
    data.chmod(mode)
    try:
        code, good, text = checked_by_somebody(data)
    finally:
        data.chmod(0o700)
    assert (code, good) == ((1, False) if refused else (0, True)), text
    assert lifetime not in text
    if refused:
        assert text.startswith(f"{data}: cannot be used as data directory: ")
        assert refused in text


def checked_by_somebody(data: Path) -> tuple[int, bool, str]:
    """What the check of the data says to a process for which the modes of files hold.

    Root's do not; so root gives up the capabilities by which it passes over them.
    """
    configured(str(data))
    words = [sys.executable, "-m", "detector", "doctor", "--config", "c.toml", "--json"]
    if os.geteuid() == 0:
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    told = {line["check"]: line for line in map(json.loads, done.stdout.splitlines())}
    return done.returncode, told["data"]["ok"], told["data"]["text"]
