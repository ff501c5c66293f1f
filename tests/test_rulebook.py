"""The rulebook: what loads, who raises, which rows match; and laws over the shipped pack."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from detector import events
from detector.rehearsal import play, script
from detector.rehearsal.samples import Samples
from detector.rule_types.first_seen import FirstSeen
from detector.rulebook import conditions
from detector.rulebook.book import Rulebook
from detector.rulebook.conditions import And, asked
from detector.rulebook.examples import NoExample, example
from detector.rulebook.explaining import explain
from detector.rulebook.loading import load
from detector.rulebook.resolving import resolved
from detector.rulebook.schemas import of_feed
from detector.rulebook.vocabulary import AUDIT_ACTIONS
from detector.sources.records import shape

ROOT = Path(__file__).parent.parent
TEXTS = {
    str(path.relative_to(ROOT)): path.read_text("utf-8") for path in (ROOT / "rules").rglob("*.yml")
}
SHIPPED = load(TEXTS)
BOOK = SHIPPED.rulebook
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000{}"


def rule(number: int, more: str = "", *, source: str = ", service: auditevents") -> str:
    """A rule of granting."""
    return (
        f"title: Rule {number}\nname: rule_{number}\nid: {ID.format(number)}\n"
        f"logsource: {{product: onepassword{source}}}\n"
        f"detection: {{s: {{action: grant}}, condition: s}}\n{more}"
    )


def exception(number: int, rules: str, *, source: str = "", more: str = "") -> str:
    """A filter of what people of the help desk do."""
    return (
        f"title: Filter\nid: {ID.format(number)}\nlogsource: {{product: onepassword{source}}}\n"
        f"filter: {{rules: {rules}, desk: {{user.id: desk}}, condition: not desk}}\n{more}"
    )


def frame_of(*rows: dict[str, Any]) -> pl.DataFrame:
    """A frame of events; audit events unless they say otherwise."""
    nothing: dict[str, Any] = dict.fromkeys(events.SCHEMA)
    nothing["event.feed"] = events.AUDIT
    return pl.DataFrame([nothing | row for row in rows], schema=events.SCHEMA)


def hits(book: Rulebook, frame: pl.DataFrame) -> dict[str, list[int]]:
    """The matching rows by the rule's name, rules without any left out."""
    found = book.match(frame)
    return {book.rules[key].name: rows.tolist() for key, rows in found.items() if len(rows)}


def arrives(feed: str, item: dict[str, Any]) -> pl.DataFrame:
    """What the window holds of one raw item."""
    raw = {"uuid": "U", "timestamp": "2026-03-02T08:00:00Z"} | item
    return shape(feed, [json.dumps(raw).encode()], NOW).frame


def test_the_shipped_pack_loads_without_a_mistake() -> None:
    assert [str(mistake) for mistake in SHIPPED.mistakes] == []
    assert SHIPPED.documents == SHIPPED.loaded


def test_a_shipped_rule_that_is_decided_by_one_event_does_what_its_stories_say() -> None:
    stateless = {match.rule.id: match for match in BOOK.matches if match.rule.raises}
    samples = Samples(BOOK)
    for story in SHIPPED.stories:
        if story.rule_id not in stateless:
            continue
        frame, _ = script.shape(script.write(samples, story).lines)
        told = play.with_kinds(frame, play.named(story))
        found = len(BOOK.match(told)[story.rule_id])
        assert found == story.expect.alerts, (stateless[story.rule_id].rule.name, story.name)


@pytest.mark.parametrize("match", BOOK.matches, ids=lambda match: match.rule.name)
def test_the_example_of_a_shipped_rule_matches_it_when_it_comes_in(match: Any) -> None:
    frame = arrives(match.feeds[0], example(match))
    for test in asked(match.condition):
        if test.field == "source.kind":
            frame = frame.with_columns(pl.lit(test.literals[0]).alias("source.kind"))

    found = hits(BOOK, frame)

    assert match.rule.name in found


def test_the_base_rules_that_others_rely_on_are_there_and_silent() -> None:
    names = ["op_signin_ok", "op_signin_failed", "op_admin_action", "op_security_setting"]
    names += ["op_item_reveal", "op_item_export", "op_vault_export", "op_session"]
    found = [BOOK.named(name) for name in names]

    assert [rule is not None and not rule.raises for rule in found] == [True] * len(names)


