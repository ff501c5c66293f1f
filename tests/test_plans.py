"""Plans: the texts that the log keeps, and every mistake in the files beside the rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from detector import accounts, jobs, plans
from detector.plans import Texts
from tests.fakes import Clock, ScriptedSource, close, open_desk, shipped_texts
from tests.stories import at, audit

TODAY = date(2026, 3, 2)
START = at("0:00")
THEFT = audit("ann", "lagos", "11:00", deed="export vault")


def test_texts_come_back_from_the_log_as_they_were() -> None:
    texts = replace(shipped_texts(), people={"people.yml": "people: []"}, timezone="Europe/Paris")

    again = Texts.parse(texts.dump())

    assert again == texts
    assert again.version == texts.version
    assert replace(texts, timezone="UTC").version != texts.version


@pytest.mark.parametrize(
    ("room", "text", "words"),
    [
        ("people", "people:\n  - email: a@x\n    timezone: Mars\n", "people.yml:3:15: people.0.timezone: 'Mars' is no IANA time zone"),
        ("people", "people:\n  - emial: a@x\n", "people.yml:2:5: people.0.email: Field required"),
        ("people", "people: [\n", "people.yml:2:1: not YAML"),
        ("people", "people: 2026-13-45\n", "people.yml:1:1: not YAML: month must be in 1..12"),
        ("people", "", "people.yml:1:1: the whole file"),
        ("networks", "networks:\n  - {name: a, kind: vpn, cidrs: [1.2.3.0/99]}\n", "networks.yml:2:"),
        ("networks", "networks:\n  - {name: a, kind: moon, cidrs: []}\n", "'moon' is no kind of network"),
        ("models", "title: x\n", "models.yml:1:1"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_the_rest_works(
    room: str, text: str, words: str
) -> None:
    texts = replace(shipped_texts(), **{room: {f"{room}.yml": text}})

    built = plans.build(texts, TODAY)

    assert any(words in str(mistake) for mistake in built.mistakes), built.mistakes
    assert built.plan.rulebook.rules


def test_a_second_model_is_a_mistake() -> None:
    text = Path("models/isolation_forest.yaml").read_text()

    built = plans.build(Texts(models={"a.yaml": text, "b.yaml": text}), TODAY)

    assert str(built.mistakes[0]).startswith("b.yaml:1:1: a second model")
    assert built.plan.declaration is not None


def test_rules_that_changed_take_effect_from_the_restart_on(tmp_path: Path) -> None:
    texts = shipped_texts()
    without = replace(
        texts, rules={name: text for name, text in texts.rules.items() if "exports" not in name}
    )
    source = ScriptedSource([THEFT])
    desk = open_desk(tmp_path, START, texts=without)
    assert jobs.poll(desk, source, Clock(at("12:00"))).alerts == ()
    close(desk)

    desk = open_desk(tmp_path, at("13:00"), texts=texts)
    source.add(
        [
            replace(
                THEFT,
                fields=THEFT.fields | {"uuid": "SECOND", "timestamp": at("13:30").isoformat()},
                time=at("13:30"),
            )
        ]
    )
    (alert,) = jobs.poll(desk, source, Clock(at("14:00"))).alerts

    assert alert.event_ids == ("SECOND",)
    adopted = desk.store.log.controls("acme", kind=accounts.PLAN)
    assert [each.at for each in adopted] == [START, at("13:00")]
    close(desk)
    desk = open_desk(tmp_path, at("15:00"), texts=texts)
    assert len(desk.store.log.controls("acme", kind=accounts.PLAN)) == 2
    close(desk)


def test_people_and_networks_that_changed_are_logged_too(tmp_path: Path) -> None:
    close(open_desk(tmp_path, START))
    texts = replace(
        shipped_texts(),
        people={"people.yml": "people:\n  - {email: ann@acme.example, timezone: Asia/Tokyo}\n"},
    )

    desk = open_desk(tmp_path, START, texts=texts)

    assert len(desk.store.log.controls("acme", kind=accounts.PLAN)) == 2
    assert desk.account.state.plan.people.find("ann@acme.example") is not None
    close(desk)


def test_tails_are_kept_where_a_rule_stays(tmp_path: Path) -> None:
    desk = open_desk(tmp_path, START)
    jobs.poll(desk, ScriptedSource([THEFT]), Clock(at("12:00")))
    before = dict(desk.account.state.tails.items())
    close(desk)

    desk = open_desk(tmp_path, at("13:00"), texts=replace(shipped_texts(), timezone="Europe/Paris"))

    assert len(desk.store.log.controls("acme", kind=accounts.PLAN)) == 2
    assert desk.account.state.tails == before
    close(desk)


EXCEPTION = """
title: Ann moves house
id: 11111111-2222-4333-8444-555555555555
logsource: {product: onepassword, service: auditevents}
filter:
    rules: [op_vault_exported]
    selection: {action: export}
    condition: not selection
expires: 2026-03-04
"""


def test_an_exception_ends_on_its_day_while_the_service_runs(tmp_path: Path) -> None:
    texts = shipped_texts()
    texts = replace(texts, rules=dict(texts.rules) | {"rules/moving.yml": EXCEPTION})
    desk, clock, source = (
        open_desk(tmp_path, START, texts=texts),
        Clock(at("12:00")),
        ScriptedSource([THEFT]),
    )
    assert jobs.poll(desk, source, clock).alerts == ()

    clock.time = at("2 12:00")
    again = THEFT.fields | {"uuid": "SECOND", "timestamp": at("2 11:00").isoformat()}
    source.add([replace(THEFT, fields=again, time=clock.time - timedelta(hours=1))])

    assert [alert.event_ids for alert in jobs.poll(desk, source, clock).alerts] == [("SECOND",)]
    close(desk)
