"""The simulated items have the shapes of the samples, absences and quirks included."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from detector.events import AUDIT, FEEDS, SIGNIN, USAGE
from detector.simulator import Plan, Simulation, simulate
from detector.simulator.places import CITIES

Item = dict[str, Any]

# The key sets of the samples in the project's notes, and the keys that version 2 adds.
PERSON = {"uuid", "name", "email"}
PERSON_V2 = PERSON | {"user_type", "user_account_uuid"}
CLIENT = {
    "app_name", "app_version", "platform_name", "platform_version", "os_name", "os_version",
    "ip_address",
}  # fmt: skip
PLACE = {"country", "region", "city", "latitude", "longitude"}
SESSION = {"uuid", "login_time", "device_uuid", "ip"}
ALWAYS = {
    SIGNIN: {
        "uuid", "session_uuid", "timestamp", "country", "category", "type", "details",
        "target_user", "client", "account_uuid",
    },
    USAGE: {
        "uuid", "timestamp", "used_version", "vault_uuid", "item_uuid", "user", "client",
        "account_uuid",
    },
    AUDIT: {
        "uuid", "timestamp", "actor_uuid", "actor_details", "actor_type", "actor_account_uuid",
        "account_uuid", "action", "object_type", "object_uuid", "session",
    },
}  # fmt: skip
SOMETIMES = {
    SIGNIN: {"location"},
    USAGE: {"location", "action"},
    AUDIT: {"location", "object_details", "aux_id", "aux_uuid", "aux_details", "aux_info"},
}


@pytest.fixture(scope="session")
def world() -> Simulation:
    return simulate(Plan(seed=11, people=36, days=28, attacks=13, attacks_from_day=12))


def items(simulation: Simulation, feed: str) -> list[Item]:
    return [arrival.item for arrival in simulation.arrivals if arrival.feed == feed]


@pytest.mark.parametrize("feed", FEEDS)
def test_items_have_the_keys_of_the_samples_and_no_others(world: Simulation, feed: str) -> None:
    for item in items(world, feed):
        assert ALWAYS[feed] <= set(item) <= ALWAYS[feed] | SOMETIMES[feed]


@pytest.mark.parametrize("feed", FEEDS)
def test_parts_of_items_have_the_keys_and_types_of_the_samples(
    world: Simulation, feed: str
) -> None:
    for item in items(world, feed):
        for name in ("user", "target_user"):
            assert set(item.get(name, PERSON_V2)) == PERSON_V2
        for name in ("actor_details", "object_details", "aux_details"):
            assert set(item.get(name, PERSON)) == PERSON
        assert set(item.get("client", CLIENT)) == CLIENT
        assert all(type(value) is str for value in item.get("client", {}).values())
        assert set(item.get("session", SESSION)) == SESSION
        assert set(item.get("location", PLACE)) == PLACE


def test_identifiers_look_like_those_of_the_samples(world: Simulation) -> None:
    upper, lower = re.compile(r"[A-Z2-7]{26}"), re.compile(r"[a-z2-7]{26}")
    for arrival in world.arrivals:
        assert upper.fullmatch(arrival.item["uuid"])
    for item in items(world, USAGE):
        assert lower.fullmatch(item["vault_uuid"])
        assert lower.fullmatch(item["item_uuid"])
    for item in items(world, AUDIT):
        assert lower.fullmatch(item["session"]["device_uuid"])


def test_every_event_has_an_identifier_of_its_own(world: Simulation) -> None:
    counts = Counter(arrival.item["uuid"] for arrival in world.arrivals)

    assert counts.most_common(1)[0][1] == 1


def test_timestamps_have_no_three_eight_or_nine_digits(world: Simulation) -> None:
    digits = {
        feed: Counter(
            len(item["timestamp"].partition(".")[2].rstrip("Z")) for item in items(world, feed)
        )
        for feed in FEEDS
    }

    assert set(digits[USAGE]) == {3}
    assert digits[SIGNIN][0] > digits[SIGNIN][9] > 0
    assert digits[AUDIT][9] > digits[AUDIT][8] > 0


def test_audit_events_name_the_country_and_sign_ins_give_its_code(world: Simulation) -> None:
    names = {city.country for city in CITIES.values()}
    codes = {city.code for city in CITIES.values()}
    used = {item["location"]["country"] for item in items(world, USAGE) if "location" in item}

    assert {i["location"]["country"] for i in items(world, AUDIT) if "location" in i} <= names
    assert {i["location"]["country"] for i in items(world, SIGNIN) if "location" in i} <= codes
    assert used & names
    assert used & codes


def test_some_things_are_missing_as_they_are_in_real_feeds(world: Simulation) -> None:
    assert any("location" not in item for item in items(world, SIGNIN))
    assert any("location" not in item for item in items(world, AUDIT))
    assert any("action" not in item for item in items(world, USAGE))
    assert any(item.get("action") == "other" for item in items(world, USAGE))
    assert all(item["details"] is None or item["details"]["value"] for item in items(world, SIGNIN))
