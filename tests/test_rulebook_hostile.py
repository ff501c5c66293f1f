"""Files that mean harm: refused quickly, with a reason, and without an exception."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.rulebook.loading import load

HEAD = (
    "title: x\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001\n"
    "logsource: {product: onepassword, service: auditevents}\n"
)


def rule(detection: str) -> str:
    """A rule with this detection."""
    return f"{HEAD}detection: {detection}\n"


BOMBS = {
    "aliases": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
    "brackets": "a: " + "[" * 100_000,
    "braces": "a: " + "{a: " * 20_000,
    "a deep block": "\n".join(" " * depth + "a:" for depth in range(400)),
    "a long file": "a: b\n" * 200_000,
    "many documents": "---\ntitle: x\n" * 8_000,
    "many keys": HEAD + "\n".join(f"titl{number}: x" for number in range(9_000)),
    "many fields": rule("\n  s:\n" + "\n".join(f"    actio{n}: x" for n in range(9_000)))
    + "  condition: s\n",
    "many values": rule("{s: {action: [" + "x, " * 15_000 + "x]}, condition: s}"),
    "many other values": rule(
        "{s: {action: [" + ", ".join(f"v{n}" for n in range(40_000)) + "]}, condition: s}"
    ),
    "a long condition": rule("{s: {action: x}, condition: " + "s and " * 20_000 + "s}"),
    "a deep condition": rule("{s: {action: x}, condition: '" + "(" * 900 + "s" + ")" * 900 + "'}"),
    "eleven brackets": rule("{s: {action: x}, condition: '" + "(" * 11 + "s" + ")" * 11 + "'}"),
    "many nots": rule("{s: {action: x}, condition: '" + "not " * 480 + "s'}"),
    "a long sum": rule("{s: {action: x}, condition: '" + "s or " * 390 + "s'}"),
    "stars": rule("{s: {action: '" + "*a" * 5_000 + "'}, condition: s}"),
    "a regular expression": rule("{s: {action|re: '(((a{1,999}){1,999}){1,999})'}, condition: s}"),
    "a nested expression": rule(
        "{s: {action|re: '" + "(" * 2_000 + ")" * 2_000 + "'}, condition: s}"
    ),
    "dashes": rule("{s: {action|windash: '" + " -a" * 30 + "'}, condition: s}"),
    "a huge number": rule("{s: {aux_id: " + "9" * 10_000 + "}, condition: s}"),
    "not a number": rule("{s: {aux_id|gt: .nan}, condition: s}"),
    "a lone surrogate": rule("{s: {action: '\ud800'}, condition: s}"),
    "only a mark": "\ufeff---\n...\n---\n",
    "a null byte": "title: \x00",
    "a list for a type": "title: x\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001\n"
    "correlation: {type: [], rules: [a], timespan: 1h}\n",
    "lists for field references": rule("{s: {actor_uuid|fieldref: [[a]]}, condition: s}"),
    "mappings for values": rule("{s: {action: {a: b}}, condition: s}"),
    "lists in lists": rule("{s: {action: [[a], [b]]}, condition: s}"),
    "no text for a condition": rule("{s: {action: x}, condition: {a: b}}"),
    "numbers everywhere": "title: 1\nid: 2\nname: 3\nlevel: 4\ntags: 5\nlogsource: 6\ndetection: 7\n",
    "lists everywhere": "title: []\nid: []\nname: []\nlevel: []\ntags: [[]]\nlogsource: []\n"
    "detection: []\nalert: []\ntests: [[]]\n",
    "nulls everywhere": "title:\nid:\nname:\nlevel:\nstatus:\ntags:\nlogsource:\ndetection:\nalert:\ntests:\n",
    "a null filter": "title: x\nfilter:\nlogsource:\nexpires:\n",
    "a null behavior": "title: x\nbehavior: {type: [], rules: {a: b}, group-by: 5}\nalert: {dedup: 5}\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_file_is_refused_quickly_and_a_good_one_beside_it_loads(name: str) -> None:
    good = rule("{s: {action: x}, condition: s}").replace("0001", "0002")
    started = time.perf_counter()

    loaded = load({"bad.yml": BOMBS[name], "good.yml": good})

    assert time.perf_counter() - started < 60  # a billion laughs would take for ever
    assert "good.yml" in {match.rule.file for match in loaded.rulebook.matches}
    assert all(mistake.file == "bad.yml" for mistake in loaded.mistakes)


words = st.sampled_from(
    [
        "title",
        "id",
        "level",
        "logsource",
        "detection",
        "condition",
        "filter",
        "behavior",
        "tests",
        "alert",
        "expires",
        "rules",
        "type",
        "product",
        "service",
        "onepassword",
        "auditevents",
        "action",
        "s",
        "events",
        "expect",
        "any",
        "off_hours",
        "1",
        "null",
        "true",
        "2027-01-01",
        "1h",
        "generate",
        "dedup",
        "runbook",
        "for",
        "at",
        "use",
        "fields",
    ]
)
anything = st.recursive(
    words | st.none() | st.integers(-3, 3) | st.booleans() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(words, anything, max_size=10))
def test_whatever_a_document_holds_the_answer_is_a_list_of_mistakes(document: object) -> None:
    loaded = load(
        {"a.yml": yaml.safe_dump(document), "b.yml": rule("{s: {action: x}, condition: s}")}
    )

    assert len(loaded.rulebook.matches) >= 1
    assert all(str(mistake).isprintable() for mistake in loaded.mistakes)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(alphabet="ab:-[]{}\"'|>&*!%#\n\t ?,\u2028", max_size=60))
def test_whatever_the_text_is_nothing_is_raised(text: str) -> None:
    loaded = load({"a.yml": text})

    assert loaded.loaded == 0
