"""New rule files: whatever they are made of, they load and their own tests come true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from detector import events, jobs
from detector.cli.main import run
from detector.drafting import from_event, scalars, templates
from detector.rehearsal.play import rehearse_all
from detector.rulebook import explaining
from detector.rulebook.loaded import Loaded
from detector.rulebook.loading import load
from detector.sources import loose
from tests.fakes import Clock, ScriptedSource, close, open_desk
from tests.stories import at, audit, few

ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0009"
HEAD = {"uuid": "QVWKEOEWXU2DIDHWTK6HGIF4TV", "timestamp": "2026-03-02T10:00:00.123456789Z"}
PERSON = {"uuid": "OJQGU46KAPROEJLCK674RHSAY5", "name": "Ana", "email": "ana@acme.example"}
CLIENT = {"app_name": "1Password for Mac", "os_name": "MacOSX", "os_version": "10"}
AUDIT = HEAD | {"actor_uuid": PERSON["uuid"], "action": "join", "object_type": "gm", "aux_id": 9}
SHAPES: dict[str, dict[str, Any]] = {
    "audit": AUDIT | {"aux_info": "R", "session": {"uuid": "S1", "ip": "192.0.2.9"}},
    "audit with details and place": AUDIT
    | {"actor_details": PERSON, "object_details": PERSON, "location": {"country": "Canada"}},
    "audit without an action": HEAD | {"actor_uuid": PERSON["uuid"], "object_uuid": "O1"},
    "audit of the everyday": AUDIT | {"action": "update", "object_type": "report"},
    "sign-in": HEAD
    | {"category": "firewall_failed", "type": "continent_blocked", "country": "France"}
    | {"details": {"value": "Europe"}, "target_user": PERSON, "client": CLIENT},
    "sign-in that succeeds": HEAD
    | {"category": "success", "type": "credentials_ok", "target_user": PERSON}
    | {"details": None, "client": CLIENT | {"ip_address": "192.0.2.9"}},
    "sign-in of no type": HEAD | {"category": "mfa_failed", "target_user": PERSON},
    "usage": HEAD
    | {"action": "secure-copy", "item_uuid": "I1", "vault_uuid": "V1", "used_version": 0}
    | {"user": PERSON, "client": CLIENT},
    "usage without an action": HEAD | {"item_uuid": "I1", "user": PERSON, "client": CLIENT},
    "usage of a fill": HEAD | {"action": "fill", "item_uuid": "I1"},
}


def row(folder: Path, item: dict[str, Any]) -> dict[str, Any]:
    """An item by the columns of the schema."""
    (folder / "event.json").write_text(json.dumps(item))
    return loose.read(folder / "event.json")[0].row(0, named=True)


def sound(text: str) -> Loaded:
    """What was loaded of a file without a mistake, of which every test came true.

    An event may say what 1Password is not known to send; of that a warning is right.
    """
    loaded = load({"new.yml": text})
    said = [str(each) for each in (*loaded.mistakes, *loaded.warnings)]
    assert [each for each in said if "as far as is known" not in each] == []
    assert len(loaded.stories) >= 2
    for verdict in rehearse_all(loaded.rulebook, loaded.stories):
        assert verdict.passed, "\n".join(verdict.lines())
    return loaded


def matches(loaded: Loaded, event: dict[str, Any]) -> bool:
    return explaining.explain(loaded.rulebook.matches[0], event)[0].startswith("yes")


@pytest.mark.parametrize("kind", templates.KINDS)
def test_a_template_has_every_kind_of_test_and_they_come_true(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "rule.yml"

    assert run(["rules", "new", "Something: new", "--kind", kind, "--out", str(out)]) == 0

    assert run(["check", "--rules", str(out.parent)]) == 0
    assert run(["rules", "test", "--coverage", "--rules", str(out.parent)]) == 0
    assert "3 passed, 0 failed\n" in capsys.readouterr().out


@pytest.mark.parametrize("item", SHAPES.values(), ids=SHAPES)
def test_a_rule_made_of_an_event_matches_it_and_its_tests_come_true(
    item: dict[str, Any], tmp_path: Path
) -> None:
    event = row(tmp_path, item)

    text = from_event.of_event(event, "Like this one", ID)

    loaded = sound(text)
    assert matches(loaded, event)
    rule = loaded.rulebook.rules[ID]
    assert (rule.status, rule.level) == ("test", "low")
    assert HEAD["uuid"] not in text
    assert "2026-03-02" not in text


@pytest.mark.parametrize("item", SHAPES.values(), ids=SHAPES)
def test_every_hint_may_be_taken_and_still_matches_the_event(
    item: dict[str, Any], tmp_path: Path
) -> None:
    event = row(tmp_path, item)
    text = from_event.of_event(event, "Like this one", ID)
    begun, hints = text.split("        # The event says", 1)

    taken = begun + "\n".join(
        line.replace("        # ", "        ", 1) for line in hints.split("\n")[1:]
    )

    assert taken.count("\n        ") > begun.count("\n        ")
    loaded = load({"new.yml": taken})
    assert [str(each) for each in loaded.mistakes] == []
    assert matches(loaded, event)


WORDS = st.text(st.characters(codec="utf-8") | st.sampled_from("*?\\%#'"), min_size=1, max_size=30)


@few
@example("All", "a*", "b?", events.AUDIT)
@example("All", "*", "*", events.USAGE)
@given(*[WORDS] * 3, st.sampled_from(events.FEEDS))
def test_whatever_an_event_says_becomes_a_rule_that_asks_for_just_that(
    title: str, first: str, second: str, feed: str
) -> None:
    event = {
        "event.feed": feed, "event.action": first, "event.category": first,
        "event.type": second, "object.type": second, "client.app_name": title,
    }  # fmt: skip

    loaded = sound(from_event.of_event(event, title.strip() or "A title", ID))

    assert matches(loaded, event)
    other = {name: f"{value}x" for name, value in event.items()} | {"event.feed": feed}
    assert not matches(loaded, other)


@given(st.text())
def test_a_value_reads_as_itself_and_stands_on_one_line(value: str) -> None:
    written = scalars.scalar(value)

    assert len(written.splitlines()) <= 1
    assert yaml.safe_load(written or '""') == value
    assert yaml.safe_load(f"{{a: {written}, b: 1}}") == {"a": value, "b": 1}


def test_an_event_is_found_in_the_store_and_the_file_is_named_after_the_title(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = open_desk(tmp_path / "data", at("-3 0:00"))
    item = audit("ann", "lagos", "11:00", deed="export vault")
    jobs.poll(desk, ScriptedSource([item]), Clock(at("12:00")))
    close(desk)
    capsys.readouterr()
    (tmp_path / "rules").mkdir()
    config = tmp_path / "own.toml"
    config.write_text(
        f'[data]\ndirectory = "{tmp_path}/data"\n[paths]\nrules = "{tmp_path}/rules"\n'
    )
    asked = ["rules", "new", "Vault taken away!", "--event", item.id, "--config", str(config)]

    assert run([*asked, "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(tmp_path / "rules/vault_taken_away.yml")
    assert UUID(told["id"]).version == 4
    text = Path(told["file"]).read_text()
    assert "object_type: vault\n        action: export\n" in text
    assert run(["rules", "test", told["id"], "--config", str(config)]) == 0

    assert run(asked) == 2
    assert "vault_taken_away.yml: exists already" in capsys.readouterr().err
    assert Path(told["file"]).read_text() == text
    assert run([*asked[:4], "NOBODY", *asked[5:]]) == 2
    assert "NOBODY: no event of that id" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("action: join\n", "event.json:1: not a JSON object"),
        ("", "no events in it"),
        (f"{json.dumps(AUDIT)}\n{json.dumps(AUDIT)}\n", "2 events; a rule is made of one"),
        (json.dumps(HEAD | {"used_version": 1}), "neither action nor kind"),
    ],
)
def test_what_is_no_event_is_refused_in_one_line(
    body: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "event.json", tmp_path / "new.yml"
    file.write_text(body)

    assert run(["rules", "new", "Like it", "--event", str(file), "--out", str(out)]) == 2

    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("title", ["", "  ", "x" * 257])
def test_a_title_is_needed(title: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "new", title, "--out", str(tmp_path / "new.yml")]) == 2

    assert "a title of 1 to 256 characters" in capsys.readouterr().err
