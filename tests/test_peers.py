"""Learned peers: who is one, when that changes, what is compared with them, what is printed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import kernel, peers
from detector.facts import Facts
from detector.ledger import Ledger
from detector.observations import ITEM, VAULT
from detector.people import Colleague, People
from detector.persons import Person
from detector.rule_types.paces import ALL, Pace, VolumeTail
from detector.rule_types.usual import usual_of
from detector.rulebook.loading import load
from detector.workhours import DAY_US
from tests import stories
from tests.stories import MONDAY, ROOT, Heard, Item, few, play, usage

TODAY = 100
NOW = TODAY * DAY_US
RULE = """
title: A rare app
name: rare
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9d05
status: stable
level: low
behavior:
    type: rare_value
    rules: [op_secret_taken]
    fields: [client.app_name]
    among: peers
    peers: {peers}
    rare-below: 0.15
    least: 5
"""


def _facts(uses: Iterable[tuple[str, str]], day: int = TODAY) -> Facts:
    """People by the vaults that they used last on a day."""
    ledger = Ledger()
    for name, vault in dict.fromkeys(uses):
        ledger.add(name, VAULT, vault, (0, 0, day))
        ledger.add(name, ITEM, f"item of {vault}", (0, 0, day))
    return Facts(ledger=ledger)


def _team(people: Iterable[int], *vaults: str) -> list[tuple[str, str]]:
    return [(f"p{number:02}", vault) for number in people for vault in vaults]


def test_peers_are_who_use_the_same_vaults() -> None:
    uses = [*_team(range(8), "code", "servers"), *_team(range(8, 16), "payroll", "contracts")]
    found = peers.learned(_facts(uses), NOW)

    assert set(found["p03"]) == {f"p{number:02}" for number in range(8)} - {"p03"}
    assert set(found["p10"]) == {f"p{number:02}" for number in range(8, 16)} - {"p10"}


@pytest.mark.parametrize(
    "uses",
    [
        [],
        _team(range(30), "everybody's", "everybody's too"),  # says nothing about anybody's work
        [*_team(range(5), "code", "servers"), *_team(range(5, 20), "a", "b")][:10],  # four peers
        _team(range(8), "code"),  # one vault is no work
        [*_team(range(8), "all"), *((f"p{n:02}", f"own {n}") for n in range(8))],
    ],
)
def test_of_too_little_nobody_is_a_peer(uses: list[tuple[str, str]]) -> None:
    assert peers.learned(_facts(uses), NOW) == {}


def test_what_was_used_long_ago_makes_no_peers() -> None:
    uses = [*_team(range(8), "code", "servers"), *_team(range(8, 16), "payroll", "contracts")]

    assert peers.learned(_facts(uses, TODAY - 30), NOW)
    assert not peers.learned(_facts(uses, TODAY - 31), NOW)


uses = st.lists(
    st.tuples(st.integers(0, 30).map("p{:02}".format), st.sampled_from("abcdefgh")), max_size=160
)


@few
@given(uses, st.randoms(use_true_random=False))
def test_the_same_facts_make_the_same_peers_in_whatever_order(
    shown: list[tuple[str, str]], chance: object
) -> None:
    mixed = list(dict.fromkeys(shown))
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    found = peers.learned(_facts(shown), NOW)

    assert peers.learned(_facts(mixed), NOW) == found
    for name, alike in found.items():
        assert peers.LEAST_PEERS <= len(alike) <= peers.MOST_PEERS
        assert name not in alike
        assert len(set(alike)) == len(alike)
        mine = {vault for who, vault in shown if who == name}
        assert all(mine & {vault for who, vault in shown if who == peer} for peer in alike)


def test_the_most_alike_come_first_and_the_rest_by_name() -> None:
    """Three of thirty also share a third vault; they are nearer than those before them by name."""
    near = _team((21, 22, 23), "third")
    crowd = [*_team(range(24), "one", "two"), *near, *_team(range(24, 50), "x", "y")]
    found = peers.learned(_facts(crowd), NOW)

    assert found["p21"][:2] == ["p22", "p23"]
    assert found["p21"][2:] == [f"p{number:02}" for number in range(peers.MOST_PEERS - 2)]


def test_a_flood_of_vaults_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vaults of the fewest come first, until so many pairs have been looked at."""
    small = [*_team(range(6), "code", "servers"), *_team(range(6, 20), "x")]
    crowd = [*small, *_team(range(20), "big", "bigger")]
    monkeypatch.setattr(peers, "MOST_PAIRS", 40)
    found = peers.learned(_facts(crowd), NOW)

    assert set(found) == {f"p{number:02}" for number in range(6)}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.booleans()), max_size=60))
def test_a_ledger_finds_the_facts_of_a_person(steps: list[tuple[int, int, bool]]) -> None:
    """Whatever was added and dropped, and whenever it was asked."""
    ledger, known = Ledger(), dict[tuple[str, str], int]()
    for who, what, drops in steps:
        key = (f"p{who}", f"v{what}")
        if drops:
            ledger.drop(key[0], VAULT, key[1])
            known.pop(key, None)
        elif key not in known:
            ledger.add(key[0], VAULT, key[1], (NOW, 0, TODAY))
            known[key] = 1
        mine = {value: days for (name, value), days in known.items() if name == key[0]}
        assert ledger.days_of(key[0], VAULT) == mine
        assert {value for _, value, _ in ledger.of(key[0], VAULT)} == set(mine)
        assert ledger.days_of(key[0], ITEM) == {}


