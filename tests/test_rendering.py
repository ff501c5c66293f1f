"""Rendering: what each channel shows, and what templates may not do."""

from __future__ import annotations

import dataclasses
import textwrap
from datetime import UTC, datetime

import pytest
from inline_snapshot import snapshot

from detector.alerts import Alert
from detector.delivery.bulletins import Cause
from detector.delivery.incidents import incident_id
from detector.rendering import NAMES, Renderer, TemplateError, check_templates, overlay, samples
from detector.rendering.samples import impossible_travel, simple_match
from detector.rendering.view import local_time
from tests.fakes import bulletin


def test_the_shipped_templates_have_no_mistakes(templates: dict[str, str]) -> None:
    assert set(templates) == set(NAMES)
    assert check_templates(templates) == []


def test_the_fallback_is_one_sentence_that_says_it_all(renderer: Renderer) -> None:
    assert textwrap.wrap(renderer.slack(bulletin(impossible_travel())).text) == snapshot(
        [
            "🟠 High: Ana Diaz signed in from Lagos 61 minutes after signing in from",
            "Toronto, 9,041 km away. (Sat 14 Mar 2026, 10:02 UTC; next: Call Ana:",
            "did she sign in from Lagos or through a VPN?)",
        ]
    )


def test_the_blocks_of_a_plain_match(renderer: Renderer) -> None:
    *shown, ids = renderer.slack(bulletin(simple_match())).blocks
    assert ids["elements"][0]["text"].startswith(
        f"{incident_id(simple_match())} · service_account_token"
    )
    assert shown == snapshot(
        [
            {
                "type": "header",
                "text": {
                    "type": "plain_text",
                    "text": "🔵 Low: Service account token created",
                    "emoji": False,
                },
            },
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {
                                "type": "text",
                                "text": "A token was created for the service account deploy.",
                                "style": {"bold": True},
                            }
                        ],
                    }
                ],
            },
            {
                "type": "section",
                "fields": [
                    {
                        "type": "mrkdwn",
                        "text": "*Who:* service account K4WQ2N",
                        "verbatim": True,
                    },
                    {
                        "type": "mrkdwn",
                        "text": "*When:* Sat 14 Mar 2026, 10:02 UTC",
                        "verbatim": True,
                    },
                    {
                        "type": "mrkdwn",
                        "text": "*Action:* create",
                        "verbatim": True,
                    },
                    {
                        "type": "mrkdwn",
                        "text": "*Object:* deploy",
                        "verbatim": True,
                    },
                ],
            },
        ]
    )


def test_a_mail_is_as_good_as_the_slack_message(renderer: Renderer) -> None:
    mail = renderer.email(bulletin(impossible_travel()))
    assert mail.subject == snapshot("High: Impossible travel: Ana Diaz (ana.diaz@acme.example)")
    assert mail.text == snapshot("""\
HIGH: Impossible travel

Ana Diaz signed in from Lagos 61 minutes after signing in from Toronto,
9,041 km away.

Who            Ana Diaz (ana.diaz@acme.example)
When           Sat 14 Mar 2026, 10:02 UTC · 06:02 Toronto time
From           Toronto, CA
To             Lagos, NG
Distance       9,041 km
Speed needed   8,893 km/h
Address        198.51.100.24
Device         Windows PC
App            1Password for Web 8.10

WHY THIS FIRED
  + No airliner flies at 8,893 km/h.
  + Ana was never seen in Nigeria in 90 days.
  + The device in Lagos is new for Ana; the one in Toronto has been hers
    since May.

WHAT SPEAKS AGAINST IT
  - The address in Lagos belongs to a hosting company, so it may be a VPN.

WHAT TO DO NEXT
  1. Call Ana: did she sign in from Lagos or through a VPN?
  2. If not: suspend the account and end its sessions in 1Password.
  3. See what the Lagos session opened, and rotate those items.

-- \n\
inc-b7ldwhlmfgipndfi · impossible_travel · 2 events in 61 min
Score 73 of 100 · acme
""")


def test_what_is_not_known_leaves_no_empty_heading(renderer: Renderer) -> None:
    mail = renderer.email(bulletin(simple_match()))
    for heading in ("why this fired", "what to do next", "what speaks against it"):
        assert heading not in mail.text.lower()
        assert heading not in mail.html.lower()
        assert heading not in str(renderer.slack(bulletin(simple_match())).blocks).lower()


@pytest.mark.parametrize("alert", samples(), ids=lambda alert: alert.rule.name)
def test_the_words_of_an_alert_reach_every_part_of_the_mail(
    renderer: Renderer, alert: Alert
) -> None:
    mail = renderer.email(bulletin(alert))
    flat = " ".join(mail.text.split())
    for said in (alert.summary, alert.rule.title, incident_id(alert), *alert.runbook):
        assert said in flat
    assert alert.rule.title in mail.subject


def test_at_most_ten_facts_and_the_rest_is_counted(renderer: Renderer) -> None:
    alert = dataclasses.replace(simple_match(), evidence={f"fact_{n}": n for n in range(30)})
    text = renderer.email(bulletin(alert)).text
    assert "Fact 8 " in text
    assert "Fact 9 " not in text
    assert "21 further facts" in text


