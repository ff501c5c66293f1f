"""Stories of rule files: the shipped ones come true, and a false one says what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from detector import geo, workhours
from detector.alerts import Reason
from detector.rehearsal.cities import CITIES
from detector.rehearsal.play import rehearse, rehearse_all
from detector.rehearsal.verdict import Verdict
from detector.rulebook.loading import load
from detector.rulebook.stories import Story

ROOT = Path(__file__).parent.parent
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text("utf-8") for path in (ROOT / "rules").rglob("*.yml")
}
SHIPPED = load(TEXTS)
BASES = {file: text for file, text in TEXTS.items() if file.startswith("rules/base/")}
HEAD = "title: Tried\nname: tried\nid: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001\nlevel: medium\n"
TRAVEL = "behavior: {type: impossible_travel, rules: [op_signin_ok], group-by: [user.id]}"
SEEN = """behavior:
    type: first_seen
    rules: [op_signin_ok, op_session]
    group-by: [user.id]
    fields: [device.id]
    with-any-new: [source.country, source.network]"""
NIGHT = "behavior: {type: off_hours, rules: [op_admin_action], group-by: [user.id]}"
EXPORT = """logsource: {product: onepassword, service: auditevents}
detection: {export: {object_type: vault, action: export}, condition: export}"""


def told(rule: str, story: str, *, page: int = 1_000) -> Verdict:
    """The verdict on one story of a rule; `story` is its `tests:` entry in YAML."""
    entry = "\n".join(f"      {line}" for line in story.strip().splitlines())
    text = f"{HEAD}{rule}\ntests:\n    - name: tried\n{entry}\n"
    loaded = load(BASES | {"tried.yml": text})
    assert [str(mistake) for mistake in loaded.mistakes] == []
    return rehearse(loaded.rulebook, loaded.stories[0], page=page)


def fails(rule: str, story: str) -> tuple[str, ...]:
    """The differences of a story that does not come true."""
    verdict = told(rule, story)
    assert not verdict.passed
    return verdict.diffs


def _name(story: Story) -> str:
    return f"{SHIPPED.rulebook.rules[story.rule_id].name}: {story.name}"


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    """Every shipped story, played as `rules test` does."""
    return list(rehearse_all(SHIPPED.rulebook, SHIPPED.stories))


@pytest.mark.parametrize("number", range(len(SHIPPED.stories)), ids=map(_name, SHIPPED.stories))
def test_every_shipped_story_comes_true(number: int, verdicts: list[Verdict]) -> None:
    verdict = verdicts[number]

    assert verdict.story == SHIPPED.stories[number]
    assert verdict.passed, "\n".join(verdict.lines())


def test_the_sketches_of_the_design_come_true_as_written() -> None:
    assert told(
        TRAVEL,
        """
learned: true
events:
    - {at: 0h, use: op_signin_ok, user: ana, from: Toronto}
    - {at: 1h, use: op_signin_ok, user: ana, from: Lagos}
expect: {alerts: 1}
""",
    ).passed
    assert told(
        TRAVEL,
        """
learned: true
events:
    - {at: 0h, use: op_signin_ok, user: ana, from: Toronto}
    - {at: 24h, use: op_signin_ok, user: ana, from: Lagos}
expect: {alerts: 0}
""",
    ).passed


def test_without_learned_nobody_is_known_and_the_ladder_says_so() -> None:
    story = """
events:
    - {at: 0h, use: op_signin_ok, user: ana, from: Paris}
    - {at: 2h, use: op_signin_ok, user: ana, from: Tokyo}
expect: {alerts: 0, because: learning}
"""
    assert told(TRAVEL, story).passed
    assert fails(TRAVEL, f"learned: true\n{story.strip()}") == snapshot(
        (
            "alerts: expected 0, got 1",
            "because: expected learning, got nothing was held back",
        )
    )


@pytest.mark.parametrize(
    ("networks", "rung"),
    [
        ("{hq: 203.0.113.0/24}", "both-ends-corporate"),
        ("{tokyo-vpn: 203.0.113.8/30, hq: 203.0.113.0/29}", "anonymiser"),
        ("{Starlink-satellite: 203.0.113.8/30}", "anonymiser"),
    ],
)
def test_a_network_is_of_the_kind_that_its_name_contains(networks: str, rung: str) -> None:
    assert told(
        TRAVEL,
        f"""