def test_programs_are_not_people_but_what_they_change_is_still_seen() -> None:
    robot = {"user.email": "bot@1PasswordServiceAccounts.com"}
    signin = {"event.feed": events.SIGNIN, "event.category": "success"}
    grant = {"event.action": "chngpsso", "object.type": "sso"}
    frame = frame_of(
        signin, signin | robot, signin | {"client.app_name": "1Password CLI"}, grant | robot
    )

    found = hits(BOOK, frame)

    assert found["op_signin_ok"] == [0]
    assert found["op_sso_changed"] == [3]
    assert "op_admin_action" not in found


def test_the_rule_on_unknown_actions_knows_what_the_vocabulary_knows() -> None:
    frame = frame_of(*({"event.action": action} for action in sorted(AUDIT_ACTIONS)))

    found = hits(BOOK, frame)["op_unknown_action"]

    assert [sorted(AUDIT_ACTIONS)[row] for row in found] == ["unknown"]


def test_rows_of_mixed_feeds_keep_their_places() -> None:
    signin = {"event.feed": events.SIGNIN, "event.category": "success"}
    export = {"object.type": "vault", "event.action": "export"}
    usage = {"event.feed": events.USAGE, "event.action": "export"}

    found = hits(BOOK, frame_of(export, signin, usage, signin, export))

    assert found["op_vault_exported"] == [0, 4]
    assert found["op_signin_ok"] == [1, 3]
    assert found["op_item_export"] == [2]


def test_every_rule_has_an_entry_also_for_an_empty_frame() -> None:
    found = BOOK.match(frame_of().clear())

    assert set(found) == {match.rule.id for match in BOOK.matches}
    assert all(rows.dtype == "int64" and not len(rows) for rows in found.values())


def test_a_rule_without_service_looks_at_all_feeds_that_have_its_fields() -> None:
    book = load({"1.yml": rule(1, source="")}).rulebook
    grant = {"event.action": "grant"}

    assert book.matches[0].feeds == (events.AUDIT, events.USAGE)
    assert hits(book, frame_of(grant, grant | {"event.feed": events.USAGE})) == {"rule_1": [0, 1]}


def test_a_raw_name_means_the_column_of_its_feed() -> None:
    text = rule(1, source="").replace("action: grant", "location.country: FR, timestamp|hour: 3")
    night = {"location.country": "fr", "event.time": datetime(2026, 1, 1, 3, 5, tzinfo=UTC)}

    book = load({"1.yml": text}).rulebook

    assert book.matches[0].feeds == events.FEEDS
    assert hits(book, frame_of(*(night | {"event.feed": feed} for feed in events.FEEDS))) == {
        "rule_1": [0, 1, 2]
    }


@pytest.mark.parametrize(
    ("more", "used", "raises"),
    [
        ("", False, True),
        ("", True, False),
        ("alert: {generate: true}\n", True, True),
        ("alert: {generate: false}\n", False, False),
    ],
)
def test_a_rule_that_others_refer_to_is_silent_unless_it_says_otherwise(
    more: str, used: bool, raises: bool
) -> None:
    texts = {"1.yml": rule(1, more)}
    if used:
        head = f"title: B\nid: {ID.format(2)}\n"
        texts["2.yml"] = head + "behavior: {type: off_hours, rules: [rule_1]}\n"

    assert load(texts).rulebook.rules[ID.format(1)].raises is raises


def test_a_filter_is_anded_into_the_rules_it_names() -> None:
    texts = {"1.yml": rule(1), "2.yml": rule(2), "3.yml": exception(3, "[rule_1]")}
    frame = frame_of(
        {"event.action": "grant", "user.id": "desk"}, {"event.action": "grant", "user.id": "ana"}
    )
    loaded = load(texts)

    assert not loaded.mistakes
    assert hits(loaded.rulebook, frame) == {"rule_1": [1], "rule_2": [0, 1]}
    assert isinstance(loaded.rulebook.matches[0].condition, And)


def test_a_filter_for_any_rule_is_for_those_of_its_log_source() -> None:
    texts = {
        "1.yml": rule(1),
        "2.yml": rule(2, source=", service: itemusages"),
        "3.yml": exception(3, "any", source=", service: auditevents"),
    }
    desk = {"event.action": "grant", "user.id": "desk"}
    frame = frame_of(desk, desk | {"event.feed": events.USAGE})

    assert hits(load(texts).rulebook, frame) == {"rule_2": [1]}


