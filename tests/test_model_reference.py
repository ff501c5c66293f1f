"""The reference and the card of the model are what the code says."""

from __future__ import annotations

import json

import pytest
import yaml

from detector import files
from detector.anomaly import reference
from detector.anomaly.declaration import FEATURES, Declaration
from detector.anomaly.own_features import Count, Rarity
from detector.cli.main import run
from detector.evaluation import card
from detector.settings import PathsConfig
from tests.stories import ROOT


def test_the_page_is_fresh() -> None:
    page = ROOT / "docs/reference/model.md"

    assert page.read_text() == reference.page(), (
        "run: vaultwatch model docs > docs/reference/model.md"
    )


def test_the_card_is_fresh() -> None:
    shipped = yaml.safe_load((ROOT / "models/isolation_forest.yaml").read_text())
    figures = (ROOT / "docs/evaluation.md").read_text()
    made = card.card(Declaration.model_validate(shipped), figures)

    assert (ROOT / "models/README.md").read_text() == made, (
        "run: vaultwatch model card > models/README.md"
    )


def test_the_card_has_the_rows_that_were_measured_and_says_where_there_are_none() -> None:
    shipped = yaml.safe_load((ROOT / "models/isolation_forest.yaml").read_text())
    declaration = Declaration.model_validate(shipped)
    figures = "<!-- model: begin -->\n$ vaultwatch model evaluate --seeds 1\n\n| method | n |\n|---|---:|\n| model | 3 |\n| volume | 1 |\n<!-- model: end -->"

    assert "| model | 3 |" in card.card(declaration, figures)
    assert "| volume | 1 |" not in card.card(declaration, figures)
    assert "Nothing yet" in card.card(declaration, "")


def test_every_key_and_every_feature_is_told() -> None:
    assert tuple(reference.MEANINGS) == FEATURES
    page = reference.page()
    for kind in (Declaration, Rarity, Count):
        for name, field in kind.model_fields.items():
            assert f"| `{name}` |" in page
            assert field.description


def test_the_example_of_the_reference_is_a_declaration() -> None:
    example = reference.page().split("```yaml\n")[1].split("```")[0]
    shipped = yaml.safe_load((ROOT / "models/isolation_forest.yaml").read_text())
    declared = Declaration.model_validate(shipped | yaml.safe_load(example))

    assert declared.names == ("country", "rarity_client_app_name_client_os_name", "reveals")


def test_the_schema_names_every_key_of_the_shipped_file() -> None:
    shipped = yaml.safe_load((ROOT / "models/isolation_forest.yaml").read_text())

    assert set(shipped) <= set(reference.schema()["properties"])
    assert not [
        name for name in files.texts(PathsConfig(), timezone="UTC").models if "README" in name
    ]


@pytest.mark.parametrize("verb", ["schema", "docs", "card"])
def test_the_commands_print_them(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", verb]) == 0

    said = capsys.readouterr().out
    if verb == "schema":
        assert json.loads(said) == reference.schema()
    else:
        assert said.startswith("# ")