learned: true
networks: {networks}
events:
    - {{at: 0h, use: op_signin_ok, user: ana, ip: 203.0.113.7, from: Paris}}
    - {{at: 2h, use: op_signin_ok, user: ana, ip: 203.0.113.9, from: Tokyo}}
expect: {{alerts: 0, because: {rung}}}
""",
    ).passed


def test_people_who_are_only_named_are_known_colleagues() -> None:
    assert told(
        TRAVEL,
        """
learned: true
people:
    bo: {home: Berlin, ip: 9.9.9.1}
    cy: {home: London, ip: 9.9.9.2}
    di: {home: Berlin, ip: 9.9.9.3}
events:
    - {at: 0h, use: op_signin_ok, user: ana, from: Paris}
    - {at: 2h, use: op_signin_ok, user: ana, from: Tokyo, ip: 9.9.9.4}
expect: {alerts: 0, because: tenant-egress}
""",
    ).passed


def test_an_event_that_is_written_after_a_later_one_comes_late_and_is_found() -> None:
    assert told(
        TRAVEL,
        """
learned: true
events:
    - {at: 0h, use: op_signin_ok, user: ana, from: Paris}
    - {at: 5d, use: op_signin_ok, user: ana, from: Paris}
    - {at: 2h, use: op_signin_ok, user: ana, from: Tokyo}
expect: {alerts: 1, subject: ana@example.com}
""",
    ).passed


def test_the_device_of_a_session_is_named_by_its_audit_event() -> None:
    known = """
learned: true
people: {ana: {home: Paris}}
events:
    - {at: 0h, use: op_signin_ok, user: ana, from: Lagos, session: s, client.os_name: Linux}
    - {at: 5m, use: op_session, user: ana, from: Lagos, session: s}
expect: {alerts: 1, level: informational}
"""
    assert told(SEEN, known).passed
    stranger = known.replace("session: s}", "session: s, device: stranger}")
    assert told(SEEN, stranger.replace("informational", "medium")).passed


def test_a_sensitive_action_soon_after_raises_the_alert() -> None:
    assert told(
        SEEN,
        """
learned: true
events:
    - {at: 0h, use: op_session, user: ana, from: Paris}
    - {at: 9h, use: op_session, user: ana, from: Lagos, session: s, device: stranger}
    - {at: 9h30m, use: op_vault_export, user: ana, from: Lagos, session: s, device: stranger}
expect: {alerts: 1, level: high, subject: ana}
""",
    ).passed


@pytest.mark.parametrize(
    ("person", "at", "expect"),
    [
        ("{home: Tokyo}", "1d3h", "{alerts: 0, because: usual-hours}"),
        ("{home: Tokyo}", "1d15h", "{alerts: 1, level: medium}"),
        ("{timezone: Asia/Tokyo}", "1d3h", "{alerts: 0, because: usual-hours}"),
        ("{home: Tokyo, timezone: Europe/Paris}", "1d3h", "{alerts: 1}"),
        ("{}", "1d12h", "{alerts: 0, because: usual-hours}"),
        ("{}", "5d12h", "{alerts: 1}"),
    ],
)
def test_everybody_works_nine_to_five_by_their_own_clock(person: str, at: str, expect: str) -> None:
    assert told(
        NIGHT,
        f"""
learned: true
people: {{ana: {person}}}
events:
    - {{at: {at}, use: op_admin_action, user: ana}}
expect: {expect}
""",
    ).passed


def test_a_false_story_says_what_came_instead() -> None:
    verdict = told(
        TRAVEL,
        """
