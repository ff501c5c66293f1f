"""Overlays: a pack updates, and what a user changed of it stays."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import files, plans
from detector.cli.main import run
from detector.findings import Level
from detector.plans import Texts
from detector.rehearsal.play import rehearse_all
from detector.rulebook.loading import Loaded, load
from detector.settings import PathsConfig

ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000{}"
PACK = {
    "rules/pack.yml": f"""\
title: Grants
name: grants
id: {ID.format(1)}
level: medium
logsource: {{product: onepassword, service: auditevents}}
detection: {{s: {{action: grant}}, condition: s}}
alert: {{runbook: [Ask somebody.], dedup: {{for: 2h}}}}
tests:
    - name: a grant
      events: [{{at: 0h, feed: auditevents, user: ana, action: grant, object_type: uva}}]
      expect: {{alerts: 1, level: medium}}
---
title: Revocations
name: revocations
id: {ID.format(2)}
level: low
logsource: {{product: onepassword, service: auditevents}}
detection: {{s: {{action: revoke}}, condition: s}}
---
title: Both
name: both
id: {ID.format(3)}
level: high
correlation:
    {{type: temporal, rules: [grants, revocations], group-by: [user.id], timespan: 1h, generate: true}}
"""
}
WHOLE = f"""\
title: Ours
id: {ID.format(1)}
level: high
logsource: {{product: onepassword, service: auditevents}}
detection: {{s: {{action: join}}, condition: s}}
"""


def over(*documents: str, pack: dict[str, str] = PACK) -> Loaded:
    return load(pack | {"own/own.yml": "---\n".join(documents)})


def change(number: int, more: str) -> str:
    return f"id: {ID.format(number)}\n{more}\n"


def said(loaded: Loaded) -> list[str]:
    return [str(each) for each in (*loaded.mistakes, *loaded.warnings)]


def test_a_change_of_the_level_leaves_all_else_to_the_pack() -> None:
    loaded = over(change(1, "level: critical\nalert: {runbook: [Call, Ask, Undo]}"))
    rule = loaded.rulebook.rules[ID.format(1)]

    assert said(loaded) == []
    assert (rule.level, rule.title, rule.file) == (Level.CRITICAL, "Grants", "rules/pack.yml")
    assert rule.runbook == ("Call", "Ask", "Undo")
    assert rule.fold_for.total_seconds() == 7200
    assert set(loaded.rulebook.rules) == {ID.format(n) for n in (1, 2, 3)}
    assert (loaded.documents, loaded.loaded) == (4, 4)


def test_shipped_tests_expect_the_new_level_and_own_ones_are_played_too() -> None:
    own = (
        "tests:\n    - name: ours\n      events: [{at: 0h, use: grants, user: bo}]\n"
        "      expect: {alerts: 1, level: critical}"
    )
    loaded = over(change(1, f"level: critical\n{own}"))

    verdicts = list(rehearse_all(loaded.rulebook, loaded.stories))

    assert [verdict.story.name for verdict in verdicts] == ["a grant", "ours"]
    assert [verdict.diffs for verdict in verdicts] == [(), ()]


def test_a_whole_document_takes_the_place_of_one_rule_and_not_of_its_file() -> None:
    loaded = over(WHOLE.replace("title: Ours", "title: Ours\nname: grants"))

    assert said(loaded) == []
    assert loaded.rulebook.rules[ID.format(1)].title == "Ours"
    assert loaded.rulebook.rules[ID.format(2)].title == "Revocations"
    assert [str(each) for each in loaded.overlays] == [
        f"own/own.yml:1: takes the place of grants; "
        f"write 'base: {loaded.overlays[0].base}' to hear of changes of the pack"
    ]


def test_what_is_switched_off_is_gone_and_what_others_need_is_only_quiet() -> None:
    loaded = over(change(1, "enabled: false"), change(3, "enabled: false"))

    assert said(loaded) == []
    assert set(loaded.rulebook.rules) == {ID.format(2)}
    alone = over(change(1, "enabled: false"))
    assert not alone.rulebook.rules[ID.format(1)].raises
    assert alone.rulebook.rules[ID.format(3)].raises
    assert alone.stories == ()


@given(st.sampled_from(["tests: []", "", "# a comment"]))
def test_the_base_is_what_the_rule_says_and_not_how(more: str) -> None:
    now = over(change(1, "level: low")).overlays[0].base
    pack = {"rules/pack.yml": PACK["rules/pack.yml"].replace("level: medium", "level:   medium", 1)}
    if more:
        first, _, rest = pack["rules/pack.yml"].partition("tests:\n")
        pack = {"rules/pack.yml": f"{first}{more}\n---{rest.partition('---')[2]}"}

    assert over(change(1, "level: low"), pack=pack).overlays[0].base == now


def test_a_base_that_has_changed_is_told() -> None:
    now = over(change(1, "level: low")).overlays[0].base
    pinned = over(change(1, f"level: low\nbase: {now}"))
    stale = over(
        change(1, f"level: low\nbase: {now}"),
        pack={"rules/pack.yml": PACK["rules/pack.yml"].replace("action: grant", "action: join", 1)},
    )

    assert said(pinned) == []
    assert pinned.overlays[0].fits
    assert str(pinned.overlays[0]) == "own/own.yml:1: changes level of grants"
    assert not stale.overlays[0].fits
    assert said(stale) == [
        f"own/own.yml:3:7: base: the shipped rule has changed since {now}; compare "
        f"rules/pack.yml:1 with yours, then write 'base: {stale.overlays[0].base}'"
    ]
    assert stale.rulebook.rules[ID.format(1)].level is Level.LOW


@pytest.mark.parametrize("more", ["enabled: false", "base: v12345678\nlevel: low"])
def test_a_base_that_has_vanished_is_a_mistake(more: str) -> None:
    (first, *_) = said(over(change(9, more)))
    assert first.startswith(
        f"own/own.yml:1:5: id: no shipped rule has the id '{ID.format(9)}' any more"
    )


def test_a_whole_rule_whose_base_has_vanished_goes_on() -> None:
    loaded = over(WHOLE.replace(ID.format(1), ID.format(9)) + "base: v12345678\n")
    assert loaded.mistakes == ()
    assert said(loaded) == [
        "own/own.yml:6:7: base: no shipped rule has this id any more; "
        "delete it, the rule is yours now"
    ]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("levle: low", "own/own.yml:2:1: levle: not a key; did you mean 'level'?"),
        ("level: hihg", "own/own.yml:2:8: level: 'hihg' is not a level; did you mean 'high'?"),
        ("name: other", "own/own.yml:2:1: name: cannot be changed of a shipped rule"),
        (
            "alert: {runbok: [Ask]}",
            "own/own.yml:2:9: alert.runbok: not a key of alert; did you mean 'runbook'?",
        ),
        ("enabled: 3", "own/own.yml:2:10: enabled: '3' is neither true nor false"),
        ("tests: [{name: x}]", "own/own.yml:2:9: tests[1].events: a list of events is needed"),
    ],
)
def test_a_mistake_in_an_overlay_is_shown_where_it_stands(more: str, told: str) -> None:
    mistakes = [str(each) for each in over(change(1, more)).mistakes]
    assert [each for each in mistakes if each.startswith(told)], mistakes


def test_a_rule_whose_change_is_wrong_is_as_shipped_and_so_is_what_looks_at_it() -> None:
    wrong, right = change(1, "levle: high\n"), change(2, "level: critical\n")
    texts = Texts(
        rules=PACK
        | {"own/own.yml": f"{WHOLE.replace(ID.format(1), ID.format(9))}---\n{wrong}---\n{right}"}
    )

    built = plans.build(texts, date(2026, 3, 1))

    levels = {rule.name: rule.level for rule in built.plan.rulebook.rules.values()}
    assert levels == {
        "grants": Level.MEDIUM,
        "revocations": Level.CRITICAL,
        "both": Level.HIGH,
        "ours": Level.HIGH,
    }
    (mistake,) = map(str, built.mistakes)
    assert mistake.startswith("own/own.yml:8:1: levle: not a key")


def test_two_overlays_of_one_rule_are_one_too_many() -> None:
    loaded = over(change(1, "level: low"), change(1, "level: high"))
    assert said(loaded) == [
        "own/own.yml:4:5: id: this shipped rule is changed by own/own.yml:1 too; keep one of them"
    ]


def test_a_folder_called_rules_is_not_taken_for_the_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "rules" / "exports.yml"
    own.parent.mkdir()
    own.write_text(change(1, "level: low") + "---\n" + WHOLE.replace(ID.format(1), ID.format(8)))
    monkeypatch.chdir(tmp_path)

    found = files.rules(Path("rules"))

    assert {"rules/exports.yml", "./rules/exports.yml"} <= set(found)
    assert len(found) == len(files.rules(None)) + 1


def test_a_folder_that_stands_alone_brings_the_shipped_rules_that_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = "899d172d-7bcb-4523-8de0-e68ab2de8265"
    (tmp_path / "own.yml").write_text(f"id: {exported}\nlevel: critical\n")

    code = run(["check", "--rules", str(tmp_path), "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (code, told["rules"], told["loaded"], told["errors"]) == (0, 1, 1, [])
    assert [(each["rule"], each["changes"]) for each in told["overlays"]] == [
        ("op_vault_exported", ["level"])
    ]
    texts = files.texts(PathsConfig(), own_rules=tmp_path).rules
    assert load(texts).rulebook.rules[exported].level is Level.CRITICAL
    assert "op_report_exported" not in {rule.name for rule in load(texts).rulebook.rules.values()}
    assert load(texts).rulebook.rules[exported].raises
