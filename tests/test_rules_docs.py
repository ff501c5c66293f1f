"""The catalogue of rules says what is loaded, and the page of the shipped ones is fresh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detector import files
from detector.cli.main import run
from detector.rehearsal import catalogue
from detector.rulebook import explaining
from detector.rulebook.book import Match
from detector.rulebook.loading import load
from tests.stories import ROOT

SHIPPED = load(files.rules(None))
PAGE = catalogue.page(SHIPPED)
RULE = """title: "{title}"
id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0010
level: low
logsource: {{product: onepassword, service: auditevents}}
detection:
    selection: {selection}
    condition: {condition}
"""


def matched(selection: str, condition: str = "selection", title: str = "Tried") -> Match:
    text = RULE.format(selection=selection, condition=condition, title=title)
    loaded = load({"tried.yml": text})
    assert loaded.mistakes == ()
    return loaded.rulebook.matches[0]


def test_the_page_of_the_shipped_rules_is_fresh() -> None:
    page = ROOT / "docs/reference/rules.md"

    assert page.read_text("utf-8") == PAGE, (
        "run: vaultwatch rules docs rules --out docs/reference/rules.md"
    )


def test_every_rule_is_told_once_and_a_rule_that_alerts_with_all_that_people_need() -> None:
    sections = {
        found[1]: part
        for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
        if (found := re.search(r"^`(\w+)`, ", part, re.MULTILINE))
    }
    rules = SHIPPED.rulebook.rules.values()

    assert set(sections) == {rule.name for rule in rules if rule.raises}
    for rule in rules:
        if not rule.raises:
            assert PAGE.count(f"\n| `{rule.name}` |") == 1
            continue
        part = sections[rule.name]
        assert f"`{rule.name}`, {rule.level}" in part
        assert part.count("\nLooks at `") == 1
        assert part.count("\nCan be harmless: ") == 1
        assert f"\n{len(rule.runbook)}. " in part


@pytest.mark.parametrize(
    ("selection", "condition", "said"),
    [
        ("{action: export}", "selection", "action is 'export'"),
        ("{action: [a, b]}", "not selection", "not (action is 'a' or 'b')"),
        (
            "{action: [a, b], object_type|startswith: v}",
            "selection",
            "(action is 'a' or 'b') and object_type starts with 'v'",
        ),
        (
            "[{action: a, object_type: v}, {aux_info|exists: false}]",
            "selection",
            "(action is 'a' and object_type is 'v') or not aux_info is there",
        ),
    ],
)
def test_a_condition_is_one_sentence_that_cannot_be_read_in_two_ways(
    selection: str, condition: str, said: str
) -> None:
    assert explaining.sentence(matched(selection, condition).own) == said


def test_words_of_a_rule_are_no_markup() -> None:
    title = "<script> | [x](http://evil) `a`"
    text = RULE.format(selection="{action: 'a`|b'}", condition="selection", title=title)

    page = catalogue.page(load({"tried.yml": text}))

    assert r"### \<script\> \| \[x\](http://evil) \`a\`" in page
    assert r"Looks at `auditevents`: `action is 'a'\|b'`." in page


def test_the_values_of_a_list_stay_out_of_the_page() -> None:
    text = RULE.format(
        selection="{actor_details.email|expand: '%admins%'}", condition="selection", title="Tried"
    )

    page = catalogue.page(load({"tried.yml": text + "example-lists: {admins: [ana@acme.example]}"}))

    assert "ana@acme.example" not in page
    assert "Looks at `auditevents`: `actor_details.email`." in page


def test_the_command_writes_the_page_of_what_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = RULE.format(selection="{action: export}", condition="selection", title="Mine alone")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/mine.yml").write_text(rule)
    out = tmp_path / "rules.md"
    asked = ["rules", "docs", "rules", "--rules", str(tmp_path / "own")]

    assert run([*asked, "--out", str(out)]) == 0
    assert "### Mine alone\n" in out.read_text()
    assert "### Vault exported" not in out.read_text()
    assert run(asked) == 0
    assert capsys.readouterr().out == out.read_text()

    (tmp_path / "own/broken.yml").write_text("title: Broken\nlevle: low\n")
    assert run(asked) == 1
    said = capsys.readouterr()
    assert "broken.yml" in said.err
    assert "### Mine alone\n" in said.out
