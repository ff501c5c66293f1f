"""`vaultwatch facts`: what is known as sentences, and what people say about it in the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from detector import accounts, jobs, kernel
from detector.cli.main import run
from detector.corrections import Correction, How
from detector.observations import COUNTRY, KINDS
from tests import stories
from tests.fakes import SPAN, Clock, ScriptedSource, close, open_desk, shipped_texts
from tests.stories import at, audit, play, sign_in, usage
from tests.team import learned_engine


def say(state: kernel.State, how: How, kind: str = "country", value: str = "NG") -> None:
    seq = state.memory.seq
    kernel.correct(state, Correction.parse(Correction(how, "ANN", kind, value).dump()))
    assert state.memory.seq == seq + 1


def in_lagos(state: kernel.State, day: int) -> None:
    play(state, [usage("ann", "lagos", f"{day} 10:00")])
    kernel.tick(state, stories.at(f"{day} 12:00"))


def test_what_is_pinned_is_known_and_stays_so() -> None:
    state = learned_engine(with_model=False)
    say(state, How.PIN)
    assert state.memory.facts.days("ANN", COUNTRY, "NG") >= 3
    in_lagos(state, 1)
    kernel.tick(state, stories.at("120 0:00"))

    assert state.memory.facts.days("ANN", COUNTRY, "NG") >= 3
    assert not play(state, [sign_in("ann", "lagos", "120 10:00")]).of("op_new_country")


def test_what_is_rejected_is_forgotten_and_never_learned() -> None:
    state = learned_engine(with_model=False)
    in_lagos(state, 1)
    assert state.memory.facts.days("ANN", COUNTRY, "NG")
    say(state, How.REJECT)
    for day in (2, 3, 20):
        in_lagos(state, day)
    assert not state.memory.facts.days("ANN", COUNTRY, "NG")
    say(state, How.PIN)

    assert state.memory.facts.days("ANN", COUNTRY, "NG")


def test_who_is_reset_is_learned_anew() -> None:
    state = learned_engine(with_model=False)
    say(state, How.PIN)
    kernel.correct(state, Correction(How.RESET, "ANN"))
    assert not state.memory.facts.ledger.of("ANN")
    assert state.memory.facts.ledger.of("BEN")
    in_lagos(state, 1)

    assert {kind for kind, _, _ in state.memory.facts.ledger.of("ANN")} >= {COUNTRY}


def test_a_correction_outlives_a_restart() -> None:
    state = learned_engine(with_model=False)
    say(state, How.REJECT)
    again = stories.copy(state)
    for each in (state, again):
        in_lagos(each, 1)

    assert stories.written(state) == stories.written(again)
    assert not again.memory.facts.days("ANN", COUNTRY, "NG")


@pytest.fixture
def config(tmp_path: Path) -> str:
    """An account in which Ann is known."""
    desk = open_desk(tmp_path / "data", at("0:00"))
    work = [item for day in range(-3, 0) for item in
            (sign_in("ann", "paris", f"{day} 8:00"), audit("ann", "paris", f"{day} 8:05"))]  # fmt: skip
    jobs.poll(desk, ScriptedSource(work), Clock(at("0:30")))
    close(desk)
    path = tmp_path / "vaultwatch.toml"
    path.write_text(f'[data]\ndirectory = "{tmp_path}/data"\n')
    return str(path)


def test_facts_are_told_as_sentences(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["facts", "list", "--config", config]) == 0
    assert "0 of 1 people are warm; 1 will be: " in capsys.readouterr().out
    assert run(["facts", "show", "ann@acme.example", "--config", config]) == 0
    out = capsys.readouterr().out

    assert "Ann is known since 2026-02-27: 6 events on 3 days; local time is Europe/Paris." in out
    assert "place: Paris, France on 3 days" in out
    assert run(["facts", "memory", "--config", config]) == 0
    assert "facts: 1 entries, " in capsys.readouterr().out


def test_the_peers_of_a_person_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = shipped_texts().rules | {
        "rules/rare.yml": (stories.ROOT / "rules/rare.yml").read_text()
    }
    desk = open_desk(tmp_path / "data", at("0:00"), texts=shipped_texts(rules=rules))
    people = ["ann", "ben", "cleo", "dan", "eve", "fay", "gus", "hal"]
    work = [
        usage(who, "paris", f"{day} {8 + place}:0{number}", vault=vault)
        for day in range(-3, 0)
        for place, who in enumerate(people)
        for number, vault in enumerate(["code", "servers"] if who < "gus" else ["payroll", "till"])
    ]
    jobs.poll(desk, ScriptedSource(work), Clock(at("0:30")))
    close(desk)
    path = tmp_path / "vaultwatch.toml"
    path.write_text(f'[data]\ndirectory = "{tmp_path}/data"\n')

    assert run(["facts", "show", "ann@acme.example", "--config", str(path)]) == 0
    assert "peers: 5 who use the same vaults: Ben, Cleo, Dan, Eve, Fay." in capsys.readouterr().out
    assert run(["facts", "show", "gus@acme.example", "--json", "--config", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["peers"] == []


def test_facts_are_corrected_through_the_log(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["facts", "reject", "ann@acme.example", "country", "FR", "--config", config]) == 0
    assert run(["facts", "pin", "ANN", "country", "IT", "--config", config]) == 0
    capsys.readouterr()
    assert run(["facts", "show", "ANN", "--json", "--config", config]) == 0
    told = json.loads(capsys.readouterr().out)

    assert [each["value"] for each in told["facts"] if each["kind"] == "country"] == ["IT"]
    desk = open_desk(tmp_path / "data", at("1:00"))
    kinds = [control.kind for control in desk.store.log.controls("acme")]
    again = accounts.restore(desk.store, "acme", span=SPAN).state.memory
    close(desk)
    assert kinds.count("fact") == 2
    assert again.facts.rejected == {"ANN": {f"{KINDS.index('country')}:FR": None}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "nobody"], "nobody of that id or e-mail"),
        (["pin", "nobody", "country", "FR"], "nobody of that id or e-mail"),
        (["pin", "ANN", "colour", "red"], "kinds are country"),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_line(
    config: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["facts", *words, "--config", config]) == 2
    assert said in capsys.readouterr().err


def test_what_was_held_back_is_listed_with_its_rung(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = open_desk(tmp_path / "data", at("0:00"))
    trip = [sign_in("ann", "paris", "10:00"), sign_in("ann", "tokyo", "11:00")]
    jobs.poll(desk, ScriptedSource(trip), Clock(at("11:01")))
    close(desk)
    path = tmp_path / "vaultwatch.toml"
    path.write_text(f'[data]\ndirectory = "{tmp_path}/data"\n')

    assert run(["alerts", "list", "--suppressed", "--json", "--config", str(path)]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {each["rung"] for each in told} == {"learning"}
    assert all(each["margin"] > 0 for each in told)
    assert run(["alerts", "list", "--suppressed", "--config", str(path)]) == 0
    assert "op_impossible_travel" in capsys.readouterr().out
