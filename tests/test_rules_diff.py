"""What an edit does to alerts: both sides are backtests, and nothing that differs is left out."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts import Alert
from detector.backtesting import Replayed
from detector.cli.main import run
from detector.comparing import telling
from detector.comparing.difference import Difference, difference
from detector.findings import LEVELS
from detector.rendering.samples import impossible_travel
from tests.stories import ROOT

SINCE = "2026-03-09"
EDITS = {
    "nothing": ("", ""),
    "a level": ("level: medium", "level: high"),
    "a title": ("title: First session", "title: A session"),
    "learning": ("until: 14d or 10 events", "until: 60d"),
    "what must be new with it": ("with-any-new:", "with-any-new: [hour] #"),
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    words = ["simulate", "--people", "10", "--days", "14", "--attacks", "3"]
    assert run([*words, "--start", "2026-03-02", "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder with three rules."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("new_device", "impossible_travel", "exports"):
        shutil.copy(ROOT / "rules" / f"{name}.yml", folder)
    return folder


def edited(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of the folder with one text of a file replaced."""
    copy = folder.parent / "edited"
    shutil.copytree(folder, copy)
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new))
    return copy


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run([str(word) for word in words]) == code
    return capsys.readouterr().out


def diffed(capsys: pytest.CaptureFixture[str], *words: Any, code: int = 0) -> dict[str, Any]:
    return json.loads(said(capsys, "rules", "diff", *words, "--json", code=code))


def backtest(capsys: pytest.CaptureFixture[str], company: Path, rules: Path) -> dict[str, Any]:
    words = ("backtest", "--from", company, "--rules", rules, "--train-until", SINCE)
    alerts = map(json.loads, said(capsys, *words).splitlines())
    return {alert["id"]: alert for alert in alerts if alert["time"] >= SINCE}


@pytest.mark.parametrize("edit", EDITS)
def test_a_diff_is_the_difference_of_two_backtests(
    company: Path, rules: Path, capsys: pytest.CaptureFixture[str], edit: str
) -> None:
    new = edited(rules, "new_device.yml", *EDITS[edit])
    before, after = (backtest(capsys, company, folder) for folder in (rules, new))

    found = diffed(capsys, rules, new, "--events", company, "--since", SINCE)

    assert (found["alerts_before"], found["alerts_after"]) == (len(before), len(after))
    gone = {each["id"] for each in found["removed"]}
    come = {each["id"] for each in found["added"]}
    both = {(each["was"]["id"], each["id"]) for each in found["changed"]}
    assert gone | {was for was, now in both if was != now} == before.keys() - after.keys()
    assert come | {now for was, now in both if was != now} == after.keys() - before.keys()
    for key in before.keys() & after.keys():
        fields = ("level", "summary", "first_time", "count", "suppressed_by")
        same = all(before[key][name] == after[key][name] for name in fields)
        assert same == ((key, key) not in both)
    if edit == "a level":
        assert any("level" in each["changed"] for each in found["changed"])
    if edit == "nothing":
        assert not gone
        assert not come
        assert not both


