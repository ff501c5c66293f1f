"""Travel and novelty among people: the ladder, egress, learning, telling once, wider scopes."""

from __future__ import annotations

from ipaddress import ip_network

import numpy as np
import pytest
import yaml

from detector import kernel
from detector.facts import Facts
from detector.findings import Finding, Level
from detector.networks import NamedNetwork, Networks
from detector.observations import NETWORK
from detector.persons import Person
from detector.rule_types.egress import Egress
from detector.rulebook.book import Rulebook
from detector.rulebook.loading import load
from tests import stories
from tests.stories import Heard, play, sign_in, usage
from tests.team import learned_engine

NET = "203.0.113.0/24"
SPOTS = {"paris": ("FR", 48.86, 2.35), "rome": ("IT", 41.9, 12.5), "kyiv": ("UA", 50.45, 30.5)}


def _facts(homes: list[str]) -> Facts:
    """People of whom everybody is known to come through NET, by their homes."""
    people = {f"P{number}": Person(0, 0, home=home) for number, home in enumerate(homes)}
    facts = Facts(people=people, places=dict(SPOTS))
    for name in people:
        facts.ledger.add(name, NETWORK, NET, (0, 0, 0))
    return facts


@pytest.mark.parametrize(
    ("homes", "strangers"),
    [
        (["paris"] * 9, 0),  # an office: they live where it is
        (["rome", "kyiv", "rome"], 3),  # an exit in Paris of people who live elsewhere
        (["rome"] * 4, 0),  # one home only: they may all have moved
        (["paris"] * 5 + ["rome", "kyiv", "rome"], 0),  # an office with visitors
        (["rome", "kyiv"], 0),
    ],
)
def test_an_egress_is_shared_by_people_who_live_elsewhere(homes: list[str], strangers: int) -> None:
    assert Egress().strangers(_facts(homes), NET, "paris", 0) == strangers


def _travel(heard: Heard) -> list[Finding]:
    return [found for found in heard.suppressed if "rungs" in found.evidence]


def test_an_office_full_of_colleagues_excuses_no_journey() -> None:
    """Four people share the office in Paris; from there to Tokyo in an hour stays impossible."""
    state = learned_engine(with_model=False)
    facts = state.memory.facts
    network = "81.3.77.0/24"
    for name in facts.people:
        facts.ledger.add(name, NETWORK, network, (0, 0, 0))
        for day in range(1, 20):
            ledger = facts.ledger
            line = ledger.lines(ledger.numbers([name]), ledger.things(NETWORK, [network]))
            ledger.again(line, np.array([day]))
    trip = [sign_in("ann", "paris", "10:00"), sign_in("ann", "tokyo", "11:00")]
    trip[0].fields["client"]["ip_address"] = "81.3.77.9"

    assert play(state, trip).of("op_impossible_travel")


def test_a_held_back_journey_says_which_rungs_failed_and_by_how_much() -> None:
    ranges = (ip_network("81.0.0.0/8"),)
    state = learned_engine(with_model=False)
    plan = kernel.Plan(
        state.plan.rulebook, networks=Networks((NamedNetwork("hq", "office", ranges),))
    )
    state = kernel.reconfigure(state, plan)
    (found,) = _travel(
        play(state, [sign_in("ann", "paris", "10:00"), sign_in("ann", "tokyo", "11:00")])
    )

    assert (found.suppressed_by, found.margin) == ("both-ends-corporate", 0.0)
    assert list(found.evidence["rungs"]) == [
        "same-ip-or-session", "same-device", "anonymiser", "both-ends-corporate"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("client", "minutes", "level"),
    [("web", 60, Level.HIGH), ("mac", 60, Level.MEDIUM), ("mac", 5, Level.LOW)],
)
def test_the_client_raises_and_lowers_a_journey(client: str, minutes: int, level: Level) -> None:
    state = learned_engine(with_model=False)
    trip = [sign_in("ann", "paris", "10:00"), sign_in("ann", "tokyo", f"{10 + minutes // 60}:{minutes % 60:02}", client=client)]  # fmt: skip
    (alert,) = play(state, trip).of("op_impossible_travel")

    assert alert.level == level
    assert any("level" in line for line in alert.why) == (level != Level.MEDIUM)


