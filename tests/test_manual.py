"""Every mistake leads to a section of the reference, every section is there, and says what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from detector import files, networks, plans, silence_files
from detector.cli.main import run
from detector.correlations.bounds import OPERATORS
from detector.correlations.definition import WALKS
from detector.findings import LEVELS
from detector.manual import Manual, anchor
from detector.rehearsal.cast import PERSON_KEYS
from detector.rule import ROUTINES
from detector.rule_types import reference
from detector.rule_types.catalog import BEHAVIORS
from detector.rulebook import field_reference, headers, overlays, sections, story_reading
from detector.rulebook.loading import load
from detector.rulebook.modifiers import MODIFIERS
from detector.rulebook.vocabulary import KIND_KEYS, SIGMA_KEYS, STATUSES
from detector.sources.records import shape
from tests.stories import ROOT
from tests.test_docs import blocks
from tests.test_rulebook_hostile import BOMBS

MANUAL = files.manual("https://docs.example.com/reference")
LINKS = [value for name, value in vars(sections).items() if name.isupper() and name[0] != "_"]
LINKS += [sections.of_behavior(reference.name_of(kind)) for kind in BEHAVIORS]
ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001"
WRONG = """\
title: a
id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001
level: hihg
logsource: {product: onepassword, service: auditevents}
detection: {s: {actoin: grant, action|contians: x}, condition: s}
"""


@pytest.mark.parametrize("link", LINKS)
def test_every_link_leads_to_a_section(link: str) -> None:
    assert MANUAL.sections[link].startswith("#")
    assert MANUAL.named(link.partition("#")[2]) == link, "the name in brackets finds it, too"


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_wrong_with_a_hostile_file_is_explained_somewhere(name: str) -> None:
    loaded = load({"rules.yml": BOMBS[name]})

    assert {each.about for each in (*loaded.mistakes, *loaded.warnings)} <= set(LINKS)


KEYS = sorted(SIGMA_KEYS.union(*KIND_KEYS.values()))
VALUES = st.recursive(
    st.sampled_from(["x", "7", "true", "null", "2026-01-01", "op_signin_ok", "first_seen", "10m"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]"),
        st.dictionaries(
            st.sampled_from([*KEYS, "type", "rules", "condition", "action", "actoin|re", "for"]),
            inner,
            max_size=4,
        ).map(lambda each: "{" + ", ".join(f"{key}: {value}" for key, value in each.items()) + "}"),
    ),
    max_leaves=12,
)


@given(
    document=st.dictionaries(st.sampled_from([*KEYS, "enabled", "levle"]), VALUES, max_size=9),
    kind=st.sampled_from([*KIND_KEYS, ""]),
    value=VALUES,
)
def test_whatever_is_wrong_is_explained_somewhere(
    document: dict[str, str], kind: str, value: str
) -> None:
    whole = document | ({kind: value} if kind else {}) or {"title": "x"}
    loaded = load({"rules.yml": "".join(f"{key}: {text}\n" for key, text in whole.items())})

    assert {each.about for each in (*loaded.mistakes, *loaded.warnings)} <= set(LINKS)


def test_mistakes_of_the_files_beside_the_rules_are_explained() -> None:
    texts = plans.Texts(
        models={"m.yml": "x: 1"}, people={"p.yml": "people: 5"}, networks={"n.yml": "a: [b"},
        lists={"l.yml": "admins: 5"},
    )  # fmt: skip
    built = plans.build(texts, plans.date(2026, 6, 1))
    silences = silence_files.read("s.yml", "silences: 5", datetime(2026, 6, 1, tzinfo=UTC))

    found = {each.file: each.about for each in (*built.mistakes, *silences.mistakes)}
    assert found == {
        "m.yml": sections.MODELS,
        "p.yml": sections.PEOPLE,
        "n.yml": sections.YAML,
        "l.yml": sections.LISTS,
        "s.yml": sections.SILENCES,
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a rule that has three mistakes."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.yml").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_terminal_names_each_section_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = (
        WRONG.replace("0001", "0002").replace("actoin", "acton").replace("title: ", "title: No ")
    )
    (folder / "mine" / "b.yml").write_text(other)

    assert run(["check", "--rules", "mine"]) == 1

    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("did you mean 'high'? [level]")
    assert lines[-4:-3] == ["read on; 'vaultwatch rules reference NAME' prints it, too:"]
    assert [line.split()[0] for line in lines[-3:]] == ["fields", "level", "modifiers"]
    address, _, name = lines[-2].split()[1].removeprefix("file://").partition("#")
    assert f"## {name}\n" in Path(address).read_text()


def test_links_lead_to_where_the_reference_is_published(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "vaultwatch.toml").write_text('reference = "https://docs.example.com/vw/"\n')

    words = ["check", "--rules", "mine", "--sarif", "a.sarif", "--junit", "a.xml", "--json"]
    assert run(words) == 1

    level = "https://docs.example.com/vw/language.md#level"
    told = json.loads(capsys.readouterr().out)
    assert told["errors"][0]["link"] == level
    log = json.loads((folder / "a.sarif").read_text())["runs"][0]
    rules = log["tool"]["driver"]["rules"]
    first = log["results"][0]
    assert (first["ruleId"], rules[first["ruleIndex"]]["helpUri"]) == ("mistake/level", level)
    assert "`critical`" in rules[first["ruleIndex"]]["help"]["markdown"]
    failures = ElementTree.parse(folder / "a.xml").getroot().iter("failure")
    assert str(next(failures).text).endswith(f"read on: {level}")


def test_no_file_for_others_names_a_folder_of_this_machine(folder: Path) -> None:
    assert run(["check", "--rules", "mine", "--sarif", "a.sarif"]) == 1

    text = (folder / "a.sarif").read_text()
    assert "helpUri" not in text
    assert "`critical`" in text


def test_the_command_prints_sections_and_knows_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rules", "reference", "first_seen", "level"]) == 0
    assert re.findall(r"^#+ .*", capsys.readouterr().out, re.MULTILINE) == [
        "## `first_seen`",
        "## level",
    ]
    assert run(["rules", "reference", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["link"].rpartition("/")[2] for each in listed} >= set(LINKS)
    assert run(["rules", "reference", "lvel"]) == 2
    assert "did you mean 'level'?" in capsys.readouterr().err


def test_the_page_of_fields_is_fresh() -> None:
    page = ROOT / "docs/reference/fields.md"

    assert page.read_text() == field_reference.page(), (
        "run: vaultwatch rules docs fields > docs/reference/fields.md"
    )


def said(link: str) -> set[str]:
    """What a section sets in the type of code."""
    return set(re.findall(r"`([^`]+)`", MANUAL.sections[link]))


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (sections.DOCUMENTS, SIGMA_KEYS.union(*KIND_KEYS.values())),
        (sections.LEVEL, LEVELS),
        (sections.STATUS, STATUSES),
        (sections.ALERT, headers.ALERT_KEYS),
        (sections.ALERT, ROUTINES),
        (sections.MODIFIERS, MODIFIERS),
        (sections.CORRELATION, WALKS),
        (sections.COUNTING, OPERATORS),
        (sections.TESTS, [*story_reading.STORY_KEYS, *story_reading.EVENT_KEYS, *PERSON_KEYS]),
        (sections.OVERLAYS, overlays.CHANGEABLE),
        (sections.NETWORKS, networks.KINDS),
    ],
)
def test_the_reference_names_every_word(link: str, words: Iterable[str]) -> None:
    assert set(map(str, words)) - said(link) == set()


@pytest.mark.parametrize(
    ("link", "model"),
    [(sections.PEOPLE, plans._PeopleFile), (sections.NETWORKS, plans._NetworksFile)],
)
def test_the_reference_names_every_key_of_a_file(link: str, model: type[BaseModel]) -> None:
    assert plans._keys(model) - said(link) == set()


def test_anchors_are_those_of_code_hosts_and_code_has_none() -> None:
    page = "# Page\n## A `b` (c)\n```\n# no heading\n```\ntext\n### Under\n## Next\n"
    manual = Manual({"p.md": page}, "https://docs.example.com/")

    assert list(manual.sections) == ["p.md#a-b-c", "p.md#under", "p.md#next"]
    assert manual.sections["p.md#a-b-c"].endswith("text\n### Under")
    assert manual.link("p.md#next") == "https://docs.example.com/p.md#next"
    assert anchor("First-seen: what?") == "first-seen-what"


def test_the_examples_of_the_language_load() -> None:
    head = f"title: R\nid: {ID}\n"
    source = "logsource: {product: onepassword, service: auditevents}\n"
    shipped = files.rules(None)
    found = blocks(ROOT / "docs/reference/language.md", "yaml")
    for body in found:
        text = head + (source if body.startswith("detection") else "") + body
        loaded = load(shipped | {"r.yml": text})
        assert [str(each) for each in loaded.mistakes] == []
    assert len(found) == 2


@pytest.mark.parametrize(
    ("item", "told", "holds"),
    [
        ("aux_info: 'gr?nt'", {"aux_info": "GRANT"}, True),
        ("aux_info: ''", {"aux_info": ""}, True),
        ("aux_info: ''", {}, False),
        ("aux_info: null", {}, True),
        ("aux_info: null", {"aux_info": ""}, False),
        ("aux_id: '5'", {"aux_id": 5}, True),
        ("aux_id: 5.0", {"aux_id": 5}, True),
        ("aux_info: 5", {"aux_info": "5"}, True),
        ("aux_info|neq: x", {}, True),
        ("aux_info|re: AB", {"aux_info": "ab"}, False),
        ("aux_info|re|i: AB", {"aux_info": "ab"}, True),
        ("aux_info|windash|contains: ' -a'", {"aux_info": "x /a"}, True),
        (
            "actor_uuid|fieldref|startswith: object_uuid",
            {"actor_uuid": "AB", "object_uuid": "A"},
            True,
        ),
        ("timestamp|timerange: 07:00-08:05", {}, False),
        ("timestamp|timerange: 20:00-08:06", {}, True),
        ("timestamp|week: 10", {}, True),
        ("timestamp|day_of_week: monday", {}, True),
        ("timestamp|day_of_year: 03-02", {}, True),
    ],
)
def test_values_and_modifiers_ask_what_the_tables_say(
    item: str, told: dict[str, object], holds: bool
) -> None:
    text = (
        f"title: R\nid: {ID}\nlogsource: {{product: onepassword, service: auditevents}}\n"
        f"detection: {{s: {{{item}}}, condition: s}}\n"
    )
    loaded = load({"r.yml": text})
    event = {"uuid": "U", "timestamp": "2026-03-02T08:05:00Z", "action": "grant"} | told
    frame = shape("auditevents", [json.dumps(event).encode()], datetime(2026, 3, 2, 9, tzinfo=UTC))

    (rows,) = loaded.rulebook.match(frame.frame).values()
    assert len(rows) == int(holds)


def test_a_rule_is_shown_as_it_is_written_with_what_changes_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine" / "a.yml").write_text(
        "id: 899d172d-7bcb-4523-8de0-e68ab2de8265\nlevel: critical\ntitle: a [/bold] vault\n"
    )

    assert run(["rules", "show", "op_vault_exported", "--yaml", "--rules", "mine"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# rules/exports.yml:")
    assert "\n---\n# mine/a.yml:1\nid: 899d172d" in shown
    assert [each["id"] for each in yaml.safe_load_all(shown)] == [
        "899d172d-7bcb-4523-8de0-e68ab2de8265"
    ] * 2
    assert run(["rules", "show", "op_vault_exported", "--rules", "mine"]) == 0
    assert capsys.readouterr().out.startswith("a [/bold] vault (critical, ")
