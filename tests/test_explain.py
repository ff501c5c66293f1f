"""Explanations: what the engine says of an event when its notes are open."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import kernel
from detector.cli.main import run
from detector.explaining import asking
from detector.explaining.explanation import Explanation, Verdict
from detector.sources import loose
from tests import stories
from tests.stories import Item, audit, engine, few, play, rulebook, sign_in, usage, written
from tests.team import learned_engine


def asked(state: kernel.State, item: Item, rule: str) -> Explanation:
    """The explanation of one item to a rule; the state takes the item in."""
    frame, _ = stories.page([item])
    found = state.rulebook.named(rule)
    assert found is not None
    return asking.explain(asking.judge(state, frame, item.raw), found)


def with_rules(*texts: str) -> kernel.State:
    """An engine with the shipped rules and these."""
    return engine(kernel.Plan(stories.shipped_with(*texts)))


def lines(found: Explanation) -> str:
    return "\n".join(line.text for part in found.parts for line in part.lines)


def export(time: str, who: str = "ann") -> Item:
    return audit(who, "paris", time, deed="export vault")


def test_a_match_names_the_field_that_decided() -> None:
    found = asked(engine(), audit("ann", "paris", "9:00", deed="view report"), "op_vault_exported")

    assert found.verdict is Verdict.UNCONCERNED
    assert "object_type is 'vault'" in found.because
    assert "'report'" in found.because


def test_a_match_opens_its_alert_and_the_next_one_joins_it() -> None:
    state = engine()

    first = asked(state, export("9:00"), "op_vault_exported")
    again = asked(state, export("9:05"), "op_vault_exported")

    assert (first.verdict, again.verdict) == (Verdict.OPENED, Verdict.JOINED)
    assert first.alert == again.alert
    assert "exporting a vault" in str(first.summary)


def test_an_exception_that_covers_the_event_is_named() -> None:
    found = asked(with_rules(stories.YEARLY_BACKUP), export("9:00"), "op_vault_exported")

    assert found.verdict is Verdict.UNCONCERNED
    assert found.because == "the exception 'The yearly backup' covers it"
    other = asked(with_rules(stories.YEARLY_BACKUP), export("9:00", who="bob"), "op_vault_exported")
    assert other.verdict is Verdict.OPENED
    assert "the exception 'The yearly backup' does not cover it" in lines(other)


def test_a_correlation_says_how_many_of_how_many_by_whom_and_since_when() -> None:
    state = with_rules(stories.THREE_EXPORTS)

    verdicts = [asked(state, export(f"9:0{minute}"), "three_exports") for minute in (0, 4, 8, 30)]

    assert [each.verdict for each in verdicts] == [
        Verdict.COUNTED, Verdict.COUNTED, Verdict.OPENED, Verdict.COUNTED,
    ]  # fmt: skip
    assert (
        "2 were counted within 10 minutes, and the rule asks for at least 3" in verdicts[1].because
    )
    assert "user.id ANN" in lines(verdicts[1])
    assert "begins with 2026-03-02 09:00:00 UTC" in lines(verdicts[1])
    gaps = [line.gap for part in verdicts[1].parts for line in part.lines if line.unit == "counted"]
    assert gaps == [-1]


def test_a_late_event_is_told_the_fullest_window_that_it_joins() -> None:
    state = with_rules(stories.THREE_EXPORTS)
    early, later = export("9:00"), export("9:08")
    for item in (early, later):
        asked(state, item, "three_exports")

    found = asked(state, export("9:04").after(later), "three_exports")

    assert found.verdict is Verdict.OPENED
    assert "it holds 3 events" in lines(found)


def test_what_lacks_a_group_is_told_so() -> None:
    state = with_rules(stories.THREE_EXPORTS)
    nobody = export("9:00")
    fields = {name: value for name, value in nobody.fields.items() if not name.startswith("actor")}

    found = asked(state, replace(nobody, fields=fields), "three_exports")

    assert found.verdict is Verdict.UNCONCERNED
    assert "it must say person" in found.because or "it must say user.id" in found.because


def test_travel_tells_the_numbers_and_the_rung() -> None:
    state = learned_engine()

    slow = asked(state, sign_in("ann", "brussels", "18:00"), "op_impossible_travel")
    fast = asked(state, sign_in("ann", "tokyo", "19:00"), "op_impossible_travel")

    assert slow.verdict is Verdict.USUAL
    assert "at least 500 km" in slow.because
    assert [line.gap for part in slow.parts for line in part.lines if line.unit == "km"]
    assert fast.verdict in {Verdict.OPENED, Verdict.HELD_BACK}
    assert "both-ends-familiar" in lines(fast)
    familiar = next(
        line for part in fast.parts for line in part.lines if "both-ends-familiar" in line.text
    )
    assert familiar.gap is not None
    assert familiar.gap < 0


def test_a_known_value_says_on_how_many_days_it_was_seen() -> None:
    state = learned_engine()

    found = asked(state, sign_in("ann", "paris", "18:00"), "op_new_country")

    assert found.verdict is Verdict.USUAL
    assert "days before" in found.because


def test_the_same_event_again_is_known_already() -> None:
    state, item = engine(), export("9:00")
    asked(state, item, "op_vault_exported")

    assert asked(state, item, "op_vault_exported").verdict is Verdict.DOUBLE


def test_what_happens_in_the_teaching_time_only_teaches() -> None:
    state = engine(teach_until=stories.at("1 0:00"))

    assert asked(state, export("9:00"), "op_vault_exported").verdict is Verdict.TAUGHT


@few
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob"]),
            st.sampled_from(sorted(stories.PLACES)),
            st.integers(0, 60 * 24 * 5),
            st.sampled_from(["in", "use", "audit", "export"]),
        ),
        max_size=12,
    )
)
def test_asking_changes_nothing(drawn: list[tuple[str, str, int, str]]) -> None:
    """The verdicts are what the engine does unasked, and its state is the same afterwards."""
    made = {"in": sign_in, "use": usage, "audit": audit}
    items = []
    for who, place, minute, kind in sorted(drawn, key=lambda each: each[2]):
        time = stories.MONDAY + stories.timedelta(minutes=minute)
        items.append(
            audit(who, place, time, deed="export vault")
            if kind == "export"
            else made[kind](who, place, time)
        )
    plain, open_notes = engine(), engine()
    heard = play(plain, items, range(len(items)))
    seen: dict[str, set[str]] = {}
    for item in items:
        frame, _ = stories.page([item])
        judged = asking.judge(open_notes, frame, item.raw)
        for rule in rulebook().rules.values():
            if not rule.raises:
                continue
            found = asking.explain(judged, rule)
            if found.alert is not None:
                seen.setdefault(rule.id, set()).add(found.alert)

    assert written(plain) == written(open_notes)
    alerts = [each for each in heard.alerts.values() if each.rule.id in rulebook().rules]
    assert {each.id for each in alerts} == set().union(*seen.values(), set())


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten people for ten days, as files."""
    folder = tmp_path_factory.mktemp("company")
    words = ["simulate", "--people", "10", "--days", "10", "--attacks", "0"]
    assert run([*words, "--start", "2026-03-02", "--out", str(folder)]) == 0
    return folder