def test_what_was_told_is_not_told_again_while_the_guard_keeps_it_new() -> None:
    state = learned_engine(with_model=False)
    heard = Heard()
    for day in (0, 2, 5, 9):
        heard.hear(
            kernel.detect(
                state, *stories.page([sign_in("ann", "lagos", f"{day} 10:00", client="web")])
            )
        )
        heard.hear(kernel.tick(state, stories.at(f"{day} 12:00")))

    assert len(heard.of("op_new_device")) == 1
    assert "told-before" in {found.suppressed_by for found in heard.suppressed}


def test_what_was_told_as_low_is_told_again_when_it_is_worse() -> None:
    state = learned_engine(with_model=False)
    low = play(state, [sign_in("ann", "paris", "10:00", client="web")])
    state.memory.facts.suspect("ANN", until=2**60, seqs=(), high=False)
    kernel.tick(state, stories.at("5 9:00"))
    worse = play(state, [sign_in("ann", "lagos", "5 10:00", client="web")])

    assert [alert.level for alert in low.of("op_new_device")] == [Level.LOW]
    assert [alert.level for alert in worse.of("op_new_device")] == [Level.MEDIUM]


def test_learning_does_not_sleep() -> None:
    """A newcomer is held back by learning, unless two strong facts come together."""
    ranges = (ip_network("81.1.0.0/16"),)
    hosting = Networks((NamedNetwork("rented", "hosting", ranges),))
    alone, together = learned_engine(with_model=False), learned_engine(with_model=False)
    together = kernel.reconfigure(together, kernel.Plan(together.plan.rulebook, networks=hosting))
    for state in (alone, together):
        for person in [f"p{number}" for number in range(3)]:
            play(state, [usage(person, "paris", "8:00")])
        kernel.tick(state, stories.at("9:00"))
    newcomer = sign_in("zoe", "lagos", "10:00", client="web")

    assert not play(alone, [newcomer]).of("op_new_device")
    (alert,) = play(together, [newcomer]).of("op_new_device")
    assert alert.evidence["strong"] == ["hosting", "country-of-nobody"]


def _rule(group: str, fields: list[str]) -> Rulebook:
    base = {
        "title": "Sign-in", "name": "base", "id": "11111111-1111-4111-8111-111111111111", "level": "low",
        "logsource": {"product": "onepassword", "service": "signinattempts"},
        "detection": {"ok": {"category": "success"}, "condition": "ok"}, "alert": {"generate": False},
    }  # fmt: skip
    rule = {
        "title": "New", "name": "new", "id": "22222222-2222-4222-8222-222222222222", "level": "medium",
        "behavior": {"type": "first_seen", "rules": ["base"], "group-by": [group], "fields": fields,
                     "learn": {"until": "2 events"}},
    }  # fmt: skip
    loaded = load({"new.yml": yaml.safe_dump_all([base, rule])})
    assert not loaded.mistakes
    return loaded.rulebook


def _alerts(group: str, fields: list[str], *trips: tuple[str, str, str]) -> int:
    state = stories.engine(kernel.Plan(_rule(group, fields)))
    heard = Heard()
    for number, (who, place, client) in enumerate(trips):
        item = sign_in(who, place, f"{number + 1} 10:00", client=client)
        item.fields["account_uuid"] = "ACME"
        heard.hear(kernel.detect(state, *stories.page([item])))
    return sum(len(alert.event_ids) for alert in heard.of("new"))


def test_new_for_the_whole_account_is_what_nobody_showed() -> None:
    trips = [("ann", "paris", "mac"), ("ben", "paris", "mac"), ("ann", "lagos", "mac"), ("ben", "lagos", "mac")]  # fmt: skip

    assert _alerts("account.id", ["source.country"], *trips) == 1


def test_new_for_a_group_is_what_the_group_never_showed() -> None:
    trips = [("ann", "paris", "mac"), ("ann", "paris", "web"), ("ben", "paris", "web")]

    assert _alerts("client.os_name", ["user.id"], *trips) == 1


def test_a_combination_is_new_though_each_part_is_known() -> None:
    trips = [("ann", "paris", "mac"), ("ann", "lagos", "web"), ("ann", "paris", "web")]

    assert _alerts("user.id", ["source.country", "client.fingerprint"], *trips) == 2