def test_a_filter_whose_log_source_misses_the_rule_it_names_is_a_mistake() -> None:
    texts = {"1.yml": rule(1), "3.yml": exception(3, "rule_1", source=", service: itemusages")}

    (mistake,) = load(texts).mistakes

    assert "does not cover" in str(mistake)
    assert mistake.file == "3.yml"


def test_the_version_is_about_what_the_rules_say_and_nothing_else() -> None:
    version = load({"1.yml": rule(1), "2.yml": rule(2)}).rulebook.version
    moved = "# a comment\n" + rule(2) + "---\n" + rule(1, "tests: []\n")

    assert load({"all.yml": moved}).rulebook.version == version
    assert load({"1.yml": rule(1), "2.yml": rule(2, "level: high\n")}).rulebook.version != version


def test_names_are_made_of_titles_where_none_is_written() -> None:
    texts = {str(n): rule(n).replace(f"name: rule_{n}\n", "") for n in (1, 2)}
    texts["2"] = texts["2"].replace("Rule 2", "Rule 1")

    names = [match.rule.name for match in load(texts).rulebook.matches]

    assert names == ["rule_1", "rule_1_7c0c7b06"]


def test_a_behavior_knows_its_bases_by_id_and_its_fields_as_columns() -> None:
    text = (
        f"title: B\nid: {ID.format(2)}\nbehavior: {{type: first_seen, "
        f"rules: [RULE_1, {ID.format(1)}], "
        "group-by: [actor_uuid], fields: [session.device_uuid], with-any-new: [source.network]}\n"
    ).replace("RULE_1", "rule_1")

    (entry,) = load({"1.yml": rule(1), "2.yml": text}).rulebook.behaviors

    assert entry.bases == (ID.format(1),)
    assert isinstance(entry.behavior, FirstSeen)
    assert entry.rule.group_by == entry.behavior.group_by == ("user.id",)
    assert entry.behavior.fields == ("device.id",)
    assert entry.behavior.with_any_new == ("source.network",)


def test_an_explanation_shows_what_was_asked_and_what_was_there() -> None:
    match = next(match for match in BOOK.matches if match.rule.name == "op_self_vault_grant")
    row = {"event.feed": events.AUDIT, "event.action": "grant", "object.type": "uva"}

    assert explain(match, row | {"user.id": "ANA", "aux.id": "BO"}) == [
        "no   all of:",
        "yes      grant: object_type is 'uva' (here 'uva')",
        "yes      grant: action is 'grant' or 'update' (here 'grant')",
        "no       self: actor_uuid is the same as aux_uuid (here 'ANA' and 'BO')",
    ]


@pytest.mark.parametrize(
    "item",
    [
        "action|startswith: gr, action|endswith: t",
        "session.ip|cidr: 10.0.0.0/8, timestamp|hour: 4",
        "aux_id|gt: 5, aux_info|contains|all: [a, b]",
        "source.country: FR, target.email: x@y",
        "aux_info: 'a*b?c', aux_uuid|exists: true",
        "actor_uuid|fieldref: object_uuid, location.latitude|lt: 10, aux_info: null",
    ],
)
def test_an_example_is_found_for_all_that_a_selection_may_ask(item: str) -> None:
    text = rule(1).replace("action: grant", item)
    loaded = load({"1.yml": text})
    (match,) = loaded.rulebook.matches

    found = example(match)

    assert hits(loaded.rulebook, arrives(events.AUDIT, found)) == {"rule_1": [0]}
    assert json.loads(json.dumps(found)) == found


def test_what_contradicts_itself_has_no_example() -> None:
    text = rule(1).replace("action: grant", "action: grant, event.action: revoke")
    (match,) = load({"1.yml": text}).rulebook.matches

    with pytest.raises(NoExample):
        example(match)


def test_stories_come_with_the_rule_they_are_about() -> None:
    stories = {story.name: story for story in SHIPPED.stories}
    story = stories["same trip through the office VPN"]

    travel = BOOK.named("op_impossible_travel")
    assert travel is not None
    assert story.rule_id == travel.id
    assert story.learned
    assert story.networks == {"office": ("203.0.113.0/24",)}
    assert (story.expect.alerts, story.expect.because) == (0, "both-ends-corporate")
    assert [event.at.total_seconds() / 3600 for event in story.events] == [0, 2]
    assert {event.feed for event in story.events} == {events.SIGNIN}
    assert (story.events[1].use, story.events[1].user) == ("op_signin_ok", "ana")
    assert (story.events[1].from_place, story.events[1].ip) == ("Tokyo", "203.0.113.9")


