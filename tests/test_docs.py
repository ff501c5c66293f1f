"""What README and docs say is what the program does."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from detector import files, plans, silence_files
from detector.anomaly.declaration import Declaration
from detector.cli.parser import parser
from detector.foreign.mapping import read_mapping
from detector.manual import anchor
from detector.rule_types.catalog import BEHAVIORS
from detector.settings import Settings, load

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

MODEL = ROOT / "models/isolation_forest.yaml"


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of one language, with their indentation taken off."""
    found = re.findall(
        rf"^( *)```{language}\n(.*?)^ *```",
        page.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    return [
        "\n".join(line.removeprefix(indent) for line in body.splitlines()) for indent, body in found
    ]


def commands() -> list[str]:
    """Every vaultwatch command that a page tells people to type."""
    lines = [
        line for page in PAGES for body in blocks(page, "console") for line in body.splitlines()
    ]
    typed = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return sorted({line for line in typed if "vaultwatch " in line})


@pytest.mark.parametrize("command", commands())
def test_every_command_that_the_pages_show_is_understood(command: str) -> None:
    _, *arguments = shlex.split(command)
    assert parser().parse_args(arguments).module


def test_the_readme_shows_the_help_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "96")
    assert parser().format_help().strip() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_of_the_readme_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in blocks(ROOT / "README.md", "console")[0].splitlines():
        target = line.removeprefix("$ make ")
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_rule_on_the_pages_loads_and_its_files_are_read() -> None:
    rules, people, networks = {}, {}, {}
    for page in PAGES:
        if page.name == "tutorial.md":  # has the same rule twice; test_tutorial.py plays it
            continue
        for number, body in enumerate(blocks(page, "yaml")):
            told = yaml.safe_load(body)
            if "sources" in told:
                assert read_mapping(page.name, body)[1] == ()
                continue
            first = next(iter(told))
            if first == "silences":
                found = silence_files.read(page.name, body, datetime(2026, 6, 1, tzinfo=UTC))
                assert found.silences
                assert not found.mistakes
                continue
            if first == "features":
                shipped = yaml.safe_load(MODEL.read_text(encoding="utf-8"))
                assert Declaration.model_validate(shipped | told).own
                continue
            room = {"people": people, "networks": networks}.get(first, rules)
            room[f"{page.name}-{number}.yml"] = body
    base = files.rules(None)
    texts = plans.Texts(rules=base | rules, people=people, networks=networks)

    built = plans.build(texts, plans.date(2026, 6, 1))

    assert rules
    assert people
    assert networks
    assert built.mistakes == ()


def test_every_configuration_on_the_pages_is_valid(tmp_path: Path) -> None:
    found = [body for page in PAGES for body in blocks(page, "toml")]
    for body in found:
        file = tmp_path / "vaultwatch.toml"
        others = '[slack.leads]\nchannel = "#leads"\n[email]\nhost = "h"\nto = ["a@b"]\n'
        file.write_text(body + "\n" + others)
        assert load(file, {})
    assert found


def test_every_link_leads_somewhere() -> None:
    for page in (*PAGES, *sorted((ROOT / "docs" / "reference").glob("*.md"))):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            file, _, name = target.partition("#")
            goal = page.parent / file if file else page
            if target.startswith("http"):
                continue
            assert goal.exists(), f"{page.name}: {target}"
            anchors = re.findall(r"^#+ (.*)", goal.read_text("utf-8"), re.MULTILINE) if name else ()
            assert not name or name in map(anchor, anchors), f"{page.name}: {target}"


def test_every_table_of_the_configuration_is_on_the_operators_page() -> None:
    text = (ROOT / "docs" / "operator.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`{name}`" in text or f"[{name}" in text, name


def test_every_behaviour_is_on_the_analysts_page() -> None:
    text = (ROOT / "docs" / "analyst.md").read_text(encoding="utf-8")
    for behavior in BEHAVIORS:
        for name, field in behavior.model_fields.items():
            word = field.alias or name
            shown = word if name != "type" else field.annotation.__args__[0]  # type: ignore[union-attr]
            if word not in {"rules", "group-by"}:
                assert f"`{shown}`" in text, shown
