"""`|expand`: placeholders of rules take their values from lists in files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import events, files, plans
from detector.rulebook.loading import Loaded, load
from detector.rulebook.placeholders import MOST_VALUES, read_lists
from detector.settings import PathsConfig

RULE_ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0002"
AUDIT = "{product: onepassword, service: auditevents}"
WINDOWS = "{product: windows, category: process_creation}"


def rule(item: str, *, source: str = AUDIT) -> str:
    return (
        f"title: t\nid: {RULE_ID}\nlogsource: {source}\n"
        f"detection:\n    s:\n        {item}\n    condition: s\n"
    )


def loaded(item: str, lists: dict[str, str], *, source: str = AUDIT) -> Loaded:
    return load({"r.yml": rule(item, source=source)}, lists=lists)


def found(item: str, lists: dict[str, str], actions: list[str]) -> list[str]:
    """The actions of audit events that a rule with this item matches."""
    made = loaded(item, lists)
    assert not made.mistakes, [str(mistake) for mistake in made.mistakes]
    nothing: dict[str, object] = dict.fromkeys(events.SCHEMA)
    frame = pl.DataFrame(
        [nothing | {"event.feed": events.AUDIT, "event.action": action} for action in actions],
        schema=events.SCHEMA,
    )
    return [actions[row] for row in made.rulebook.match(frame)[RULE_ID]]


@pytest.mark.parametrize(
    ("item", "lists", "expected"),
    [
        ("action|expand: '%x%'", {"l/x.txt": "# ours\n\n grant \nrevoke\n"}, ["grant", "revoke"]),
        ("action|expand: '%X%'", {"l/x.txt": "grant"}, ["grant"]),
        ("action|expand: '%x%'", {"l/x.txt": "grant  # ours\n#join\n  # none"}, ["grant"]),
        ("action|expand: '%x%'", {"l/x.txt": "gr#nt\njoin"}, ["join"]),
        ("action|expand: '%x%'", {"l/any.yml": "x: [grant]\ny: [revoke]"}, ["grant"]),
        ("action|expand: ['%x%', join]", {"x.txt": "grant"}, ["grant", "join"]),
        ("action|expand: '%x%'", {"x.txt": "gr*"}, ["grant"]),
        ("action|contains|expand: '%x%'", {"x.txt": "ran\nevo"}, ["grant", "revoke"]),
        ("action|expand|startswith: '%x%'", {"x.txt": "gr"}, ["grant"]),
        ("action|re|expand: '^(%x%)$'", {"x.txt": "gra.t"}, ["grant"]),
        ("action|expand: '%a%%b%t'", {"a.txt": "g\nj", "b.txt": "ran\noin"}, ["grant"]),
        ("action|expand: '%x%'", {"x.txt": "%temp%"}, ["%temp%"]),
        ("action|contains|all|expand: '%x%'", {"x.txt": "r\no"}, ["revoke"]),
        ("action|expand: '%x%'", {"x.yml": "x: [007]"}, ["007"]),
    ],
)
def test_a_placeholder_stands_for_each_value_of_its_list(
    item: str, lists: dict[str, str], expected: list[str]
) -> None:
    actions = ["grant", "revoke", "join", "%temp%", "007"]
    assert found(item, lists, actions) == expected


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=5))
def test_a_list_in_a_file_is_the_list_in_the_rule(values: list[str]) -> None:
    actions = sorted({*values, "a", "bb", "cab"})
    named = f"action|contains: {values}"
    assert found("action|contains|expand: '%x%'", {"x.txt": "\n".join(values)}, actions) == found(
        named, {}, actions
    )


@pytest.mark.parametrize("source", [AUDIT, WINDOWS])
def test_a_placeholder_without_a_list_names_the_nearest(source: str) -> None:
    made = loaded("action|expand: '%admin%'", {"l/admins.txt": "grant"}, source=source)
    assert [str(mistake) for mistake in made.mistakes] == [
        "r.yml:6:24: detection.s.action|expand: there is no list 'admin'; did you mean 'admins'?"
    ]
    assert made.loaded == 0


def test_a_rule_without_its_list_stops_no_other() -> None:
    other = rule("action: grant").replace(RULE_ID, RULE_ID.replace("2", "3"))
    made = load({"a.yml": rule("action|expand: '%x%'"), "b.yml": other})
    assert (made.loaded, len(made.mistakes)) == (1, 1)


def test_a_value_that_does_not_fit_is_shown_where_its_placeholder_stands() -> None:
    made = loaded(
        "source.ip|cidr|expand: ['10.0.0.0/8', '%x%']", {"x.txt": "172.16.0.0/12\nnonsense"}
    )
    (mistake,) = made.mistakes
    assert "nonsense" in mistake.text
    assert (mistake.line, mistake.column) == (6, 47)


@pytest.mark.parametrize(
    ("lists", "told"),
    [
        ({"x.yml": "x: one"}, "x.yml:1:4: x: not a list; write '[one, another]'"),
        ({"x.yml": "x: [one, {a: b}]"}, "x.yml:1:10: x[1]: not a value; put it in quotes"),
        (
            {"a.yml": "X: [1]", "x.txt": "2"},
            "x.txt:1:1: list 'x' is in a.yml too; keep one of them",
        ),
    ],
)
def test_mistakes_of_lists(lists: dict[str, str], told: str) -> None:
    assert [str(mistake) for mistake in read_lists(lists)[1]] == [told]
    assert told in [str(mistake) for mistake in loaded("action: grant", lists).mistakes]


@pytest.mark.parametrize("lists", [{"x.txt": "# nothing\n"}, {"x.yml": "x: []"}])
def test_an_empty_list_is_a_mistake_of_the_rule_that_asks_for_it(lists: dict[str, str]) -> None:
    assert loaded("action: grant", lists).mistakes == ()
    assert [str(each) for each in loaded("action|expand: '%x%'", lists).mistakes] == [
        "r.yml:6:24: detection.s.action|expand: list 'x' is empty; "
        "write a value a line into its file"
    ]


EXAMPLES = "example-lists: {x: [revoke]}\n"


def exemplified(lists: dict[str, str], more: str = EXAMPLES) -> Loaded:
    return load({"r.yml": rule("action|expand: '%x%'") + more}, lists=lists)


@pytest.mark.parametrize(
    ("lists", "told"), [({}, "is not there"), ({"x.txt": "# none yet\n"}, "is empty")]
)
def test_a_rule_with_examples_loads_without_its_list_and_says_so(
    lists: dict[str, str], told: str
) -> None:
    made = exemplified(lists)
    assert (made.loaded, made.mistakes) == (1, ())
    assert [str(warning) for warning in made.warnings] == [
        f"r.yml:8:20: example-lists.x: your list 'x' {told}; only its example is looked for (t); "
        "write a value a line into x.txt in the folder of 'paths.lists'"
    ]


def test_the_own_list_counts_beside_the_examples() -> None:
    made = exemplified({"X.txt": "grant"})
    assert (made.mistakes, made.warnings) == ((), ())
    nothing: dict[str, object] = dict.fromkeys(events.SCHEMA)
    frame = pl.DataFrame(
        [
            nothing | {"event.feed": events.AUDIT, "event.action": action}
            for action in ("grant", "revoke", "join")
        ],
        schema=events.SCHEMA,
    )
    assert list(made.rulebook.match(frame)[RULE_ID]) == [0, 1]


def test_one_warning_for_a_list_names_every_rule_that_waits_for_it() -> None:
    first = rule("action|expand: '%x%'") + EXAMPLES
    second = first.replace(RULE_ID, RULE_ID.replace("2", "3")).replace("title: t", "title: u")
    made = load({"a.yml": first, "b.yml": second})
    assert [("(t, u)" in each.text, each.file) for each in made.warnings] == [(True, "a.yml")]


def test_an_example_for_which_nothing_asks_is_odd() -> None:
    made = exemplified({"x.txt": "grant"}, "example-lists: {x: [revoke], y: [join]}\n")
    assert ["y: no placeholder asks for it" in each.text for each in made.warnings] == [True, False]


@pytest.mark.parametrize("told", ["example-lists: revoke\n", "example-lists: {x: [{a: b}]}\n"])
def test_mistakes_of_examples(told: str) -> None:
    assert exemplified({}, told).loaded == 0


def test_lists_multiply_only_so_far() -> None:
    many = "\n".join(map(str, range(MOST_VALUES // 10)))
    made = loaded("action|expand: '%x%%x%%x%'", {"x.txt": many})
    assert [f"comes to more than {MOST_VALUES} values" in each.text for each in made.mistakes] == [
        True
    ]


def test_expand_without_a_placeholder_is_odd() -> None:
    made = loaded("action|expand: grant", {})
    assert made.loaded == 1
    assert any("finds no placeholder" in warning.text for warning in made.warnings)


def test_the_rulebook_changes_with_the_lists_that_it_uses() -> None:
    item = "action|expand: '%x%'"
    first = loaded(item, {"x.txt": "grant"}).rulebook.version
    assert loaded(item, {"x.txt": "grant\nrevoke"}).rulebook.version != first
    assert loaded(item, {"x.txt": "# ours\ngrant", "y.txt": "z"}).rulebook.version == first


def test_the_folder_of_lists_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "x.txt").write_text("grant\n", encoding="utf-8")
    texts = files.texts(PathsConfig(lists=tmp_path / "lists"))
    assert list(texts.lists.values()) == ["grant\n"]
    assert plans.Texts.parse(texts.dump()) == texts
    assert texts.version != files.texts(PathsConfig()).version
