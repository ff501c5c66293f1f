"""Law 8: whatever an event says, it stays text. In every field and for every channel."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from functools import cache
from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from slack_sdk.models.blocks import Block

from detector.alerts import Alert, RuleRef, Status
from detector.delivery.bulletins import (
    Bulletin,
    Cause,
    Digest,
    DigestKind,
    Kind,
    Message,
    Notice,
    Receipt,
    Section,
)
from detector.delivery.exposures import Exposed, Rotation
from detector.delivery.incidents import incident
from detector.delivery.journal import Change, How
from detector.findings import Level
from detector.pictures import picture
from detector.rendering import Renderer, escaped_text, paragraphs, sample_bulletins, sample_lists
from detector.rendering.limits import MOST_BLOCKS, MOST_JSON
from detector.rendering.samples import impossible_travel

ATTACKS = (
    "<!channel>",
    "<!here|x>",
    "<@U123>",
    "<#C123>",
    "<https://evil.example|Verify>",
    "https://evil.example",
    "<\u200b!channel>",
    "&lt;!channel&gt;",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b[2J\x9b31m\x07",
    "[link=https://evil.example]x[/link]",
    "\r\nBcc: victim@example.com\r\n\r\nbody",
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "{{ 7*7 }}{% for %}",
    "\u202egnp.exe",
    "\ud800",
    "*bold* `code`",
    "x" * 5000,
    "\U0001f600" * 300,
)
hostile = st.lists(st.sampled_from(ATTACKS) | st.text(max_size=12), min_size=1, max_size=3).map(
    "".join
)
values = (
    hostile
    | st.integers()
    | st.floats()
    | st.none()
    | st.booleans()
    | st.lists(hostile, max_size=8)
)


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    """An alert with an attacker behind every string."""
    sample = impossible_travel()
    return replace(
        sample,
        id=draw(hostile),
        level=draw(st.sampled_from(Level)),
        rule=RuleRef(draw(hostile), draw(hostile), draw(hostile)),
        subject=replace(
            sample.subject,
            id=draw(hostile),
            email=draw(st.none() | hostile),
            name=draw(st.none() | hostile),
        ),
        summary=draw(hostile),
        evidence=draw(st.dictionaries(hostile | st.just("timezone"), values, max_size=14)),
        why=tuple(
            draw(
                st.lists(
                    st.sampled_from(("+ ", "- ", "")).flatmap(
                        lambda sign: hostile.map(sign.__add__)
                    ),
                    max_size=12,
                )
            )
        ),
        runbook=tuple(draw(st.lists(hostile, max_size=12))),
        account=draw(hostile),
    )


OURS = "<!subteam^S0SECURITY>"
"""The mention that the configuration asks for; every other is an attack."""
times = st.datetimes(timezones=st.just(UTC))
lines = st.lists(hostile, max_size=20).map(tuple)
levels = st.sampled_from(Level)
taken = st.builds(
    Exposed, hostile, hostile, st.lists(hostile, max_size=3).map(tuple), times, times, st.integers()
)
rotations = st.builds(
    Rotation, st.lists(taken, max_size=10).map(tuple), *[st.integers(0, 99)] * 3, st.none() | times
)


@st.composite
def bulletins(draw: st.DrawFn) -> Bulletin:
    """A message about an incident, with an attacker behind everybody's words."""
    told = draw(st.lists(alerts(), min_size=1, max_size=9))
    changes = st.builds(
        Change, times, hostile, hostile, hostile, st.sampled_from(How), note=hostile
    )
    return Bulletin(
        draw(st.sampled_from(Kind)),
        draw(st.sampled_from(Cause)),
        incident(
            draw(hostile), [replace(each, status=draw(st.sampled_from(Status))) for each in told]
        ),
        changes=draw(lines),
        history=tuple(draw(st.lists(changes, max_size=12))),
        coverage=draw(hostile),
        head=draw(st.none() | st.just(Receipt("C1:17.5"))),
        mentions=(OURS, *draw(st.lists(hostile, max_size=3))) if draw(st.booleans()) else (),
        delayed=draw(st.none() | st.timedeltas(min_value=timedelta(0))),
        rotation=draw(rotations),
    )


sections = st.lists(st.builds(Section, hostile, lines), max_size=6).map(tuple)
digests = st.builds(
    Digest, hostile, st.sampled_from(DigestKind), hostile, hostile, sections, times, times, levels
)
notices = st.builds(Notice, hostile, hostile, lines, times, levels)
messages = bulletins() | digests | notices


