"""The reference of behaviours is what the code says, and its schema takes what is shipped."""

from __future__ import annotations

import json

import pytest
import yaml

from detector.cli.main import run
from detector.rule_types import catalog, reference
from detector.rulebook import file_schema
from detector.rulebook.overlays import CHANGEABLE
from detector.rulebook.vocabulary import KIND_KEYS
from tests.stories import ROOT


def test_the_page_is_fresh() -> None:
    page = ROOT / "docs/reference/behaviors.md"

    assert page.read_text() == reference.page(), (
        "run: vaultwatch rules docs > docs/reference/behaviors.md"
    )


def test_every_behavior_and_every_key_of_it_is_told() -> None:
    for kind in catalog.BEHAVIORS:
        section = reference.page().split(f"## `{reference.name_of(kind)}`")[1].split("\n## ")[0]
        for attribute, field in kind.model_fields.items():
            if attribute != "type":
                assert f"| `{field.alias or attribute}` |" in section
                assert field.description


def test_the_schema_names_the_keys_of_every_shipped_behavior() -> None:
    known = {
        each["properties"]["type"]["const"]: set(each["properties"])
        for each in reference.schema()["$defs"].values()
        if "type" in each["properties"]
    }
    used = 0
    for path in sorted((ROOT / "rules").rglob("*.yml")):
        for document in yaml.safe_load_all(path.read_text()):
            behavior = document.get("behavior")
            if behavior:
                assert set(behavior) <= known[behavior["type"]]
                used += 1
    assert used >= len(catalog.BEHAVIORS)


@pytest.mark.parametrize("verb", ["schema", "docs"])
def test_the_command_prints_it(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", verb]) == 0

    said = capsys.readouterr().out
    assert (json.loads(said) if verb == "schema" else said) == (
        file_schema.schema(reference.schema()) if verb == "schema" else reference.page()
    )


def test_the_schema_for_editors_is_shipped_fresh_beside_the_rules() -> None:
    shipped = json.loads((ROOT / "rules/rule.schema.json").read_text())

    assert shipped == file_schema.schema(reference.schema()), (
        "run: vaultwatch rules schema > rules/rule.schema.json"
    )
    *kinds, change = shipped["oneOf"]
    assert {kind["required"][-1] for kind in kinds} == set(KIND_KEYS)
    assert set(change["propertyNames"]["enum"]) == CHANGEABLE


def test_each_shipped_file_names_the_schema() -> None:
    for path in sorted((ROOT / "rules").rglob("*.yml")):
        named = path.read_text().splitlines()[0].partition("$schema=")[2]
        assert (path.parent / named).resolve() == ROOT / "rules/rule.schema.json"
