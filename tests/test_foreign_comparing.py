"""Comparing with another engine and with expected firings: what differs, and why."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detector.cli.main import run as main
from detector.foreign.comparing import Comparison, compare
from detector.foreign.expectations import Expectation, judge, read_expectations
from detector.foreign.mapping import EventMapping
from detector.foreign.reading import read_events
from detector.foreign.reasons import Reason
from detector.foreign.stages import stages
from detector.rulebook.book import Match
from detector.rulebook.loading import load
from detector.sources.lines import ReplayError

ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000{}"


def rule(number: int, detection: str, product: str = "other") -> str:
    """A rule as text."""
    return (
        f"title: Rule {number}\nid: {ID.format(number)}\nlevel: high\n"
        f"logsource: {{product: {product}}}\ndetection: {detection}\n"
    )


def write(path: Path, *events: Any) -> Path:
    """A file with one event a line."""
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return path


def compared(path: Path, *matches: Match) -> Comparison:
    """The comparison of rules over the events of a file."""
    return compare(matches, stages(read_events(path).frame, EventMapping()), lambda _: None)


def matches(*detections: str) -> tuple[Match, ...]:
    """Rules of those detections."""
    loaded = load({f"{n}.yml": rule(n, each) for n, each in enumerate(detections)})
    assert not loaded.mistakes, [str(mistake) for mistake in loaded.mistakes]
    return loaded.rulebook.matches


@pytest.mark.parametrize(
    ("item", "event", "reason"),
    [
        ("{a: É}", {"a": "é"}, Reason.CASE),
        ("[É]", {"a": "é"}, Reason.CASE),
        ("['x*y']", {"a": "x", "b": "y"}, Reason.KEYWORDS),
        ("{a|cidr: 10.0.0.0/8}", {"a": "10.x"}, Reason.NETWORKS),
        ("{a|gt: 5}", {"a": "abc"}, Reason.NUMBERS),
        ("{a: true}", {"a": "1"}, Reason.BOOLEANS),
        ("{a|re: 'x$'}", {"a": "x\n"}, Reason.PATTERNS),
        ("{a|week: 1}", {"a": "2026-01-01T05:00:00Z"}, Reason.TIMES),
    ],
)
def test_every_known_difference_is_named(
    tmp_path: Path, item: str, event: dict[str, Any], reason: Reason
) -> None:
    path = write(tmp_path / "e.ndjson", event, {"a": "", "b": "other"})
    found = compared(path, *matches(f"{{s: {item}, t: {{zz: 1}}, condition: s or t}}"))

    (difference,) = found.differences
    assert (difference.reason, difference.row) == (reason, 0)
    assert found.unknown == 0
    assert found.reasons == {reason: 1}


def test_what_nobody_can_explain_is_counted_as_that(tmp_path: Path) -> None:
    path = write(tmp_path / "e.ndjson", {"a": "x"}, {"a": "y"})
    (match,) = matches("{s: {a: x}, condition: s}")
    odd = replace(match, written={"s": {"a": "y"}, "condition": "s"})

    found = compared(path, odd)

    assert (found.same, found.unknown) == (0, 2)
    assert {(each.row, each.ours) for each in found.unexplained} == {(0, True), (1, False)}
    assert compared(path, match).unknown == 0


def test_rules_that_the_other_engine_cannot_run_are_left_out_with_the_reason(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "e.ndjson", {"a": ["x", "y"]})
    found = compared(path, *matches("{s: {a: x}, condition: s}", "{s: {b: x}, condition: s}"))

    assert found.left_out == {ID.format(0): "a is a list"}
    assert found.compared == {ID.format(1)}


def test_a_rule_may_ask_for_several_fields_that_no_event_has(tmp_path: Path) -> None:
    path = write(tmp_path / "e.ndjson", {"a": "x"})
    (match,) = matches("{s: {a: x, b: null, c: null}, condition: s}")

    assert (compared(path, match).same, compared(path, match).left_out) == (1, {})


EXPECTED = (
    Expectation("r", "d/a.json", None, 2),
    Expectation("r", "d/b.json"),
    Expectation("gone", "d/a.json"),
)


def test_what_was_expected_and_did_not_come_is_told() -> None:
    fired = {"r": Counter({("/x/d/a.json", 1): 1, ("/x/d/b.json", 3): 1, ("/x/c.json", 1): 1})}

    verdict = judge(EXPECTED, fired, {"r", "other"})

    assert (verdict.met, verdict.absent) == (1, {"gone"})
    assert [(each.file, each.text) for each in verdict.surprises] == [
        ("d/a.json", "1 matches in place of 2")
    ]


def test_the_lines_of_an_earlier_run_name_all_that_may_match() -> None:
    expected = (Expectation("r", "a", 1), Expectation("r", "a", 2))
    verdict = judge(expected, {"r": Counter({("a", 1): 1}), "s": Counter({("a", 2): 1})}, {"r"})

    assert {(each.rule_id, each.line, each.text) for each in verdict.surprises} == {
        ("r", 2, "did not match"),
        ("s", 2, "matched, which was not expected"),
    }


INFO = """
rule_metadata:
    - id: 7C0C7B06-7a4a-4f0e-9f0a-3d3f5a7a0001
      title: Rule 1
