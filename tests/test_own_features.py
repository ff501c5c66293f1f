"""Features that an analyst declares by field names: checked, measured against the past, and told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from detector import kernel, plans, snapshots
from detector.anomaly import artefact, channel, model, tally
from detector.anomaly.declaration import FEATURES, Declaration
from detector.anomaly.hours import Hours
from detector.anomaly.judging import Seen
from detector.anomaly.model import Model
from detector.facts import Facts
from detector.observations import COUNTRY
from detector.plans import Texts
from detector.workhours import DAY_US
from tests import stories
from tests.stories import MONDAY, ROOT, Item, audit, few, in_order, page, sign_in, usage

OWN: list[Any] = [
    {"rarity": "client.platform_name", "words": "worked on"},
    {"count": "item.id", "where": {"event.action": ["reveal", "secure-copy"]}, "name": "reveals"},
]
WHO = ("ann", "ben", "cleo")
Row = tuple[str, int, tuple[float, ...]]


def _declared(*own: Any) -> Declaration:
    """The shipped model with further features; it says nothing unless a test asks."""
    return stories.declaration(features=[*FEATURES, *own])


@cache
def _learned() -> bytes:
    """Three people after three weeks of work, each of whom reveals two known items a day."""
    state = stories.engine(kernel.Plan(stories.rulebook(), _declared(*OWN)))
    work = [
        item
        for day in range(-21, 0)
        for shift, who in enumerate(WHO)
        for item in _workday(who, MONDAY + timedelta(days=day, hours=8, minutes=7 * shift))
    ]
    stories.play(state, in_order(work))
    return snapshots.dump(state)


def _workday(who: str, start: Any) -> list[Item]:
    return [
        sign_in(who, "paris", start),
        *(
            usage(
                who, "paris", start + timedelta(minutes=50 * n), item=f"i{n % 3}", action="reveal"
            )
            for n in range(6)
        ),
    ]


def _engine(declaration: Declaration) -> kernel.State:
    memory, tails, _ = snapshots.load(_learned()) or (None, None, None)
    assert memory is not None
    state = kernel.State(memory, kernel.Plan(stories.rulebook(), declaration))
    snapshots.attach(state, tails)
    return state


@cache
def _trained() -> Model:
    declaration = _declared(*OWN)
    made = model.train(channel.training_rows(_engine(declaration).memory.channel), declaration)
    assert made is not None
    return made


def _rows(items: Sequence[Item], cuts: Sequence[int] = (), own: Sequence[Any] = OWN) -> list[Row]:
    """What the channel looks at while the people go on with these items."""
    found: list[Row] = []

    def witness(_facts: Facts, hours: Hours, seen: Seen) -> None:
        names = list(hours.lines)
        for step in seen.steps:
            for line, row in zip(step.lines.tolist(), tally.features(step.numbers), strict=True):
                found.append((names[line], step.clock, tuple(row.tolist())))

    state = _engine(_declared(*own))
    kernel.adopt(state, _trained())
    kernel.tick(state, MONDAY + timedelta(hours=1))
    # What alerts is not learned, which is another matter.
    state.memory.channel.threshold = float("inf")
    state.witness = witness
    edges = sorted({0, len(items), *(cut for cut in cuts if 0 < cut < len(items))})
    for start, end in pairwise(edges):
        kernel.detect(state, *page(items[start:end]))
    kernel.tick(state, MONDAY + timedelta(days=2))
    return found


def _last(items: Sequence[Item], own: Sequence[Any] = OWN) -> list[float]:
    """The declared features of the last row."""
    return list(_rows(items, own=own)[-1][2][len(FEATURES) :])


def test_a_value_that_is_new_for_the_person_is_rare() -> None:
    usual, _ = _last([sign_in("ann", "paris", "9:00")])
    other, _ = _last([sign_in("ann", "paris", "9:00", client="phone")])

    assert usual < 0.5
    assert other > 3


def test_only_events_that_are_asked_for_are_counted_and_each_value_once() -> None:
    fills = [usage("ann", "paris", f"9:{n:02}", item=f"x{n}") for n in range(9)]
    same = [usage("ann", "paris", f"9:{n:02}", item="i1", action="reveal") for n in range(9)]
    many = [usage("ann", "paris", f"9:{n:02}", item=f"x{n}", action="reveal") for n in range(9)]

    assert _last(fills)[1] == _last(same)[1] == 0
    assert _last(many)[1] > 1


def test_a_feature_that_was_just_declared_says_nothing_yet() -> None:
    late = {"rarity": ["source.city", "client.os_name"]}
    items = [sign_in("ann", "lagos", "9:00")]

    first, _, new = _last(items, [*OWN, late])
    assert first < 0.5
    assert np.isnan(new)


@st.composite
def doings(draw: st.DrawFn) -> list[Item]:
    """A few things that these people do on one morning."""
    made = []
    for _ in range(draw(st.integers(1, 12))):
        who, minute = draw(st.sampled_from(WHO)), draw(st.integers(0, 150))
        at, client = (
            MONDAY + timedelta(hours=8, minutes=minute),
            draw(st.sampled_from(("mac", "web"))),
        )
        item = f"i{draw(st.integers(0, 9))}"
        made.append(usage(who, "paris", at, item=item, client=client, action="reveal"))
    return in_order(made)


@few
@given(items=doings(), cuts=st.lists(st.integers(1, 12), max_size=4))
def test_they_are_the_same_however_the_day_is_cut_into_pages(
    items: list[Item], cuts: list[int]
) -> None:
    assert _rows(items) == _rows(items, cuts)


@few
@given(items=doings(), upto=st.integers(1, 12))
def test_what_comes_later_changes_no_row(items: list[Item], upto: int) -> None:
    newest = max(item.time for item in items[:upto])
    seen = [row for row in _rows(items[:upto]) if row[1] <= newest.timestamp() * 1e6 // 3e8 * 3e8]

    assert _rows(items)[: len(seen)] == seen


def test_what_an_hour_shows_is_known_in_the_next_one_and_not_before() -> None:
    items = [
        sign_in("ann", "paris", f"{hour}:{n}0", client="phone") for hour in (9, 10) for n in (0, 3)
    ]
    rare = [row[2][len(FEATURES)] for row in _rows(items)]

    assert rare[0] == rare[1] > rare[2] == rare[3]


LATELY: dict[str, Any] = {"rarity": "source.country"}
"""What is also built in: both must know the same of the countries that are new."""
PLACES = ("paris", "lagos", "tokyo")


def _known(state: kernel.State) -> tuple[set[Any], set[Any]]:
    """What is known of new countries: as declared, and as built in."""
    memory = state.memory
    declared = {
        (
            who,
            value.split("\x1f")[1],
            *(int(line[name]) for name in ("days", "first_seq", "last_day")),
        )
        for who in map(str.upper, WHO)
        for _, value, line in memory.channel.own.ledger.of(who)
    }
    built_in = {
        (who, value, *(int(line[name]) for name in ("days", "first_seq", "last_day")))
        for who in map(str.upper, WHO)
        for _, value, line in memory.facts.ledger.of(who, COUNTRY)
    }
    return {each for each in declared if each[1] in {"NG", "JP"}}, {
        each for each in built_in if each[1] != "FR"
    }


@st.composite
def weeks(draw: st.DrawFn) -> list[tuple[Item | None, bool]]:
    """Some weeks of Ann and Ben abroad, and when an alert (a high one?) names all that was before."""
    hours = draw(st.lists(st.integers(0, 40 * 24), min_size=1, max_size=14, unique=True))
    made: list[tuple[Item | None, bool]] = []
    for hour in sorted(hours):
        who, place = draw(st.sampled_from(("ann", "ben"))), draw(st.sampled_from(PLACES))
        at, deed = MONDAY + timedelta(hours=hour, minutes=7), draw(st.integers(0, 5))
        export = audit(who, place, at, deed="export vault")
        made.append((export if deed == 0 else usage(who, place, at), False))
        if draw(st.integers(0, 3)) == 0:
            made.append((None, draw(st.booleans())))
    return made


def _suspect(state: kernel.State, *, high: bool) -> None:
    """An alert about Ann names every event by now, as a rule may that looks back."""
    memory = state.memory
    seqs = range(440, memory.seq + 1)
    memory.facts.suspect("ANN", until=memory.clock + DAY_US, seqs=seqs, high=high)


@few
@given(doings=weeks())
def test_what_is_declared_is_learned_guarded_and_withdrawn_as_what_is_built_in(
    doings: list[tuple[Item | None, bool]],
) -> None:
    state = _engine(_declared(LATELY))
    for item, high in doings:
        if item is None:
            _suspect(state, high=high)
        else:
            stories.play(state, [item])
            kernel.tick(state, item.time + timedelta(hours=1))
        declared, built_in = _known(state)
        assert declared == built_in


def test_a_value_is_withdrawn_when_an_alert_names_later_what_taught_it() -> None:
    state = _engine(_declared(LATELY))
    stories.play(state, [usage("ann", "lagos", "9:10")])
    kernel.tick(state, stories.at("10:00"))
    [(who, value, *_)] = _known(state)[0]
    assert (who, value) == ("ANN", "NG")
    _suspect(state, high=False)
    kernel.tick(state, stories.at("11:00"))
    assert _known(state)[0] == set()
    for day in (2, 3):
        stories.play(state, [usage("ann", "lagos", f"{day} 9:10")])
        kernel.tick(state, stories.at(f"{day} 10:00"))
    assert _known(state)[0] == set()
    stories.play(state, [usage("ann", "lagos", "16 9:10")])
    kernel.tick(state, stories.at("16 10:00"))
    assert len(_known(state)[0]) == 1


@few
@given(doings=weeks(), cuts=st.lists(st.integers(1, 14), max_size=4))
def test_what_is_known_of_them_is_the_same_however_the_weeks_are_cut_into_pages(
    doings: list[tuple[Item | None, bool]], cuts: list[int]
) -> None:
    items = [item for item, _ in doings if item is not None]

    def played(edges: Sequence[int]) -> tuple[set[Any], set[Any], dict[str, Any]]:
        state = _engine(_declared(LATELY))
        kernel.tick(state, MONDAY)
        for start, end in pairwise(edges):
            kernel.detect(state, *page(items[start:end]))
        kernel.tick(state, MONDAY + timedelta(days=42))
        guards = {name: person.guards for name, person in state.memory.facts.people.items()}
        return *_known(state), guards

    inside = {cut for cut in cuts if cut < len(items)}
    assert played(sorted({0, len(items)})) == played(sorted({0, len(items)} | inside))


def test_an_alert_says_what_was_rare_in_the_words_of_the_declaration() -> None:
    declaration = _declared(*OWN)
    state = _engine(declaration)
    only = [FEATURES.index("hour"), len(FEATURES), len(FEATURES) + 1]
    narrow = declaration.model_copy(update={"features": ("hour", *declaration.own)})
    trained = model.train(channel.training_rows(state.memory.channel), narrow)
    assert trained is not None
    assert trained.columns.tolist() == only
    state = _engine(narrow)
    kernel.adopt(state, trained)
    state.memory.channel.threshold = 4.0
    items = [
        sign_in("ann", "paris", "9:00", client="phone"),
        *(usage("ann", "paris", f"9:{n:02}", item=f"x{n}", action="reveal") for n in range(1, 50)),
    ]
    heard = stories.play(state, in_order([*items, sign_in("ben", "paris", "9:59")]))
    kernel.tick(state, MONDAY + timedelta(hours=11))
    told = " ".join(line for alert in heard.of("isolation_forest") for line in alert.why)

    assert "worked on iPhone: never before; 0 of 2 colleagues did" in told
    assert "reveals" not in told
    assert "different values of item.id in the hour, more than usual" in told


def test_kept_hours_outlive_another_declaration_and_the_model_does_not() -> None:
    declaration = _declared(*OWN)
    state = _engine(declaration)
    before = channel.training_rows(state.memory.channel)
    kernel.adopt(state, _trained())
    fewer = kernel.reconfigure(state, kernel.Plan(stories.rulebook(), _declared(OWN[1])))
    after = channel.training_rows(fewer.memory.channel)

    assert fewer.model is None
    assert kernel.training_due(fewer)
    np.testing.assert_array_equal(after, np.delete(before, len(FEATURES), axis=1))
    more = kernel.reconfigure(fewer, kernel.Plan(stories.rulebook(), _declared(*OWN)))
    rows = channel.training_rows(more.memory.channel)
    assert np.isnan(rows[:, len(FEATURES)]).all()
    again = model.train(rows, _declared(*OWN))
    assert again is not None
    assert again.features == (*FEATURES, "reveals")


def test_a_model_of_other_declared_features_is_not_adopted() -> None:
    state = _engine(_declared(*OWN))
    less = kernel.reconfigure(state, kernel.Plan(stories.rulebook(), _declared()))
    kernel.adopt(less, artefact.load(artefact.dump(_trained())))

    assert less.model is None
    assert kernel.training_due(less)


SHIPPED = (ROOT / "models/isolation_forest.yaml").read_text()


def _mistake(entry: str) -> str:
    """What `check` says of the shipped file with one more line of features."""
    text = SHIPPED.replace("    - country ", f"    - {entry}\n    - country ")
    built = plans.build(Texts(models={"m.yaml": text}), date(2026, 3, 2))
    line = next(
        n for n, each in enumerate(text.splitlines(), 1) if each.startswith(f"    - {entry}")
    )
    (found,) = built.mistakes
    assert (found.line, found.column > 5) == (line, True)
    return str(found)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{rarity: client.ap_name}", "no field 'client.ap_name'; did you mean 'client.app_name'?"),
        ("{count: item.id, wher: {event.action: fill}}", "did you mean 'where'?"),
        ("{count: item.id, where: {event.acton: fill}}", "did you mean 'event.action'?"),
        ("{rareness: item.id}", "neither a feature's name nor a mapping with 'rarity' or 'count'"),
        ("contry", "there is no 'contry'; did you mean 'country'?"),
        ("{rarity: item.id, name: Item}", "name: "),
        ("{rarity: []}", "rarity: is empty"),
        ("7", "neither a feature's name"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_nearest_word(entry: str, said: str) -> None:
    assert said in _mistake(entry)


def test_two_features_of_one_name_are_a_mistake() -> None:
    text = SHIPPED.replace("    - country ", "    - {rarity: item.id, name: deed}\n    - country ")
    built = plans.build(Texts(models={"m.yaml": text}), date(2026, 3, 2))

    assert "two features are called 'deed'" in str(built.mistakes[0])


def test_raw_names_mean_the_same_as_columns() -> None:
    one, other = (
        Declaration.model_validate(yaml.safe_load(SHIPPED) | {"features": ["hour", each]})
        for each in ({"rarity": "client.app_name"}, {"rarity": ["client.app_name"]})
    )

    assert one.own[0].identity == other.own[0].identity
    assert model.declared(one) == model.declared(other)
