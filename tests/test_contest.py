"""Methods on the same hours: a budget is spent as it is meant, and chance finds little."""

from __future__ import annotations

import json

import pytest

from detector.anomaly.causes import CAUSES
from detector.cli.main import run
from detector.evaluation.standings import BOTH, RULES, WITHIN


def test_every_method_spends_its_budget_and_the_rules_theirs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = ["--seeds", "3", "--people", "8", "--days", "30", "--attacks", "4"]
    assert run(["model", "evaluate", *made, "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    by = {(each["method"], each["alerts_a_day"]): each for each in found["standings"]}
    assert {method for method, _ in by} >= {"model", "chance", RULES}
    for (method, budget), each in by.items():
        assert 0 <= each["recall"]["value"] <= 1
        if method == "model":
            assert each["precision"]["of"] <= budget * 8 + 1
    recalls = [by["model", budget]["recall"]["value"] for budget in (0.5, 1.0, 2.0)]
    assert recalls == sorted(recalls)
    heard = {method: each for (method, _), each in by.items() if method in {RULES, BOTH, WITHIN}}
    assert heard[WITHIN]["precision"]["of"] <= heard[BOTH]["precision"]["of"]
    assert heard[RULES]["recall"]["count"] <= heard[BOTH]["recall"]["count"] > 0
    assert set(found["without"]) == set(CAUSES)
    reasons = found["reasons"]
    assert 0 < reasons["first"]["count"] <= reasons["among_three"]["count"]
    assert reasons["first"]["of"] == by["model", 1.0]["recall"]["count"]
    quiet, attacked = found["budget_without_attacks"], found["budget"]
    assert quiet["spent"] == quiet["false"]
    assert attacked["false"]["count"] < attacked["spent"]["count"]
    often, seldom = found["rarer"][0], found["rarer"][2]
    assert often["attacks_a_day"] > seldom["attacks_a_day"]
    assert often["precision"] >= seldom["precision"]


def test_the_command_asks_for_companies(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "evaluate"]) == 2
    assert "--seeds" in capsys.readouterr().err


def test_several_at_once_measure_what_one_after_the_other_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = ["--seeds", "3-4", "--people", "5", "--days", "22", "--attacks", "2", "--budget", "300"]
    found = []
    for jobs in ("1", "2"):
        assert run(["model", "evaluate", *made, "--jobs", jobs, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))

    assert found[0] == found[1]
    assert found[0]["budget"]["spent"]["of"] == 300 / 1000 * 5 * found[0]["budget"]["days"]
