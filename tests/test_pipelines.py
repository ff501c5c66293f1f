"""What a pipeline reads of check and test: SARIF, JUnit, exit codes, and the workflow that is shipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from detector.cli.main import run
from detector.rehearsal.coverage import concerned, coverage
from detector.rulebook import attack
from detector.rulebook.loading import load
from tests.stories import ROOT
from tests.test_rollout import COUNTED, RULE

WHOLE = (
    RULE.replace("rename}", "updatea}")
    + """\
    - name: another thing is shared
      events:
          - {at: 0h, feed: auditevents, user: ana, object_type: group, action: share}
      expect: {alerts: 0}
    - name: it is updated
      look-alike: true
      events:
          - {at: 0h, feed: auditevents, user: ana, object_type: vault, action: update}
      expect: {alerts: 0}
"""
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a customer, with a rule."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yml").write_text(WHOLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_is_well(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--rules", "rules", "--sarif", "a.sarif", "--junit", "a.xml"]
    assert run(["check", *words]) == 0
    assert json.loads((repository / "a.sarif").read_text())["runs"][0]["results"] == []
    assert run(["rules", "test", "--coverage", *words]) == 0

    said = capsys.readouterr().out
    assert "3 passed, 0 failed" in said
    suite = ElementTree.parse(repository / "a.xml").getroot()[0]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == (
        "mine_renamed",
        "3",
        "0",
    )


def test_a_mistake_stands_at_its_line(repository: Path) -> None:
    (repository / "rules" / "mine.yml").write_text(WHOLE.replace("level: medium", "level: hihg", 1))

    assert run(["check", "--rules", "rules", "--sarif", "a.sarif", "--junit", "a.xml"]) == 1

    (found,) = json.loads((repository / "a.sarif").read_text())["runs"][0]["results"]
    assert (found["ruleId"], found["level"]) == ("mistake/level", "error")
    place = found["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "rules/mine.yml"
    assert place["region"] == {"startLine": 5, "startColumn": 8}
    assert found["message"]["text"].endswith("did you mean 'high'?")
    cases = {suite.get("file"): list(suite[0]) for suite in ElementTree.parse("a.xml").getroot()}
    assert "is not a level" in str(cases["./rules/mine.yml"][0].get("message"))
    assert cases["rules/base/session.yml"] == []


def test_a_test_that_fails_tells_what_was_expected_and_what_came(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "rules" / "mine.yml").write_text(WHOLE.replace("alerts: 1", "alerts: 2"))

    words = ["--rules", "rules", "--sarif", "a.sarif", "--junit", "a.xml"]
    assert run(["rules", "test", "mine_renamed", *words]) == 1

    said = capsys.readouterr().out
    assert "FAIL mine_renamed: it is renamed" in said
    assert "       alerts: expected 2, got 1" in said
    assert "       events:\n         Mon 2 Mar 00:00 UTC updatea auditevents by ana" in said
    (found,) = json.loads((repository / "a.sarif").read_text())["runs"][0]["results"]
    region = found["locations"][0]["physicalLocation"]["region"]
    assert (found["ruleId"], region["startLine"]) == ("failing-test/tests", 11)
    (failed,) = ElementTree.parse(repository / "a.xml").getroot().iter("failure")
    assert failed.get("message") == "alerts: expected 2, got 1"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (RULE, "negative, look-alike"),
        (WHOLE.replace("look-alike: true", "learned: false"), "look-alike"),
        (WHOLE.replace("alerts: 1, level: medium", "alerts: 0"), "positive"),
    ],
)
def test_a_rule_that_lacks_a_test_is_named(
    repository: Path, capsys: pytest.CaptureFixture[str], text: str, missing: str
) -> None:
    (repository / "rules" / "mine.yml").write_text(text)

    words = ["rules", "test", "--rules", "rules", "mine_renamed"]
    plain = run(words)
    assert run([*words, "--coverage", "--sarif", "a.sarif"]) == 1

    assert plain == (1 if missing == "positive" else 0)
    said = capsys.readouterr().out
    assert said.rstrip().endswith("1 rules lack a test")
    assert f" {missing}" in said
    found = json.loads((repository / "a.sarif").read_text())["runs"][0]["results"]
    assert [each["ruleId"] for each in found][-1] == "missing-test/tests"


def test_building_blocks_need_no_tests_and_what_looks_at_them_is_concerned() -> None:
    loaded = load({"a.yml": RULE, "b.yml": COUNTED})
    block, counting = coverage(loaded.rulebook, loaded.stories)[::-1]

    assert (block.rule.name, block.missing) == ("mine_renamed", ())
    assert counting.missing == ("positive", "negative", "look-alike")
    both = {block.rule.id, counting.rule.id}
    assert concerned(loaded.rulebook, ["a.yml"]) == both
    assert concerned(loaded.rulebook, ["b.yml"]) == {counting.rule.id}


def test_watching_plays_again_what_a_save_concerns(repository: Path) -> None:
    rule = repository / "rules" / "mine.yml"
    with (repository / "said").open("wb") as said, subprocess.Popen(
        [sys.executable, "-m", "detector", "rules", "test", "--rules", "rules", "--watch"],
        stdout=said, stderr=said, env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as process:  # fmt: skip

        def until(words: str) -> None:
            end = time.monotonic() + 120
            while words not in (repository / "said").read_text():
                assert process.poll() is None
                assert time.monotonic() < end, (repository / "said").read_text()
                time.sleep(0.1)

        try:
            until("3 passed, 0 failed")
            rule.write_text(WHOLE.replace("alerts: 1", "alerts: 2"))
            until("saved: ./rules/mine.yml\n")
            until("2 passed, 1 failed")
        finally:
            process.kill()


def test_the_shipped_workflow_is_what_the_commands_take(repository: Path) -> None:
    workflow = yaml.safe_load((ROOT / "deploy/github-rules.yml").read_text())
    (job,) = workflow["jobs"].values()
    steps = {step.get("name", step.get("uses")): step for step in job["steps"]}
    assert all(("run" in step) != ("uses" in step) for step in steps.values())
    assert set(workflow[True]) == {"pull_request", "push"}, "YAML reads the key 'on' as true"
    ours = [step for step in steps.values() if step.get("run", "").startswith("vaultwatch ")]
    assert [step["run"].split()[1] for step in ours] == ["check", "rules", "rules"]
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.example")
    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "rules")):
        subprocess.run([*git, *words], cwd=repository, check=True)
    (repository / "history").mkdir()
    (repository / "history" / "auditevents.ndjson").write_text("")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "BASE": "main"}

    for step in ours:
        script = step["run"].replace("vaultwatch", f"{sys.executable} -m detector", 1)
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=repository, env=environment, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    for name in ("check.sarif", "test.sarif"):
        assert json.loads((repository / name).read_text())["version"] == "2.1.0"
    assert (repository / "diff.md").read_text()
    uploads = [
        step["with"]["sarif_file"] for step in steps.values() if "sarif" in step.get("uses", "")
    ]
    assert uploads == ["check.sarif", "test.sarif"]


def test_a_tag_that_attack_does_not_have_is_a_warning_with_the_nearest(repository: Path) -> None:
    tagged = WHOLE.replace(
        "level:",
        "tags: [attack.t1555.999, attack.exfiltraton, attack.t1555.005, attack.g0016]\nlevel:",
        1,
    )
    warnings = [str(each) for each in load({"a.yml": tagged}).warnings]

    assert warnings == [
        "a.yml:5:8: tags[0]: 'attack.t1555.999' is no technique or tactic of ATT&CK 17.0; "
        "did you mean 'attack.t1555'?",
        "a.yml:5:26: tags[1]: 'attack.exfiltraton' is no technique or tactic of ATT&CK 17.0; "
        "did you mean 'attack.exfiltration'?",
    ]


def test_the_table_of_attack_names_every_rule_with_its_techniques(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(attack.TECHNIQUES) == 211 + 468
    text = WHOLE.replace("level:", "tags: [attack.t1555.005, attack.impact]\nlevel:", 1)
    (repository / "rules" / "mine.yml").write_text(text)

    assert run(["rules", "list", "--attack", "--json", "--rules", "rules"]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "technique": "T1555.005",
        "rules": ["mine_renamed"],
    }