learned: true
networks: {office: 203.0.113.0/24}
events:
    - {at: 0h, use: op_signin_ok, user: ana, ip: 203.0.113.7, from: Paris}
    - {at: 1h, use: op_signin_ok, user: ana, from: Tokyo, client.app_name: 1Password CLI}
    - {at: 2h, use: op_signin_ok, user: ana, ip: 203.0.113.9, from: Tokyo}
    - {at: 30h, use: op_signin_ok, user: bo, from: Berlin}
    - {at: 31h, use: op_signin_ok, user: bo, from: Sydney}
expect: {alerts: 2, level: high, because: both-ends-corporat, subject: ana}
""",
    )

    alert = replace(verdict.alerts[0], summary="(what the rule tells)")
    assert verdict.alerts[0].summary in "\n".join(verdict.lines())
    assert "\n".join(replace(verdict, alerts=(alert,)).lines()) == snapshot("""\
alerts: expected 2, got 1
level: expected high, got medium
subject: expected ana, got bo@example.com
because: expected both-ends-corporat, got both-ends-corporate; did you mean 'both-ends-corporate'?
alerts:
  medium: (what the rule tells) (Tue 3 Mar 07:00 UTC)
held back:
  ana@example.com (Mon 2 Mar 02:00 UTC): both-ends-corporate: both ends are networks of the organisation
events:
  Mon 2 Mar 00:00 UTC op_signin_ok by ana from Paris (203.0.113.7)
  Mon 2 Mar 01:00 UTC op_signin_ok, which it does not match, by ana from Tokyo (93.177.53.176)
  Mon 2 Mar 02:00 UTC op_signin_ok by ana from Tokyo (203.0.113.9)
  Tue 3 Mar 06:00 UTC op_signin_ok by bo from Berlin (77.93.133.170)
  Tue 3 Mar 07:00 UTC op_signin_ok by bo from Sydney (87.94.49.171)\
""")


def test_a_building_block_says_that_it_never_alerts() -> None:
    assert fails(
        f"{EXPORT}\nalert: {{generate: false}}",
        """
events:
    - {at: 0h, use: op_vault_export, user: ana}
expect: {alerts: 1}
""",
    ) == snapshot(("alerts: expected 1, got 0 (tried is a building block and never alerts)",))


@pytest.mark.parametrize(
    ("story", "why"),
    [
        (
            "events: [{at: 0h, use: op_vault_export, from: Pariss}]",
            snapshot(("there is no city 'Pariss' in the table; did you mean 'Paris'?",)),
        ),
        (
            "events: [{at: 0h, use: op_signin_ok, device: laptop}]",
            snapshot(("signinattempts tell no device; only auditevents do ('use: op_session')",)),
        ),
        (
            "events: [{at: 0h, use: op_signin_ok, event.received: x}]",
            snapshot(("'event.received' cannot be set: signinattempts do not send it",)),
        ),
        (
            "events: [{at: 0h, use: op_signin_ok, device.id: x}]",
            snapshot(("'device.id' cannot be set: signinattempts do not send it",)),
        ),
        (
            "events: [{at: 0h, use: op_signin_ok, timestamp: noon}]",
            snapshot(("event 1: timestamp: not a time",)),
        ),
        (
            "events: [{at: 0h, use: op_signin_ok, location.latitude: north}]",
            snapshot(("event 1: left out: location.latitude (str)",)),
        ),
        (
            "events: [{at: 99999w, use: op_signin_ok}]",
            snapshot(("event 1: a story may last 400 days at most",)),
        ),
        (
            "{people: {ana: {timezone: Mars/Base}}, events: [{at: 0h, use: op_signin_ok}]",
            snapshot(("people: ana: 'Mars/Base' is no IANA time zone like Europe/Paris",)),
        ),
        (
            "{people: {ana: {hom: Paris}}, events: [{at: 0h, use: op_signin_ok}]",
            snapshot(("people: ana: 'hom' cannot be said of a person; did you mean 'home'?",)),
        ),
    ],
)
def test_a_story_that_cannot_be_played_fails_and_says_why(story: str, why: Any) -> None:
    text = story.removeprefix("{").replace("}, events", "}\nevents")

    assert fails(EXPORT, f"{text}\nexpect: {{alerts: 0}}") == why


def test_a_rule_on_one_event_sees_what_use_stands_for_and_what_fields_change() -> None:
    assert told(
        EXPORT,
        """
