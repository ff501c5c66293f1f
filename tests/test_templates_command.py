"""`vaultwatch templates`: list, copy and render, with the operator's own folder over ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from detector.cli.main import run
from detector.preview import slack_page
from detector.rendering import NAMES, Renderer, sample_bulletins, sample_lists

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a templates folder of its own."""
    file = tmp_path / "vaultwatch.toml"
    file.write_text(
        f'[data]\ndirectory = "{tmp_path}/data"\n[paths]\ntemplates = "{tmp_path}/own"\n'
    )
    (tmp_path / "own").mkdir()
    return file


def test_all_templates_are_listed_and_ones_own_are_marked(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.parent / "own" / "email.subject.j2").write_text("{{ level }}")
    assert run(["templates", "list", "--config", str(config), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["template"] for row in rows} == set(NAMES)
    assert [row["template"] for row in rows if row["own"]] == ["email.subject.j2"]


def test_a_copy_is_used_and_never_written_over(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = ["templates", "copy", "email.subject.j2", "--config", str(config)]
    assert run(copy) == 0
    own = config.parent / "own" / "email.subject.j2"
    own.write_text("[ours] {{ alert.rule.title }}")
    assert run(copy) == 2
    assert "is there already" in capsys.readouterr().err
    assert own.read_text() == "[ours] {{ alert.rule.title }}"

    show = ["templates", "render", "--channel", "email", "--config", str(config)]
    assert run(show) == 0
    assert capsys.readouterr().out.startswith("Subject: [ours] Impossible travel\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["copy", "slack.yml"], "no such template"),
        (["render", "--alert", "nobody"], "no stored alert, and no sample"),
        (["render", "--channel", "console", "--png", "x.png"], "the console has no look"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(["templates", *arguments, "--config", str(config)]) == 2
    assert said in capsys.readouterr().err


def test_slack_is_rendered_as_what_it_is_sent(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["templates", "render", "--alert", "digest", "--config", str(config)]) == 0
    assert json.loads(capsys.readouterr().out)["blocks"][0]["type"] == "header"


@pytest.mark.parametrize("message", [*sample_bulletins(), *sample_lists()])
def test_the_page_shows_every_word_of_the_blocks(renderer: Renderer, message: object) -> None:
    blocks = renderer.slack(message, buttons=True).blocks  # type: ignore[arg-type]
    page = slack_page(blocks)
    for block in blocks:
        if block["type"] == "header":
            assert block["text"]["text"] in page
    assert "<script" not in page


def test_the_page_shows_markup_of_an_event_as_text() -> None:
    text = "*bold* &lt;!channel&gt; &lt;b&gt;"
    page = slack_page([{"type": "section", "text": {"type": "mrkdwn", "text": text}}])
    assert "<b>bold</b> &lt;!channel&gt; &lt;b&gt;" in page


def test_without_chromium_a_picture_is_refused_with_a_remedy(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(config.parent))
    picture = config.parent / "x.png"
    assert run(["templates", "render", "--png", str(picture), "--config", str(config)]) == 2
    assert "install the package 'chromium'" in capsys.readouterr().err


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium takes the pictures; install it to run this.")
@pytest.mark.parametrize("channel", ["slack", "email", "html"])
def test_a_message_is_photographed(config: Path, channel: str) -> None:
    picture = config.parent / "x.png"
    show = ["templates", "render", "--channel", channel, "--png", str(picture)]
    assert run([*show, "--config", str(config)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
