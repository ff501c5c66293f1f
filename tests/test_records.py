"""Raw items into rows: nothing raises, nothing is lost, and what is odd has a meaning."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from detector import events
from detector.events import AUDIT, FEEDS, SIGNIN, USAGE
from detector.sources.leaves import times
from detector.sources.records import Shaped, shape

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TORONTO: dict[str, Any] = {"country": "Canada", "latitude": 43.64, "longitude": -79.433}
SUSPEND: dict[str, Any] = {
    "uuid": "3UQOGUC7DVOCN4OZP2MDKHFLSG", "timestamp": "2022-10-24T21:16:52.827288935Z",
    "actor_uuid": "GLF6WUEKS5CSNDJ2OG6TCZD3M4",
    "actor_details": {"uuid": "GLF6WUEKS5CSNDJ2OG6TCZD3M4", "name": "Test Actor", "email": "a@b.c"},
    "action": "suspend", "object_type": "user", "object_uuid": "ZRQCUD6A65AKHFETOUFO7NL4OM",
    "session": {
        "uuid": "ODOHXUYQCJBUJKRGZNNPBJURPE", "login_time": "2022-10-24T21:07:34.703106271Z",
        "device_uuid": "rqtd557fn2husnstp5nc66w2xa", "ip": "89.160.20.156",
    },
    "location": TORONTO,
}  # fmt: skip
BLOCKED: dict[str, Any] = {
    "uuid": "56YE2TYN2VFYRLNSHKPW5NVT5E", "session_uuid": "A5K6COGVRVEJXJW3XQZGS7VAMM",
    "timestamp": "2021-03-01T16:32:50-03:00", "category": "firewall_failed",
    "type": "continent_blocked", "country": "France", "details": {"value": "Europe"},
    "target_user": {"uuid": "IR7VJHJ36JHINBFAD7V2T5MP3E", "name": "Wendy", "email": "w@b.c"},
    "client": {"app_name": "1Password Extension", "os_name": "MacOSX", "ip": "13.227.95.22"},
}  # fmt: skip
USED: dict[str, Any] = {
    "uuid": "ecd1d435c26440dc930ddfbbef201a11", "timestamp": "2022-02-23 20:27:17.071",
    "used_version": 2, "vault_uuid": "111111", "item_uuid": "ecd1d435c26440dc930ddfbbef201a11",
    "user": {"email": "homer@springfield.gov", "name": "Homer Simpson", "uuid": "2222222"},
    "client": {"app_name": "1Password Browser Extension", "ip_address": "1.1.1.1.1"},
    "p_log_type": "OnePassword.ItemUsage",
}  # fmt: skip
SAMPLES = {AUDIT: SUSPEND, SIGNIN: BLOCKED, USAGE: USED}


def raw(item: object) -> bytes:
    return json.dumps(item).encode()


def row(feed: str, **changes: object) -> dict[str, Any]:
    """The one row of the feed's sample with changes."""
    shaped = shape(feed, [raw(SAMPLES[feed] | changes)], NOW)
    assert shaped.frame.height == 1
    return shaped.frame.row(0, named=True)


def lost(shaped: Shaped) -> list[int]:
    return sorted(flaw.index for flaw in shaped.flaws if flaw.set_aside)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800")
    | st.sampled_from(["2026-03-01T00:00:00Z", "user", "vault", "FR", "", "0", "x" * 3000])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3),
    max_leaves=6,
)


@st.composite
def bent(draw: st.DrawFn, feed: str) -> bytes:
    """A sample of the feed with some of its leaves replaced, removed or added."""
    item = json.loads(json.dumps(SAMPLES[feed]))
    for name in draw(st.lists(st.sampled_from([*item, "location", "account_uuid", "aux_id"]))):
        owner, leaf = item, name
        if isinstance(item.get(name), dict) and item[name] and draw(st.booleans()):
            owner, leaf = item[name], draw(st.sampled_from(sorted(item[name])))
        if draw(st.booleans()):
            owner[leaf] = draw(values)
        else:
            owner.pop(leaf, None)
    return raw(item)


def pages(feed: str) -> st.SearchStrategy[list[bytes]]:
    junk = st.binary(max_size=40) | values.map(raw)
    return st.lists(bent(feed) | bent(feed) | junk, max_size=8)


