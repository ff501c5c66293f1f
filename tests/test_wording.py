"""What is a code inside is a sentence for people, on every surface, and made in one place."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from detector import rungs
from detector.delivery import reports, sentences
from detector.delivery.bulletins import Cause
from detector.delivery.exposures import LOOK_UP, Exposed, Rotation
from detector.delivery.nearness import Near
from detector.delivery.policy import Hold, Verdict
from detector.rendering import Renderer, paragraphs
from detector.rendering.samples import impossible_travel
from tests.fakes import bulletin

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CODES = sorted(rungs.WORDS)


def test_every_rung_that_rules_and_docs_name_has_its_words() -> None:
    text = (ROOT / "docs" / "analyst.md").read_text()
    part = text[text.index("What an innocent explanation holds back") :].split("\n\n")[0]
    named = {each for each in re.findall(r"`([a-z-]+)`", part) if not each.startswith("--")}
    expected = {
        each
        for path in (ROOT / "rules").rglob("*.yml")
        for each in re.findall(r"because: ([a-z-]+)", path.read_text())
    }
    assert expected
    assert named | expected <= set(CODES)
    assert set(CODES) - {"amended", "superseded"} <= named, "the analyst's page lacks it"


@pytest.mark.parametrize("code", CODES)
def test_a_digest_says_a_rung_in_words(code: str) -> None:
    near = Near("a rule", code, 2, None, "Ann", NOW, "E1")
    held = reports.Daily(held=[("a rule", code, 2)])
    since = NOW - timedelta(days=7)
    for digest in (
        reports.daily(held, since, NOW),
        reports.weekly(reports.Week(near=[near]), since, NOW),
    ):
        said = "\n".join(paragraphs(digest))
        assert rungs.WORDS[code] in said
        assert "-" not in code or code not in said


def test_every_decision_is_told_in_words() -> None:
    assert set(sentences.REASONS) == {*Cause, *Hold}
    assert set(sentences.VERDICTS) == set(Verdict)
    for name in (*Cause, *Hold):
        assert "_" not in sentences.reason(name.value)
    assert len({*sentences.REASONS.values()}) == len(sentences.REASONS), "two are told alike"


def test_whoever_is_to_rotate_learns_how_to_find_the_item(renderer: Renderer) -> None:
    entry = Exposed("vlt", "itm", ("reveal",), NOW, NOW, 1)
    message = bulletin(impossible_travel(), rotation=Rotation((entry,), items=1, since=NOW))
    slack, mail = renderer.slack(message), renderer.email(message)
    console = Console(width=300, file=StringIO(), record=True)
    console.print(renderer.console(message))
    told = (str(slack.blocks), " ".join(mail.text.split()), mail.html, console.export_text())
    for said in told:
        assert LOOK_UP in " ".join(said.split())