def told(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["rules", "explain", *words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_command_finds_an_event_in_a_history(
    company: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert run(["backtest", "--from", str(company)]) == 0
    alert = next(
        each
        for each in map(json.loads, capsys.readouterr().out.splitlines())
        if each["rule"]["name"] == "op_new_device" and each["count"] == 1
    )

    (found,) = told(
        capsys, "op_new_device", "--event", alert["event_ids"][0], "--from", str(company)
    )

    assert found["verdict"] == Verdict.OPENED
    assert found["alert"] == alert["id"]
    assert found["summary"] == alert["summary"]
    assert run(["rules", "explain", "op_new_device", "--event", alert["event_ids"][0], "--from",
                str(company)]) == 0  # fmt: skip
    assert "The event opened an alert" in capsys.readouterr().out


def test_the_command_plays_the_events_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join([export("9:00").raw, sign_in("ann", "paris", "10:00").raw]))

    first, second = told(capsys, "op_vault_exported", "--event", str(file))

    assert first["verdict"] == Verdict.OPENED
    assert second["verdict"] == Verdict.UNCONCERNED


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "no events in it"),
        ("{torn", "events.ndjson:1: not a JSON object"),
        (
            '{"uuid": "E1", "colour": "red"}',
            "an item of no feed that is known; it has colour, uuid",
        ),
        ('{"uuid": "E1", "category": "success"}', "timestamp: missing or not a text"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    body: str, said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.ndjson").write_text(body)

    assert run(["rules", "explain", "op_vault_exported", "--event", "events.ndjson"]) == 2
    assert said in capsys.readouterr().err


def test_items_are_read_one_a_line_as_a_list_and_as_an_answer(tmp_path: Path) -> None:
    items = [export("9:00"), sign_in("ann", "paris", "10:00"), usage("ann", "paris", "11:00")]
    fields = [item.fields for item in items]
    feeds = []
    for body in (
        "\n".join(map(json.dumps, fields)),
        json.dumps(fields, indent=2),
        json.dumps({"cursor": "c", "has_more": False, "items": fields}),
    ):
        (tmp_path / "events.json").write_text(body)
        frame, raws = loose.read(tmp_path / "events.json")
        assert len(raws) == 3
        feeds.append(frame["event.feed"].to_list())

    assert feeds == [[item.feed for item in items]] * 3
    assert isinstance(frame["event.time"].dtype, pl.Datetime)


def test_hostile_texts_stay_on_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    item = export("9:00")
    item.fields["actor_details"]["name"] = "[red]Ann[/red]\x1b[31m\nThe event opened nothing"
    (tmp_path / "one.json").write_bytes(item.raw)

    assert run(["rules", "explain", "op_vault_exported", "--event", "one.json"]) == 0

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[red]Ann[/red]" in out
    assert not any(line.startswith("The event opened nothing") for line in out.splitlines())