feeds_and_items = st.sampled_from(FEEDS).flatmap(lambda feed: st.tuples(st.just(feed), pages(feed)))


@given(feeds_and_items)
@settings(max_examples=120, deadline=None)
def test_every_item_is_a_row_or_is_set_aside_with_a_reason(case: tuple[str, list[bytes]]) -> None:
    feed, items = case
    shaped = shape(feed, items, NOW)
    aside = lost(shaped)
    assert len(set(aside)) == len(aside)
    assert list(shaped.raws) == [item for at, item in enumerate(items) if at not in set(aside)]
    assert shaped.frame.height == len(shaped.raws)
    assert dict(shaped.frame.schema) == events.SCHEMA
    assert all(flaw.reason and flaw.raw == items[flaw.index] for flaw in shaped.flaws)
    assert shaped.frame["event.time"].null_count() == 0


@given(feeds_and_items)
@settings(max_examples=50, deadline=None)
def test_a_row_has_the_uuid_of_its_item(case: tuple[str, list[bytes]]) -> None:
    feed, items = case
    shaped = shape(feed, items, NOW)
    for uuid, item in zip(shaped.frame["event.id"], shaped.raws, strict=True):
        assert uuid == json.loads(item)["uuid"].encode("utf-8", "replace").decode()


@given(feeds_and_items, st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_how_items_are_cut_into_pages_does_not_matter(
    case: tuple[str, list[bytes]], cut: int
) -> None:
    feed, items = case
    whole = shape(feed, items, NOW)
    first, second = shape(feed, items[:cut], NOW), shape(feed, items[cut:], NOW)
    assert_frame_equal(pl.concat([first.frame, second.frame]), whole.frame)
    assert first.raws + second.raws == whole.raws
    assert lost(first) + [at + min(cut, len(items)) for at in lost(second)] == lost(whole)


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"[" * 100_000,
        b'{"uuid":' * 50_000,
        b"\xff\xfe",
        b"null",
        b"7",
        b"{}",
        b"1" * 6000,
        b'"\\ud800"',
    ],
)
def test_hostile_bytes_are_set_aside(feed: str, hostile: bytes) -> None:
    shaped = shape(feed, [hostile, raw(SAMPLES[feed])], NOW)
    assert lost(shaped) == [0]
    assert shaped.raws == (raw(SAMPLES[feed]),)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-01T16:32:50Z", datetime(2026, 3, 1, 16, 32, 50, tzinfo=UTC)),
        ("2026-03-01T16:32:50.123Z", datetime(2026, 3, 1, 16, 32, 50, 123000, tzinfo=UTC)),
        ("2026-03-01T16:32:50.123456Z", datetime(2026, 3, 1, 16, 32, 50, 123456, tzinfo=UTC)),
        ("2026-03-01T16:32:50.12345678Z", datetime(2026, 3, 1, 16, 32, 50, 123456, tzinfo=UTC)),
        ("2026-03-01T16:32:50.123456999Z", datetime(2026, 3, 1, 16, 32, 50, 123456, tzinfo=UTC)),
        ("2026-03-01T16:32:50.1Z", datetime(2026, 3, 1, 16, 32, 50, 100000, tzinfo=UTC)),
        ("2026-03-01T16:32:50-03:00", datetime(2026, 3, 1, 19, 32, 50, tzinfo=UTC)),
        ("2026-03-01T01:32:50.5+05:30", datetime(2026, 2, 28, 20, 2, 50, 500000, tzinfo=UTC)),
        ("2026-03-01 16:32:50.071", datetime(2026, 3, 1, 16, 32, 50, 71000, tzinfo=UTC)),
        ("2026-03-01T16:32:50", datetime(2026, 3, 1, 16, 32, 50, tzinfo=UTC)),
        ("2026-03-01t16:32:50z", datetime(2026, 3, 1, 16, 32, 50, tzinfo=UTC)),
        ("2099-01-01T00:00:00Z", datetime(2099, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_timestamp_is_a_time_in_utc_cut_to_microseconds(text: str, time: datetime) -> None:
    assert row(AUDIT, timestamp=text)["event.time"] == time


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "1771",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-01:00",
        "+12000-01-01T00:00:00Z",
        "\x00",
    ],
)
def test_what_is_no_time_is_set_aside(text: str) -> None:
    shaped = shape(USAGE, [raw(USED | {"timestamp": text}), raw(USED)], NOW)
    assert lost(shaped) == [0]
    assert shaped.flaws[0].reason.startswith("timestamp: ")