regression_tests_info:
    - name: Positive Detection Test
      type: evtx
      match_count: 1
      path: regression_data/rules/other/r1/abc.evtx
"""


def test_a_backtest_says_what_differs_and_ends_with_one_if_it_should_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data" / "r1"
    data.mkdir(parents=True)
    write(data / "abc.json", {"a": "x"}, {"a": "é"})
    (data / "info.yml").write_text(INFO, "utf-8")
    (tmp_path / "rules").mkdir()
    texts = [rule(1, "{s: {a: x}, condition: s}"), rule(2, "{s: {a: É}, condition: s}")]
    (tmp_path / "rules" / "r.yml").write_text("---\n".join(texts), "utf-8")
    arguments = ["backtest", "--events", "data", "--rules", "rules", "--report", "r.json"]

    assert main([*arguments, "--compare", "sqlite", "--expected", "data", "--out", "first"]) == 0

    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert report["expected"] == {"met": 1, "differences": [], "not_met": 0, "rules_not_here": []}
    compared = report["compared"]
    assert (compared["same_matches"], compared["different"], compared["unexplained"]) == (1, 1, 0)
    assert compared["differences"] == [
        {
            "rule": {"id": ID.format(2), "title": "Rule 2"},
            "where": "data/r1/abc.json:2",
            "matched_by": "vaultwatch",
            "item": "a",
            "value": "é",
            "reason": "case",
        }
    ]
    assert "lower case beyond ASCII" in capsys.readouterr().err

    assert main([*arguments, "--expected", "first", "--out", "second"]) == 0
    (tmp_path / "rules" / "r.yml").write_text(texts[0], "utf-8")
    (data / "info.yml").write_text(INFO.replace("match_count: 1", "match_count: 5"), "utf-8")
    assert main([*arguments, "--expected", "first", "--out", "second"]) == 0
    assert "1 rules are not here" in capsys.readouterr().err
    assert main([*arguments, "--expected", "data", "--out", "second"]) == 1
    assert "1 matches in place of 5" in capsys.readouterr().err


def test_without_the_other_engine_one_line_says_what_to_install(tmp_path: Path) -> None:
    write(tmp_path / "e.ndjson", {"a": "x"})
    arguments = ["backtest", "--events", str(tmp_path), "--compare", "sqlite"]
    script = (
        "import sys; sys.modules['sigma.backends.sqlite'] = None\n"
        f"from detector.cli.main import run; sys.exit(run({arguments!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "the other engine is not installed: pip install pysigma-backend-sqlite\n"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [("", "expects nothing"), ("{}", "1: no expected firing"), ("no", "1: no expected firing")],
)
def test_what_is_no_file_of_firings_is_said_so(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "e").write_text(text, "utf-8")

    with pytest.raises(ReplayError, match=problem):
        read_expectations(tmp_path / "e")


def test_a_folder_of_another_form_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "info.yml").write_text("rule_metadata: 5", "utf-8")

    with pytest.raises(ReplayError, match="not the form of SigmaHQ"):
        read_expectations(tmp_path)
