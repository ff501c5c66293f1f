"""The simulated company: repeatable, physically possible, and in the API's exact shapes."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.events import AUDIT, FEEDS, SIGNIN, USAGE
from detector.simulator import Plan, Simulation, simulate, write
from detector.simulator.attacks import KINDS
from detector.simulator.calendars import calendar_of
from detector.simulator.faults import FAULTS
from detector.simulator.places import distance_km, flies
from detector.simulator.streams import Mint, lower_id, stream

PLAN = Plan(seed=11, people=36, days=28, attacks=13, attacks_from_day=12)
Item = dict[str, Any]


@pytest.fixture(scope="session")
def world() -> Simulation:
    return simulate(PLAN)


@pytest.fixture(scope="session")
def twin() -> Simulation:
    return simulate(Plan(seed=11, people=36, days=28, attacks=0, attacks_from_day=12))


def items(simulation: Simulation, feed: str) -> list[Item]:
    return [arrival.item for arrival in simulation.arrivals if arrival.feed == feed]


def rows(path: Path) -> list[Item]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def moment(item: Item) -> datetime:
    return datetime.fromisoformat(item["timestamp"])


def labelled(simulation: Simulation) -> set[str]:
    return {uuid for attack in simulation.attacks for uuid in attack.event_uuids}


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    plan = Plan(seed=5, people=12, days=6, attacks=3, attacks_from_day=3)
    for name in ("one", "two"):
        write(simulate(plan), tmp_path / name)

    for path in sorted((tmp_path / "one").rglob("*.*")):
        twin = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == twin.read_bytes()


def test_another_seed_gives_another_company() -> None:
    one, two = (simulate(Plan(seed=seed, people=8, days=2, attacks=0)) for seed in (1, 2))

    assert not {who.uuid for who in one.people} & {who.uuid for who in two.people}


def test_the_twin_without_attacks_has_exactly_the_benign_events(
    world: Simulation, twin: Simulation
) -> None:
    marked = labelled(world)
    swapped = {uuid for a in world.attacks if a.swapped for uuid in a.event_uuids}
    benign = [arrival for arrival in world.arrivals if arrival.item["uuid"] not in marked]
    alone = [arrival for arrival in twin.arrivals if arrival.item["uuid"] not in swapped]

    assert twin.attacks == ()
    assert benign == alone
    assert swapped <= {arrival.item["uuid"] for arrival in twin.arrivals}


def test_swapped_people_do_the_same_things_under_each_others_name(
    world: Simulation, twin: Simulation
) -> None:
    swap = next(attack for attack in world.attacks if attack.swapped)
    before = {a.item["uuid"]: a.item for a in twin.arrivals}
    after = {a.item["uuid"]: a.item for a in world.arrivals}

    def actor(item: Item) -> str:
        who = item.get("user") or item.get("target_user") or item.get("actor_details")
        return str(who["uuid"])

    assert swap.event_uuids
    for uuid in swap.event_uuids:
        assert {actor(before[uuid]), actor(after[uuid])} == set(swap.people)
        assert before[uuid].get("client") == after[uuid].get("client")


def test_arrivals_are_in_order_and_never_before_their_event(world: Simulation) -> None:
    moments = [arrival.arrived for arrival in world.arrivals]

    assert moments == sorted(moments)
    assert all(arrival.arrived >= moment(arrival.item) for arrival in world.arrivals)


def test_uses_come_late_and_server_side_events_within_a_minute(world: Simulation) -> None:
    late = {feed: [] for feed in FEEDS}  # type: dict[str, list[timedelta]]
    for arrival in world.arrivals:
        late[arrival.feed].append(arrival.arrived - moment(arrival.item))

    assert max(late[USAGE]) > timedelta(days=1)
    assert sum(delay > timedelta(minutes=10) for delay in late[USAGE]) > len(late[USAGE]) / 20
    assert max(late[SIGNIN]) < timedelta(minutes=1)
    assert max(late[AUDIT]) < timedelta(minutes=1)


def test_audit_events_belong_to_a_session_that_a_sign_in_began(world: Simulation) -> None:
    begun = {item["session_uuid"]: item for item in items(world, SIGNIN)}
    for item in items(world, AUDIT):
        login = begun[item["session"]["uuid"]]
        assert login["category"] in {"success", "firewall_reported_success"}
        assert moment(login) <= moment(item)


def test_a_session_stays_on_one_device(twin: Simulation) -> None:
    devices: dict[str, str] = {}
    for item in items(twin, AUDIT):
        session = item["session"]
        assert devices.setdefault(session["uuid"], session["device_uuid"]) == session["device_uuid"]


def test_nobody_travels_faster_than_an_aeroplane(world: Simulation) -> None:
    assert any(flies(trip.origin, trip.destination) for trip in world.trips)
    for trip in world.trips:
        for depart, arrive in trip.legs:
            hours = (arrive - depart) / 3600
            assert distance_km(trip.origin, trip.destination) / hours <= 900
        assert trip.arrive < trip.back_depart


def test_nobody_uses_a_computer_on_the_ground_while_flying(twin: Simulation) -> None:
    flights = [
        (trip, leg)
        for trip in twin.trips
        for leg in trip.legs
        if not trip.wifi and flies(trip.origin, trip.destination)
    ]
    for trip, (depart, arrive) in flights:
        for item in items(twin, SIGNIN):
            if item["target_user"]["uuid"] == trip.person and item["category"] == "success":
                assert not depart < moment(item).timestamp() < arrive


def test_new_colleagues_join_activate_and_bring_a_device() -> None:
    world = simulate(Plan(seed=3, people=120, days=21, attacks=0))
    audits = items(world, AUDIT)
    activated = {i["object_uuid"] for i in audits if i["action"] == "activate"}
    provisioned = {i["object_uuid"] for i in audits if i["action"] == "provsn"}
    owners = {
        i["aux_uuid"] for i in audits if (i["action"], i["object_type"]) == ("create", "device")
    }

    assert activated
    assert activated <= owners
    assert activated & provisioned


def test_every_kind_of_attack_is_labelled_and_its_events_exist(world: Simulation) -> None:
    known = {arrival.item["uuid"]: arrival for arrival in world.arrivals}

    assert {attack.kind for attack in world.attacks} == set(KINDS)
    assert {attack.tier for attack in world.attacks} == {"noisy", "careful", "mimicry"}
    for attack in world.attacks:
        times = [moment(known[uuid].item) for uuid in attack.event_uuids]
        assert (min(times), max(times)) == (attack.first_time, attack.last_time)
        assert attack.people
        assert attack.summary


def test_no_attack_begins_before_its_day_or_ends_after_the_plan(world: Simulation) -> None:
    begin = PLAN.start + timedelta(days=PLAN.attacks_from_day)
    for attack in world.attacks:
        assert begin <= attack.first_time <= attack.last_time < PLAN.start + timedelta(days=28)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_kind_works_in_every_tier(seed: int) -> None:
    plan = Plan(seed=seed, people=20, days=14, attacks=39, attacks_from_day=4)
    attacks = simulate(plan).attacks

    assert Counter(attack.tier for attack in attacks) == {"noisy": 13, "careful": 13, "mimicry": 13}
    assert set(Counter(attack.kind for attack in attacks).values()) == {3}
    assert all(attack.event_uuids for attack in attacks)


@pytest.mark.parametrize("seed", range(6))
def test_even_a_tiny_company_can_be_attacked(seed: int) -> None:
    world = simulate(Plan(seed=seed, people=5, days=4, attacks=13))

    assert len(world.attacks) == 13
    assert {attack.kind for attack in world.attacks} == set(KINDS)


def test_attacks_do_not_use_addresses_of_their_own(world: Simulation) -> None:
    """No address range must give an attack away: attackers rent and live where others do."""
    marked = labelled(world)
    first = {True: set(), False: set()}  # type: dict[bool, set[str]]
    for arrival in world.arrivals:
        ip = arrival.item.get("client", {}).get("ip_address", "")
        first[arrival.item["uuid"] in marked].add(ip.partition(".")[0])

    assert len(first[True] - first[False]) < len(first[True]) / 2


def test_the_folder_can_be_read_back(world: Simulation, tmp_path: Path) -> None:
    write(world, tmp_path)
    order = rows(tmp_path / "arrivals.ndjson")
    for feed in FEEDS:
        read = rows(tmp_path / f"{feed}.ndjson")
        assert read == items(world, feed)
        assert [row["uuid"] for row in order if row["feed"] == feed] == [i["uuid"] for i in read]
    assert [row["seq"] for row in order] == list(range(1, len(world.arrivals) + 1))
    assert len(json.loads((tmp_path / "attacks.json").read_text())) == PLAN.attacks


def test_people_and_networks_are_known_as_far_as_companies_know_them(
    world: Simulation, tmp_path: Path
) -> None:
    write(world, tmp_path)
    people = yaml.safe_load((tmp_path / "people.yml").read_text())["people"]
    networks = yaml.safe_load((tmp_path / "networks.yml").read_text())["networks"]
    humans = [who for who in world.people if not who.is_service]

    assert len(humans) / 2 < len(people) < len(humans)
    assert all(set(row) == {"email", "name", "timezone"} for row in people)
    assert {row["kind"] for row in networks} == {"office", "vpn"}
    assert all(set(row) == {"name", "kind", "cidrs"} for row in networks)


def test_a_plan_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Plan(start=datetime(2026, 3, 2))  # noqa: DTZ001


def test_local_hours_are_right_when_the_clocks_change() -> None:
    calendar = calendar_of(datetime(2026, 3, 2, tzinfo=UTC), 30)

    def utc_hour(zone: str, day: int) -> int:
        return datetime.fromtimestamp(calendar.local(zone, day, 9.0), UTC).hour

    assert [utc_hour("America/Toronto", day) for day in (5, 6)] == [14, 13]
    assert [utc_hour("Europe/Berlin", day) for day in (26, 27)] == [8, 7]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.text(max_size=12), st.text(max_size=12))
def test_streams_depend_on_their_names_only(seed: int, name: str, other: str) -> None:
    assert stream(seed, name).random() == stream(seed, name).random()
    if name != other:
        assert stream(seed, name).random() != stream(seed, other).random()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(1, 200))
def test_minted_identifiers_differ(seed: int, count: int) -> None:
    mint = Mint(stream(seed, "mint"))

    assert len({mint.take() for _ in range(count)}) == count
    assert lower_id(stream(seed, "x")).islower()


def test_every_fault_is_explained() -> None:
    assert all(text for text in FAULTS.values())