_STAMPS = (
    "2026-03-01T16:32:50.123Z", "2026-03-01T16:32:50.123456789Z", "2016-12-31T23:59:60.999Z",
    "2026-03-01T16:32:50Z", "2026-03-01T16:32:50.123+01", "0001-01-01T00:00:00.000Z",
)  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.sampled_from(_STAMPS), st.integers(0, 30), st.sampled_from([*" 09-+:.TZtzé", ""])
        )
        | st.none(),
        min_size=1,
    )
)
def test_a_time_means_the_same_whatever_stands_beside_it(
    made: list[tuple[str, int, str] | None],
) -> None:
    texts = [each and each[0][: each[1]] + each[2] + each[0][each[1] + 1 :] for each in made]
    assert times(texts).to_list() == [times([None, text])[1] for text in texts]


@pytest.mark.parametrize("uuid", [None, "", 7, [], "x" * 201])
def test_an_item_without_a_sensible_uuid_is_set_aside(uuid: object) -> None:
    shaped = shape(USAGE, [raw(USED | {"uuid": uuid})], NOW)
    assert lost(shaped) == [0]
    assert shaped.flaws[0].reason.startswith("uuid: ")


@pytest.mark.parametrize(
    ("country", "code"),
    [
        ("Israel", "IL"), ("Canada", "CA"), ("FR", "FR"), ("UK", "GB"), ("us", "US"), ("", None),
        (" Canada ", "CA"), ("Nowhere", None), (None, None), ("United States", "US"),
    ],
)  # fmt: skip
def test_a_country_is_a_code_whether_it_came_as_name_or_code(
    country: str | None, code: str | None
) -> None:
    found = row(AUDIT, location=TORONTO | {"country": country})
    assert found["source.country"] == code
    assert found["location.country"] == country


def test_a_sign_in_without_location_has_its_own_country() -> None:
    assert row(SIGNIN)["source.country"] == "FR"
    assert row(SIGNIN, country="", location=None)["source.country"] is None
    assert row(SIGNIN, location=TORONTO)["source.country"] == "CA"


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(0, 0), (0.0, -0.0), (91, 10), (10, 181), (None, 10), (10, None), (-120.5, 43.6)],
)
def test_coordinates_that_cannot_be_are_unknown_and_kept_as_received(
    latitude: float | None, longitude: float | None
) -> None:
    found = row(AUDIT, location=TORONTO | {"latitude": latitude, "longitude": longitude})
    assert (found["source.latitude"], found["source.longitude"]) == (None, None)
    assert (found["location.latitude"], found["location.longitude"]) == (latitude, longitude)


def test_real_coordinates_are_not_swapped() -> None:
    found = row(AUDIT)
    assert (found["source.latitude"], found["source.longitude"]) == (43.64, -79.433)
    assert row(AUDIT, location=TORONTO | {"latitude": 0, "longitude": 9.5})["source.latitude"] == 0


@pytest.mark.parametrize("feed", FEEDS)
def test_missing_and_null_parts_are_null_columns(feed: str) -> None:
    least = {"uuid": "U", "timestamp": "2026-03-01T00:00:00Z"}
    empty = dict.fromkeys(SAMPLES[feed]) | {"location": None} | least
    shaped = shape(feed, [raw(least), raw(empty)], NOW)
    assert shaped.flaws == ()
    for found in shaped.frame.iter_rows(named=True):
        known = {name for name, value in found.items() if value is not None}
        assert known == {"event.feed", "event.id", "event.time", "event.received"}


def test_the_ip_and_user_type_stand_under_either_name() -> None:
    assert row(SIGNIN)["source.ip"] == "13.227.95.22"
    both = row(SIGNIN, client={"ip": "1.1.1.1", "ip_address": "2001:db8::1"})
    assert both["source.ip"] == "2001:db8::1"
    assert row(SIGNIN, target_user={"type": "user"})["user.type"] == "user"
    assert row(USAGE, user={"user_type": "external_user"})["user.type"] == "external_user"


