"""Slack's limits hold for any layout; what matters most is what stays."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from detector.rendering import Renderer, overlay
from detector.rendering.limits import MOST_BLOCKS, MOST_JSON, within_limits
from detector.rendering.samples import impossible_travel
from tests.fakes import bulletin
from tests.test_rendering_hostile import mistakes


def section(text: str, **fields: Any) -> dict[str, Any]:
    """A section with one text."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **fields}


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    [block] = within_limits([{"type": "header", "text": {"type": "plain_text", "text": "x" * 400}}])
    assert block["text"]["text"] == "x" * 149 + "…"


def test_a_text_is_never_cut_inside_an_entity() -> None:
    [block] = within_limits([section("&lt;" * 900)])
    assert block["text"]["text"].rstrip("…").endswith("&lt;")


def test_at_most_fifty_blocks_and_the_least_important_go_first() -> None:
    blocks = [section(f"{n}", importance=9 if n % 2 else 1) for n in range(90)]
    kept = within_limits(blocks)
    assert len(kept) == MOST_BLOCKS
    assert {int(block["text"]["text"]) for block in kept} >= set(range(1, 90, 2))


def test_much_text_is_shortened_before_anything_is_left_out() -> None:
    kept = within_limits([section("word " * 500) for _ in range(10)])
    assert len(kept) == 10
    assert mistakes(kept) == []


def test_what_shows_nothing_is_left_out() -> None:
    empty = [
        section(""),
        {"type": "context", "elements": []},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": " "}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
        {
            "type": "actions",
            "elements": [{"type": "button", "text": {"type": "plain_text", "text": ""}}],
        },
    ]
    assert within_limits([*empty, section("kept")]) == [
        {"type": "section", "text": {"type": "mrkdwn", "text": "kept", "verbatim": True}}
    ]


def test_lists_are_counted() -> None:
    cell = {"type": "raw_text", "text": "x"}
    field = {"type": "plain_text", "text": "y" * 2500}
    made = within_limits(
        [
            {"type": "table", "rows": [[cell] * 25] * 120},
            {"type": "section", "fields": [field] * 12},
        ]
    )
    assert mistakes(made) == []


def test_markup_is_never_parsed_for_links_and_names() -> None:
    [block] = within_limits([section("x")])
    assert block["text"]["verbatim"] is True


def test_only_https_is_linked() -> None:
    links = [
        {"type": "link", "url": url, "text": "t"}
        for url in ("javascript:x", "http://a", "https://a")
    ]
    [block] = within_limits(
        [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": links}]}]
    )
    assert [link["url"] for link in block["elements"][0]["elements"]] == ["https://a"]


def test_an_alert_with_far_too_much_to_say_keeps_its_sentence(renderer: Renderer) -> None:
    alert = dataclasses.replace(
        impossible_travel(),
        why=("+ because " + "of everything " * 100,) * 100,
        runbook=("do " + "everything " * 100,) * 50,
    )
    blocks = renderer.slack(bulletin(alert)).blocks
    assert len(json.dumps(blocks)) <= MOST_JSON
    assert blocks[0]["text"]["text"].endswith("Impossible travel")
    assert blocks[1]["elements"][0]["elements"][0]["text"] == alert.summary


def test_a_layout_of_the_operators_own_is_kept_within_the_limits_too(
    templates: dict[str, str],
) -> None:
    own = """
text: "{{ alert.summary }}"
blocks:
  - for: number in range(200)
    type: section
    text: {type: mrkdwn, text: "*{{ number }}* {{ alert.summary * 50 }}"}
"""
    blocks = (
        Renderer(overlay(templates, {"slack.yaml": own}))
        .slack(bulletin(impossible_travel()))
        .blocks
    )
    assert mistakes(blocks) == []
    assert blocks[0]["text"]["text"].startswith("*0* Ana Diaz")
