"""The shipped pack is whole: each rule tells all that people need, each action has a place."""

from __future__ import annotations

import csv
import re
from datetime import date

import polars as pl
import pytest

from detector import events, files, plans
from detector.findings import Level
from detector.rule import Rule
from detector.rulebook.stories import Story
from detector.rulebook.vocabulary import DEEDS
from detector.settings import PathsConfig
from tests.stories import ROOT

BUILT = plans.build(files.texts(PathsConfig()), date(2026, 11, 1))
BOOK, STORIES = BUILT.loaded.rulebook, BUILT.loaded.stories
ALERTING = sorted((rule for rule in BOOK.rules.values() if rule.raises), key=lambda rule: rule.name)
DETECTIONS = (ROOT / "docs/reference/detections.md").read_text("utf-8")
QUIET = {
    "everyday work, of which only the amount can be odd": {
        "item": "create update patch delshare", "items": "patch", "file": "create delete",
        "vault": "create update updatea", "group": "create", "user": "changenm changela update",
    },
    "programs and keys follow by themselves what a person did": {
        "vaultkey": "create replace", "group": "replace changeks", "device": "update reauth",
        "ssotkn": "ssotknv create revoke delete", "satoken": "expire", "invite": "expire",
    },
    "op_new_device and op_session_hijack look at the session itself": {"user": "tdvcsso sdvcsso"},
    "it takes access away, or gives nothing": {
        "user": "cancelr trvlaway deolddev", "device": "delete", "invite": "delete cancel",
        "ec": "begin propose cancel delete", "slackapp": "delete", "template": "hide unhide delete",
        "report": "create delete",
    },
    "people's own families and moves": {
        "famchild": "rdmchild create detchild delete", "miguser": "musercom muserdec create",
    },
    "bills": {
        "card": "create delete update", "pm": "create update delete", "sub": "create update patch",
    },
    "said once, when the account begins": {"account": "activate prsndall"},
    "1Password does not say what it is good for": {
        "user": "sendpkg", "dlgdsess": "dlgsess create",
    },
}  # fmt: skip
"""Audit actions at which no rule looks, by the reason: object type and actions."""


def told_of(rule: Rule) -> list[Story]:
    return [story for story in STORIES if story.rule_id == rule.id]


def covering(action: str, kind: str) -> set[str]:
    """The rules and building blocks that look at an action, done to oneself or to somebody."""
    nothing: dict[str, object] = dict.fromkeys(events.SCHEMA)
    deed = {"event.feed": events.AUDIT, "event.action": action, "object.type": kind, "user.id": "A"}
    rows = [nothing | deed | {"object.id": whom, "aux.id": whom} for whom in ("A", "B")]
    hits = BOOK.match(pl.DataFrame(rows, schema=events.SCHEMA))
    found = {BOOK.rules[key].name for key, rows in hits.items() if len(rows)}
    return found - {"op_session", "op_unknown_action"}


@pytest.mark.parametrize("rule", ALERTING, ids=lambda rule: rule.name)
def test_a_shipped_rule_tells_all_that_people_need(rule: Rule) -> None:
    assert rule.title[0].isupper()
    assert len(rule.description.split()) >= 10
    assert rule.falsepositives
    assert 3 <= len(rule.runbook) <= 6
    assert all(step.endswith((".", ")", "?")) and len(step.split()) >= 4 for step in rule.runbook)
    assert rule.references
    assert all(link.startswith("https://") for link in rule.references)
    assert rule.level is Level.INFORMATIONAL or [
        tag for tag in rule.tags if re.fullmatch(r"attack\.t\d{4}(\.\d{3})?", tag)
    ]
    techniques = {link.rstrip("/").split("/techniques/")[-1] for link in rule.references}
    named = {tag.removeprefix("attack.").upper().replace(".", "/") for tag in rule.tags}
    assert {each for each in techniques if re.match(r"T\d", each)} <= named


@pytest.mark.parametrize("rule", ALERTING, ids=lambda rule: rule.name)
def test_a_shipped_rule_has_a_positive_a_negative_and_a_look_alike(rule: Rule) -> None:
    told = told_of(rule)
    assert [story for story in told if story.expect.alerts and not story.look_alike]
    assert [story for story in told if not story.expect.alerts and not story.look_alike]
    assert [story for story in told if story.look_alike]
    louder = [story.expect.level for story in told if story.expect.level == rule.level]
    assert louder, "no test expects the rule's own level"


def test_every_building_block_is_used() -> None:
    used = {base for entry in (*BOOK.behaviors, *BOOK.correlations) for base in entry.bases}
    idle = {rule.name for rule in BOOK.rules.values() if not rule.raises and rule.id not in used}
    assert idle == {"op_security_setting"}, "for the rules of analysts"


def test_every_audit_action_is_covered_or_left_out_on_purpose() -> None:
    with (ROOT / "tests/audit_actions.csv").open(encoding="utf-8") as file:
        every = {(row["action"], row["object_type"]) for row in csv.DictReader(file)}
    left_out = {
        (action, kind)
        for kinds in QUIET.values()
        for kind, actions in kinds.items()
        for action in actions.split()
    }

    assert every == {(action, kind) for kind, actions in DEEDS.items() for action in actions}
    covered = {pair for pair in every if covering(*pair)}

    assert every - covered == left_out
    assert len(every) > 150


def test_the_page_of_detections_names_every_rule_that_alerts_and_no_other() -> None:
    assert set(re.findall(r"`(op_\w+)`", DETECTIONS)) == {rule.name for rule in ALERTING}


def test_what_waits_for_a_list_says_so_and_nothing_else_is_odd() -> None:
    lists = {
        name: f"{name}: [value]"
        for name in re.findall(r"your list '(\w+)'", " ".join(map(str, BUILT.loaded.warnings)))
    }
    assert [f"`{name}`" in DETECTIONS for name in lists] == [True] * 6
    given = {f"{name}.yml": text for name, text in lists.items()}
    given["bad_networks.yml"] = "bad_networks: [198.51.100.0/24]"
    texts = plans.Texts(rules=files.rules(None), lists=given)

    again = plans.build(texts, date(2026, 11, 1))

    assert BUILT.mistakes == again.mistakes == ()
    assert again.loaded.warnings == ()


def test_a_rule_on_trial_is_noisy_by_nature() -> None:
    assert {rule.name for rule in ALERTING if rule.status == "test"} == {
        "op_invited_by_hand",
        "op_recovery_completed_fast",
        "op_self_grant_then_read",
        "op_travel_mode_off_abroad",
    }