def test_in_a_large_company_the_same_pairs_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = [*_team(range(20), "one", "two"), *_team(range(10, 40), "x", "y"), *_team((3, 4), "z")]
    found = peers.learned(_facts(crowd), NOW)
    monkeypatch.setattr(peers, "MOST_CELLS", 0)

    assert len(found) == 40
    assert peers.learned(_facts(crowd), NOW) == found


@cache
def _plan(asked: str = "learned", group: str | None = None) -> kernel.Plan:
    base = (ROOT / "rules/base/items.yml").read_text()
    loaded = load({"base.yml": base, "mine.yml": RULE.format(peers=asked)})
    assert not loaded.mistakes
    stated = [Colleague(f"p{number:02}@acme.example", group=group) for number in range(16)]
    return kernel.Plan(loaded.rulebook, people=People(tuple(stated)) if group else People())


def _take(who: str, vault: str, day: float, client: str = "mac") -> Item:
    when = MONDAY + timedelta(days=day, seconds=sum(map(ord, who + vault)))
    return usage(who, "paris", when, vault=vault, client=client, action="reveal")


def _teams(day: float, clerks: str = "mac") -> list[Item]:
    """Eight developers, who have Macs, and eight clerks, each with the vaults of their work."""
    items = [_take(who, vault, day) for who, vault in _team(range(8), "code", "servers")]
    work = _team(range(8, 16), "payroll", "contracts")
    return [*items, *(_take(who, vault, day, clerks) for who, vault in work)]


def _in_order(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda each: each.time)


def _rare(plan: kernel.Plan, *more: Item) -> Heard:
    items = _in_order([*_teams(0.3, "web"), *_teams(1.3, "web"), *_teams(2.3, "web"), *more])
    return play(stories.engine(plan), items)


def test_a_value_is_rare_among_colleagues_who_use_the_same_vaults() -> None:
    """Half of all people use the web app, but no developer; a clerk who does is one of many."""
    found = _rare(_plan(), _take("p03", "code", 4.5, "web"), _take("p11", "payroll", 4.6, "web"))
    (alert,) = found.of("rare")

    assert alert.subject.id == "P03"
    assert alert.summary.endswith("it was seen by 0 of 7 colleagues who use the same vaults")


def test_stated_groups_come_before_learned_ones() -> None:
    odd = _take("p03", "code", 4.5, "web")
    (stated,) = _rare(_plan(group="it"), _take("p03", "code", 4.5, "phone")).of("rare")

    assert not _rare(_plan(group="it"), odd).of("rare")
    assert stated.evidence["among"] == "peers"
    assert not _rare(_plan("stated"), odd).of("rare")


def test_who_has_no_peers_is_not_compared_with_everybody() -> None:
    """A bound for a few colleagues would make most of what a large company uses rare."""
    alone = [_take("p20", "attic", day) for day in (0.3, 1.3)]
    odd = _take("p20", "attic", 4.5, "phone")

    assert not _rare(_plan(), *alone, odd).of("rare")
    assert _rare(_plan(), _take("p03", "code", 4.5, "phone")).of("rare")


def test_peers_change_at_midnight_only_and_a_restart_knows_them() -> None:
    state = stories.engine(_plan())
    play(state, _in_order(_teams(0.3)))
    assert state.memory.facts.peers == {}
    play(state, _in_order(_teams(1.3)))
    known = dict(state.memory.facts.peers)
    assert len(known) == 16
    play(state, [_take("p03", vault, 1.5) for vault in ("payroll", "contracts", "x", "y", "z")])
    assert state.memory.facts.peers == known
    kernel.tick(state, MONDAY + timedelta(days=2))

    assert state.memory.facts.peers != known
    assert stories.copy(state).memory.facts.peers == state.memory.facts.peers
    state.memory.facts.reset("P04")
    assert "P04" not in state.memory.facts.peers


def test_where_no_rule_asks_nobody_learns_peers() -> None:
    state = stories.engine(_plan("stated"))
    play(state, _in_order([*_teams(0.3), *_teams(1.3)]))

    assert state.memory.facts.peers == {}


@pytest.mark.parametrize(
    ("alike", "group", "whose"),
    [
        (6, "", ("", 6)),
        (6, "work", ("work", 0)),  # what people.yml states comes first
        (4, "", (ALL, 0)),  # too few
        (0, "", (ALL, 0)),
    ],
)
def test_how_much_is_usual_is_that_of_the_group_or_of_peers_or_of_everybody(
    alike: int, group: str, whose: tuple[str, int]
) -> None:
    """The peers take twenty a day, all others two."""
    names = [f"P{number}" for number in range(20)]
    people = {name: Person(0, NOW, days=60) for name in names}
    facts = Facts(people=people, peers={"P0": names[1 : 1 + alike]})
    tail = VolumeTail(closed=TODAY)
    for place, name in enumerate(names):
        count = 20 if 1 <= place <= 6 else 2
        tail.people[name] = Pace(group=group, days=dict.fromkeys(range(60, TODAY), count))
    usual = usual_of(facts, tail, "P0", TODAY, learned=True)

    assert (usual.group, usual.alike) == whose
    assert (usual.everybody > 10) == bool(whose[1])
    assert usual_of(facts, tail, "P0", TODAY).alike == 0