FOREIGN = (
    "title: F\nid: {}\nlogsource: {{{}}}\ndetection: {{s: {{Image|endswith: x}}, condition: s}}\n"
)


def test_rules_about_other_products_load_and_are_warned_of() -> None:
    texts = {
        "1.yml": FOREIGN.format(ID.format(1), "product: windows, category: process_creation"),
        "2.yml": FOREIGN.format(ID.format(2), "category: antivirus"),
        "3.yml": exception(3, "any").replace("user.id: desk", "user.id: desk"),
    }

    loaded = load(texts)

    assert not loaded.mistakes
    assert [str(match.source) for match in loaded.rulebook.matches] == [
        "windows/process_creation",
        "antivirus",
    ]
    assert not any(match.feeds for match in loaded.rulebook.matches)
    assert not any(isinstance(match.condition, And) for match in loaded.rulebook.matches)
    assert "no events of antivirus come here" in " ".join(map(str, loaded.warnings))
    assert not hits(loaded.rulebook, frame_of({"event.action": "x"}))


def test_a_product_that_is_almost_ours_is_a_mistake() -> None:
    for source in ("product: 1passwrd", "product: onepasword", "service: auditevents"):
        (mistake,) = load({"1.yml": FOREIGN.format(ID.format(1), source)}).mistakes

        assert "write 'product: onepassword'" in mistake.fix


@pytest.mark.parametrize(
    ("source", "feeds"),
    [
        ("product: 1password, service: signin_attempts", ("signinattempts",)),
        ("product: onepassword, service: audit", ("auditevents",)),
        ("product: 1Password, service: OnePassword.ItemUsage", ("itemusages",)),
        ("product: one_password, category: authentication", ("signinattempts",)),
        ("product: 1password", ("auditevents", "signinattempts", "itemusages")),
    ],
)
def test_a_log_source_means_ours_however_others_spell_it(
    source: str, feeds: tuple[str, ...]
) -> None:
    detection = "detection: {s: {uuid: x}, condition: s}\n"
    loaded = load({"1.yml": f"title: F\nid: {ID.format(1)}\nlogsource: {{{source}}}\n{detection}"})

    assert not loaded.mistakes, [str(mistake) for mistake in loaded.mistakes]
    (match,) = loaded.rulebook.matches
    assert match.feeds == feeds
    assert match.source.product == "onepassword"


@pytest.mark.parametrize(
    ("service", "item", "column"),
    [
        ("auditevents", "onepassword.actor_details.email: x", "user.email"),
        ("auditevents", "usr.email: x", "user.email"),
        ("signinattempts", "onepassword.target_user.uuid: x", "user.id"),
        ("signinattempts", "source.geo.country_iso_code: US", "source.country"),
        ("signinattempts", "action_type: mfa_ok", "event.type"),
        ("itemusages", "src_endpoint.ip|cidr: 10.0.0.0/8", "source.ip"),
        ("itemusages", "user.full_name: x", "user.name"),
    ],
)
def test_a_field_is_known_by_the_names_that_other_products_give_it(
    service: str, item: str, column: str
) -> None:
    (match,) = load(
        {
            "1.yml": f"title: F\nid: {ID.format(1)}\n"
            f"logsource: {{product: 1password, service: {service}}}\n"
            f"detection: {{s: {{{item}}}, condition: s}}\n"
        }
    ).rulebook.matches
    (test,) = conditions.tests(resolved(match.condition, of_feed(service)))

    assert test.column == column


def test_every_name_elsewhere_means_a_column_and_is_no_name_of_ours() -> None:
    own = {name for column in events.COLUMNS for names in column.raw.values() for name in names}
    assert set(events.ELSEWHERE.values()) <= set(events.SCHEMA)
    assert not set(events.ELSEWHERE) & (own | set(events.SCHEMA))


def test_a_rule_without_an_id_goes_by_its_name() -> None:
    text = "title: F\nlogsource: {product: 1password}\ndetection: {s: {uuid: x}, condition: s}\n"
    one, again = load({"1.yml": text}), load({"other/2.yml": text})
    other = load({"1.yml": text.replace("title: F", "title: G")})

    ids = [loaded.rulebook.matches[0].rule.id for loaded in (one, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert not one.mistakes
    assert one.warnings[0].fix == f"add 'id: {ids[0]}'"
    (mistake,) = load({"1.yml": f"{text}---\n{text}"}).mistakes
    assert "is taken by 1.yml:1" in mistake.text