def test_a_link_in_a_step_is_for_clicking_and_one_in_an_event_is_not(renderer: Renderer) -> None:
    alert = dataclasses.replace(
        simple_match(),
        summary="See https://evil.example now.",
        runbook=("https://wiki.example/runbook",),
    )
    message = renderer.slack(bulletin(alert))
    assert {"type": "link", "url": "https://wiki.example/runbook", "text": "Open the runbook"} in [
        element
        for block in message.blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        if part["type"] == "rich_text_list"
        for section in part["elements"]
        for element in section["elements"]
    ]
    everything = str(message) + str(renderer.email(bulletin(alert)))
    assert "https://evil.example" not in everything
    assert "hxxps://evil.example" in everything


def test_an_alert_that_was_told_before_says_so(renderer: Renderer) -> None:
    told = bulletin(dataclasses.replace(simple_match(), count=1200), cause=Cause.REPEATED)
    again = renderer.slack(told)
    assert again.blocks[0]["text"]["text"].endswith("(still happening)")
    assert "1,200 events in 61 min" in again.blocks[-1]["elements"][0]["text"]
    assert "still happening" in renderer.email(told).text
    assert renderer.email(told).subject == renderer.email(bulletin(simple_match())).subject


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Europe", "No/Such", "", 7, None])
def test_a_zone_that_is_none_is_not_shown(zone: object) -> None:
    assert local_time(datetime(2026, 3, 14, tzinfo=UTC), zone=zone) == ""


def test_own_templates_lie_over_the_shipped_ones(templates: dict[str, str]) -> None:
    own = overlay(templates, {"email.subject.j2": "[{{ level }}] {{ alert.id }}"})
    alert = simple_match()
    assert Renderer(own).email(bulletin(alert)).subject == f"[Low] {alert.id}"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("email.txt.j2", "one\n{{ alert.summary }\n", snapshot(["email.txt.j2:2: unexpected '}'"])),
        (
            "email.txt.j2",
            "one\n\n{{ alert.sumary }}\n",
            snapshot(["email.txt.j2:3: 'detector.alerts.Alert object' has no attribute 'sumary'"]),
        ),
        (
            "email.html.j2",
            "{% nothing %}\n",
            snapshot(["email.html.j2:1: Encountered unknown tag 'nothing'."]),
        ),
        (
            "email.html.j2",
            "{{ alert.summary | safe }}",
            snapshot(["email.html.j2:1: No filter named 'safe'."]),
        ),
        (
            "slack.yaml",
            "text: 'x'\nblocks:\n  - type: [\n",
            snapshot(
                ["slack.yaml:4: not YAML: expected the node content, but found '<stream end>'"]
            ),
        ),
        (
            "slack.yaml",
            "text: x\nblocks:\n  - type: header\n    text: '{{ nobody }}'\n",
            snapshot(["slack.yaml:4: 'nobody' is undefined"]),
        ),
        (
            "slack.yaml",
            "text: x\nblocks:\n  - {type: divider, for: all of them}\n",
            snapshot(["slack.yaml:3: for: 'all of them' is not like 'step in steps'"]),
        ),
        (
            "slack.yaml",
            "text: x\nblocks:\n  - {when: alert.x}\n",
            snapshot(["slack.yaml:3: 'detector.alerts.Alert object' has no attribute 'x'"]),
        ),
        (
            "slack.yaml",
            "blocks: []",
            snapshot(["slack.yaml:1: a layout has the keys 'text' and 'blocks'"]),
        ),
        (
            "slack.yml",
            "text: x",
            snapshot(["slack.yml:1: no message uses this template; did you mean 'slack.yaml'?"]),
        ),
    ],
)
def test_a_mistake_is_named_with_its_line(
    templates: dict[str, str], name: str, text: str, expected: list[str]
) -> None:
    assert [str(error) for error in check_templates(overlay(templates, {name: text}))] == expected


@pytest.mark.parametrize(
    "attack",
    [
        "{{ alert.__class__ }}",
        "{{ alert.evidence.update({'a': 1}) }}",
        "{{ range(10**9) | list }}",
        "{{ ''.__class__.__mro__ }}",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_template_cannot_leave_its_box(templates: dict[str, str], attack: str) -> None:
    assert check_templates(overlay(templates, {"email.txt.j2": attack}))


def test_an_alert_is_never_a_template(renderer: Renderer) -> None:
    alert = dataclasses.replace(simple_match(), summary="{{ 7 + 7 }} {% raw %}")
    assert "{{ 7 + 7 }} {% raw %}" in renderer.email(bulletin(alert)).text
    assert "{{ 7 + 7 }} {% raw %}" in renderer.slack(bulletin(alert)).text


def test_a_renderer_is_not_made_of_broken_templates(templates: dict[str, str]) -> None:
    with pytest.raises(TemplateError):
        Renderer(overlay(templates, {"slack.yaml": "- a list"}))