@settings(deadline=None, max_examples=60)
@given(messages)
def test_slack_gets_no_mention_link_or_command(renderer: Renderer, message: Message) -> None:
    shown = renderer.slack(message, buttons=True)
    for text in (shown.text, escaped_text(message), *strings(shown.blocks)):
        bare = text.replace(OURS, "").replace("\n", "")
        assert not re.search(r"<[!@#]|<http", bare)
        assert bare == visible(bare)
    for fallback in (shown.text, escaped_text(message)):
        assert "<" not in fallback
        assert "https://evil" not in fallback


@settings(deadline=None, max_examples=60)
@given(messages)
def test_slack_always_takes_the_blocks(renderer: Renderer, message: Message) -> None:
    shown = renderer.slack(message, buttons=True)
    assert mistakes(shown.blocks) == []
    assert 0 < len(shown.text) <= 4000
    assert 0 < len(escaped_text(message)) <= 4000
    assert shown.blocks


@settings(deadline=None, max_examples=50)
@given(messages)
def test_a_mail_has_our_tags_and_no_others(renderer: Renderer, message: Message) -> None:
    mail = renderer.email(message, picture="a map")
    assert mail.subject.isprintable()
    assert not re.search(r"<[!@#]|<http", mail.subject + mail.text)
    assert visible(mail.text) == mail.text.replace("\n", "")
    assert set(tags(mail.html)) <= our_tags(renderer)
    assert mail.html.count("<!") == 1


@settings(deadline=None, max_examples=40)
@given(messages)
def test_the_terminal_obeys_nobody_but_us(renderer: Renderer, message: Message) -> None:
    shown = io.StringIO()
    Console(file=shown, force_terminal=True, color_system="truecolor", width=90).print(
        renderer.console(message)
    )
    assert visible(re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue())) == re.sub(
        r"\x1b\[[0-9;]*m|\n", "", shown.getvalue()
    )


@given(messages)
@settings(deadline=None, max_examples=50)
def test_the_words_without_a_template_are_harmless_too(message: Message) -> None:
    for line in paragraphs(message):
        assert not re.search(r"<[!@#]|<http|https?://", line)


@settings(deadline=None, max_examples=60)
@given(alerts())
def test_a_picture_says_in_words_only_what_is_harmless(alert: Alert) -> None:
    placed = {"latitudes": [1.0, 2.0], "longitudes": [3.0, 4.0]}
    names = dict(zip(("from_place", "to_place"), (alert.account, alert.rule.title), strict=True))
    found = picture(replace(alert, evidence=placed | names))
    assert found is not None
    assert not re.search(r"<[!@#]|<http|https?://", found.alt)
    assert visible(found.alt) == found.alt


@cache
def our_tags(renderer: Renderer) -> set[tuple[str, tuple[str, ...]]]:
    """The tags that the shipped templates write."""
    samples = (*sample_bulletins(), *sample_lists())
    return {tag for each in samples for tag in tags(renderer.email(each, picture="a map").html)}


def visible(text: str) -> str:
    """The text without what does not print."""
    return "".join(letter for letter in text if letter.isprintable())


def strings(node: Any) -> Iterator[str]:
    """Every string in a structure."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for part in node.values() if isinstance(node, dict) else node:
            yield from strings(part)


def tags(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every tag with the names of its attributes."""
    found = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            found.append((tag, tuple(name for name, _value in attributes)))

    Parser().feed(html)
    return found


def mistakes(blocks: list[dict[str, Any]]) -> list[str]:
    """What Slack would refuse: slack_sdk's limits, and five that it does not know."""
    found = []
    for block in blocks:
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.to_dict()
    for node in nodes(blocks):
        if "text" in node and not node["text"]:
            found.append(f"empty text: {node}")
        if any(len(part["text"]) > 2000 for part in node.get("fields", [])):
            found.append("a field over 2000")
        if len(node.get("rows", [])) > 100:
            found.append("a table over 100 rows")
    ids = [node["action_id"] for node in nodes(blocks) if "action_id" in node]
    if len(ids) != len(set(ids)):
        found.append("an action_id twice")
    if len(blocks) > MOST_BLOCKS or len(json.dumps(blocks)) > MOST_JSON:
        found.append("too large")
    return found


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a structure."""
    if isinstance(node, dict):
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(part)