def test_what_is_held_back_now_says_by_what(
    company: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    eager = edited(rules, "new_device.yml", "until: 14d or 10 events", "until: 1 events")

    found = diffed(capsys, eager, rules, "--events", company)

    assert "learning" in {each["now_suppressed_by"] for each in found["removed"]}
    assert "was held back: learning" in said(
        capsys, "rules", "diff", rules, eager, "--events", company
    )


def test_a_rule_that_is_gone_and_an_exception(
    company: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = rules.parent / "less"
    shutil.copytree(rules, new)
    (new / "new_device.yml").unlink()

    found = diffed(capsys, rules, new, "--events", company)

    assert found["removed"]
    assert set(found["by_rule"]) == {"op_new_device"}
    assert diffed(capsys, rules, new, "--events", company, "--overlay")["removed"] == []


def test_a_broken_edit_is_named_and_is_exit_code_1(
    company: Path, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = edited(rules, "new_device.yml", "level: medium", "level: hihg")

    assert run(["rules", "diff", str(rules), str(new), "--events", str(company), "--json"]) == 1

    heard = capsys.readouterr()
    assert f"{new}: new_device.yml:" in heard.err
    assert "did you mean 'high'" in heard.err


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def test_sides_may_be_revisions(
    company: Path, rules: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    top = rules.parent
    git(top, "init", "-q", "-b", "main")
    git(top, "add", "rules")
    git(top, "commit", "-q", "-m", "one")
    (rules / "new_device.yml").unlink()
    git(top, "commit", "-q", "-a", "-m", "two")
    monkeypatch.chdir(top)
    events = ("--events", company)

    for old, new in (("HEAD~1", "rules"), ("main~1:rules", "main:rules"), ("HEAD~1", "HEAD")):
        found = diffed(capsys, old, new, *events)
        assert set(found["by_rule"]) == {"op_new_device"}, (old, new)
    assert diffed(capsys, "main", "rules", *events)["removed"] == []
    monkeypatch.chdir(rules)
    assert diffed(capsys, "HEAD~1:./", ".", *events)["removed"]


@pytest.mark.parametrize(
    ("old", "line"),
    [
        ("nowhere", "nowhere: no such folder, and no git revision 'nowhere' here"),
        ("--output=x:rules", "no git revision '--output=x' here"),
        ("HEAD:nothing", "HEAD:nothing: no"),
    ],
)
def test_what_is_no_side_is_exit_code_2(
    rules: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    old: str, line: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(rules.parent)
    assert run(["rules", "diff", "--events", str(rules), "--", old, "rules"]) == 2
    assert line in capsys.readouterr().err


def drawn(number: int, level: int, minute: int, person: int) -> Alert:
    sample = impossible_travel()
    time = sample.time + timedelta(minutes=minute)
    return replace(
        sample,
        id=f"a{number}",
        level=LEVELS[level],
        time=time,
        first_time=time,
        event_ids=(f"E{number}",),
        subject=replace(sample.subject, id=f"P{person}"),
    )


alerts = st.lists(
    st.builds(drawn, st.integers(0, 12), st.integers(0, 4), st.integers(0, 60), st.integers(0, 3)),
    unique_by=lambda alert: alert.id,
    max_size=8,
)


@given(alerts, alerts)
def test_every_alert_of_both_sides_is_accounted_for_once(
    before: list[Alert], after: list[Alert]
) -> None:
    old, new = (Replayed(alerts={each.id: each for each in side}) for side in (before, after))

    found = difference(old, new)

    was = [change.before.id for change in found.changes if change.before]
    now = [change.after.id for change in found.changes if change.after]
    assert len(was) == len(set(was))
    assert len(now) == len(set(now))
    same = set(old.alerts) & set(new.alerts)
    assert set(was) >= set(old.alerts) - same
    assert set(now) >= set(new.alerts) - same
    assert difference(old, old).changes == []
    back = difference(new, old)
    assert len(back.of("added")) == len(found.of("removed"))
    assert len(back.of("changed")) == len(found.of("changed"))


@given(st.text(max_size=60) | st.sampled_from(["`<img src=x>`", "@all", "a|b", "www.evil.example"]))
def test_markdown_shows_hostile_text_as_code(text: str) -> None:
    alert = replace(impossible_travel(), summary=text)
    found = difference(Replayed(), Replayed(alerts={alert.id: alert}))

    told = telling.markdown(found, old=text, new=text, over=text)

    for line in told.splitlines():
        outside = line.split("`")[::2]
        assert len(outside) % 2 == 1 or line.count("`") % 2 == 0
        assert not any("evil" in part or "@" in part or "<img" in part for part in outside)


def test_no_difference_says_so() -> None:
    assert telling.summary(Difference([], 3, 3)) == "No difference: 3 alerts before and after."