events:
    - {at: 0h, use: op_vault_export, user: ana}
    - {at: 1h, use: op_vault_export, user: bo, actor_details.email: bo@example.org}
    - {at: 2h, use: op_vault_export, user: cy, object_type: report}
    - {at: 3h, feed: auditevents, user: cy, action: export, object_type: null}
expect: {alerts: 2, level: medium, subject: bo@example.org}
""",
    ).passed


def test_a_rule_that_asks_for_the_same_person_twice_gets_the_user_twice() -> None:
    oneself = """logsource: {product: onepassword, service: auditevents}
detection:
    same: {actor_uuid|fieldref: aux_uuid}
    grant: {action: grant}
    condition: same and grant"""
    verdict = told(
        oneself,
        """
events: [{at: 0h, use: tried, user: ana}]
expect: {alerts: 1, subject: ana}
""",
    )

    assert verdict.passed, verdict.lines()


MIXED = """
learned: LEARNED
networks: {office: 203.0.113.0/24}
events:
    - {at: 9h, use: op_signin_ok, user: ana, from: Paris, session: a}
    - {at: 9h2m, use: op_session, user: ana, from: Paris, session: a}
    - {at: 9h10m, use: op_signin_ok, user: ana, from: Tokyo, session: b, client.os_name: Linux}
    - {at: 9h12m, use: op_session, user: ana, from: Tokyo, session: b, device: stranger}
    - {at: 9h15m, use: op_vault_export, user: ana, from: Tokyo, session: b, device: stranger}
    - {at: 8h, use: op_item_reveal, user: bo, from: Lagos}
    - {at: 11h, use: op_signin_failed, user: bo, from: Lima}
    - {at: 30h, use: op_signin_ok, user: bo, from: Lagos, ip: 203.0.113.9}
    - {at: 30h, use: op_signin_ok, user: bo, from: Lima, ip: 203.0.113.8}
    - {at: 29h, use: op_signin_ok, user: ana, from: Lima}
    - {at: 51h, use: op_admin_action, user: ana, from: Paris}
expect: {alerts: 0}
"""


@pytest.mark.parametrize(
    ("rule", "learned"),
    [
        (TRAVEL, "true"),
        (SEEN, "true"),
        (TRAVEL, "false"),
        (SEEN, "false"),
        (NIGHT, "false"),
        (EXPORT, "false"),
    ],
)
def test_a_story_ends_the_same_however_its_events_are_paged(rule: str, learned: str) -> None:
    story = MIXED.replace("LEARNED", learned)
    at_once = _outcome(told(rule, story))

    assert _outcome(told(rule, story, page=1)) == at_once
    assert _outcome(told(rule, story, page=7)) == at_once


def _outcome(verdict: Verdict) -> object:
    """All that must not depend on pages; when something was detected, and its news value, may."""
    alerts = [
        replace(alert, detected_at=alert.time, reason=Reason.FIRST_SEEN) for alert in verdict.alerts
    ]
    return (verdict.diffs, verdict.scenes, alerts, verdict.suppressed)


def test_stories_do_not_know_of_each_other() -> None:
    stories = [story for story in SHIPPED.stories if story.learned][:4]
    together = list(rehearse_all(SHIPPED.rulebook, [*stories, *stories[::-1]]))
    alone = [rehearse(SHIPPED.rulebook, story) for story in stories]

    assert together == [*alone, *alone[::-1]]


def test_every_city_is_where_geo_and_the_clocks_say() -> None:
    for city in CITIES.values():
        assert geo.country_code(city.country) == city.code == geo.country_code(city.code), city
        assert workhours.zone(city.zone) is not None, city
        assert geo.zone_at(city.code, city.latitude, city.longitude) is not None, city
        assert workhours.local(city.zone, 0).utcoffset() is not None
        assert geo.believable(city.latitude, city.longitude), city
