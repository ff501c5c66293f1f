"""Silences of rules, tags and accounts that there are not: kept, and doubted; of levels: refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import silence_files
from detector.cli.main import run
from detector.delivery.commands import Refused
from detector.delivery.journal import How
from detector.delivery.silences import matcher, silence
from detector.doubts import doubt, known
from detector.findings import Level
from detector.rule import Rule
from detector.troubles import TITLES
from tests.delivery import NOON, alert

RULE = Rule("id-new_device", "new_device", "A new device", Level.LOW, tags=("attack.t1078",))
WORDS = known([RULE], ["acme"])


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule=new_devcie", "rule: there is no rule 'new_devcie'; it holds nothing back until there is one; did you mean 'new_device'?"),
        ("rule=New_Device", "rule: there is no rule 'New_Device'; it holds nothing back until there is one; did you mean 'new_device'?"),
        ("rule=a new device", "rule: there is no rule 'a new device'; it holds nothing back until there is one; did you mean 'new_device'?"),
        ("rule=zzz", "rule: there is no rule 'zzz'; it holds nothing back until there is one"),
        ("rule!=zzz", "rule: there is no rule 'zzz'; it excepts nothing until there is one"),
        ("rule=~zz.*", "rule: no rule matches 'zz.*'; it holds nothing back until there is one"),
        ("tag=attack.t1087", "tag: there is no tag of a rule 'attack.t1087'; it holds nothing back until there is one; did you mean 'attack.t1078'?"),
        ("account=acmee", "account: there is no account 'acmee'; it holds nothing back until there is one; did you mean 'acme'?"),
        ("rule=vaultwatch_feed_silent", ""),
        ("rule=~new.*", ""),
        ("subject=nobody@acme.example", ""),
        ("evidence.city=nowhere", ""),
        ("level=low", ""),
    ],
)  # fmt: skip
def test_what_nothing_is_called_is_doubted_with_the_nearest_word(text: str, said: str) -> None:
    assert doubt(matcher(text), WORDS) == said


@given(st.sampled_from(["=", "!=", "=~", "!~"]), st.booleans())
def test_what_an_alert_bears_is_never_doubted(operator: str, by_name: bool) -> None:
    found = alert(tags=RULE.tags)
    rule = found.rule.name if by_name else found.rule.id
    for field, word in (("rule", rule), ("tag", found.tags[0]), ("account", found.account)):
        assert doubt(matcher(f"{field}{operator}{word}"), WORDS) == ""
    for kind in TITLES:
        assert doubt(matcher(f"rule{operator}{kind}"), WORDS) == ""


def test_without_a_configured_account_none_is_doubted() -> None:
    assert doubt(matcher("account=acme"), known([RULE], [])) == ""


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("level=hihg", "'level=hihg': no level 'hihg'; did you mean 'high'?"),
        ("level=HIGH", "'level=HIGH': no level 'HIGH'; did you mean 'high'?"),
        ("level!=7", "there are informational, low, medium, high, critical"),
        ("level=~hi", "no level 'hi'"),
    ],
)
def test_a_level_that_there_is_not_is_refused(text: str, hint: str) -> None:
    with pytest.raises(Refused) as refused:
        silence(["rule=x", text], author="sam", reason="y", span=(NOON, NOON + timedelta(1)), how=How.CLI)  # fmt: skip
    assert hint in str(refused.value)


def test_a_file_is_read_all_the_same_and_the_doubt_has_its_place() -> None:
    text = "silences:\n  - match: [level=low, rule=new_devcie]\n    author: sam\n    reason: lab\n    until: 2026-03-20\n"
    read = silence_files.read("s.yml", text, NOON, WORDS)
    assert (len(read.silences), read.mistakes) == (1, ())
    (warning,) = read.warnings
    assert str(warning).startswith("s.yml:2:24: silences[0].match[1]: rule: there is no rule")
    assert silence_files.read("s.yml", text, NOON).warnings == ()


def test_the_command_warns_and_keeps_the_silence(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.toml").write_text('[data]\ndirectory = "own"\n[paths]\nsilences = "s.yml"\n')
    Path("s.yml").write_text(
        "silences:\n  - {match: [rule=op_new_devcie], author: sam, reason: lab, until: 2099-01-01}\n"
    )
    option = ["--config", "own.toml"]
    words = ["silences", "add", "rule=op_new_devcie", "--for", "8h", "--reason", "lab", *option]

    assert run([*words, "--json"]) == 0
    told = capsys.readouterr()
    assert told.err.startswith("warning: rule: there is no rule 'op_new_devcie'; it holds nothing")
    assert told.err.endswith("did you mean 'op_new_device'?\n")
    assert run(["silences", "list", *option]) == 0
    assert "op_new_devcie" in capsys.readouterr().out
    assert run(["silences", "add", "rule=op_new_device", *words[3:]]) == 0
    assert capsys.readouterr().err == ""