def test_enums_are_open_and_the_old_typo_is_mended() -> None:
    assert row(SIGNIN, type="u2f_timout")["event.type"] == "u2f_timeout"
    assert row(SIGNIN, type="brand_new", category="unknown")["event.type"] == "brand_new"
    assert row(AUDIT, action="brand_new", object_type="thing")["event.action"] == "brand_new"


def test_an_audit_event_names_session_device_and_target() -> None:
    found = row(AUDIT)
    assert found["device.id"] == "rqtd557fn2husnstp5nc66w2xa"
    assert found["session.login_time"] == datetime(2022, 10, 24, 21, 7, 34, 703106, tzinfo=UTC)
    assert found["target.id"] == "ZRQCUD6A65AKHFETOUFO7NL4OM"
    member = row(
        AUDIT, object_type="gm", object_uuid="GROUP", aux_id=7, aux_info="A", aux_uuid="BOB",
        aux_details={"uuid": "BOB", "name": "Bob", "email": "bob@b.c"},
    )  # fmt: skip
    assert (member["target.id"], member["target.email"]) == ("BOB", "bob@b.c")
    assert (member["aux.number"], member["aux.info"], member["vault.id"]) == (7, "A", None)
    assert row(AUDIT, object_type="uva", object_uuid="VAULT")["vault.id"] == "VAULT"


def test_a_login_time_that_was_never_set_is_null() -> None:
    found = row(AUDIT, session={"uuid": "S", "login_time": "0001-01-01T00:00:00Z"})
    assert (found["session.login_time"], found["session.id"]) == (None, "S")


def test_a_person_of_another_account_is_another_person() -> None:
    at_home = row(AUDIT, account_uuid="HERE", actor_account_uuid="HERE", actor_uuid="ANN")
    foreign = row(AUDIT, account_uuid="HERE", actor_account_uuid="THERE", actor_uuid="ANN")
    assert (at_home["person"], foreign["person"]) == ("ANN", "THERE:ANN")


def test_a_wrong_leaf_is_left_out_and_the_rest_is_kept() -> None:
    item = SUSPEND | {"action": 7, "session": {"ip": [], "uuid": "S"}, "location": "here"}
    shaped = shape(AUDIT, [raw(item)], NOW)
    found = shaped.frame.row(0, named=True)
    assert (found["event.action"], found["source.ip"], found["session.id"]) == (None, None, "S")
    assert found["user.name"] == "Test Actor"
    [flaw] = shaped.flaws
    assert not flaw.set_aside
    assert flaw.reason == "left out: action (int), session.ip (list), location (str)"


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 1.5, "7", True, 10**400])
def test_a_number_that_is_none_is_left_out(number: object) -> None:
    assert row(AUDIT, aux_id=number)["aux.number"] is None
    assert row(USAGE, used_version=number)["item.version"] is None


def test_an_integer_that_python_would_not_read_costs_one_field() -> None:
    item = raw(USED | {"used_version": "long"}).replace(b'"long"', b"9" * 5_000)

    shaped = shape(USAGE, [item], NOW)

    assert shaped.frame["event.id"].to_list() == [USED["uuid"]]
    assert [flaw.reason for flaw in shaped.flaws] == ["left out: used_version (float)"]


def test_half_a_surrogate_pair_costs_one_character() -> None:
    found = row(USAGE, user={"uuid": "U", "name": "A\ud800B"})
    assert found["user.name"] == "A?B"


def test_a_long_text_is_cut_in_the_row_and_whole_in_the_raw_record() -> None:
    item = raw(USED | {"client": {"platform_name": "x" * 100_000}})
    shaped = shape(USAGE, [item], NOW)
    assert shaped.frame["client.platform_name"].str.len_chars().to_list() == [2000]
    assert shaped.raws == (item,)


def test_each_item_may_have_its_own_time_of_receipt() -> None:
    times = [NOW, NOW.replace(hour=1), NOW.replace(hour=2)]
    shaped = shape(USAGE, [raw(USED), b"broken", raw(USED)], times)
    assert shaped.frame["event.received"].to_list() == [times[0], times[2]]


@pytest.mark.parametrize("feed", FEEDS)
def test_an_empty_page_is_an_empty_frame_of_the_schema(feed: str) -> None:
    shaped = shape(feed, [], NOW)
    assert dict(shaped.frame.schema) == events.SCHEMA
    assert (shaped.frame.height, shaped.raws, shaped.flaws) == (0, (), ())
