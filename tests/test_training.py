"""The life of a model: trained beside the polling, adopted in the log, refused, rolled back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from detector import accounts, changes, jobs
from detector.anomaly import artefact
from detector.changes.models import Adopt, Train
from detector.cli.main import run
from detector.jobs import training
from detector.plans import Texts
from detector.store.sqlite import Sqlite
from tests.fakes import Clock, ScriptedSource, close, open_desk, shipped_texts
from tests.stories import at, audit, usage
from tests.test_crash import history, model_text

START, NOON = at("0:00"), at("12:00")


class Later(Executor):
    """A trainer that does nothing until it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Put the work on the pile."""
        future: Future[Any] = Future()
        self.waiting.append((future, partial(fn, *args, **kwargs)))
        return future

    def work(self) -> None:
        """Do what waits."""
        for future, task in self.waiting:
            future.set_result(task())
        self.waiting = []


class Broken(Executor):
    """A trainer that fails."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Fail."""
        future: Future[Any] = Future()
        future.set_exception(MemoryError("too little"))
        return future


def texts(*lines: str) -> Texts:
    """Some rules and a small model; `lines` replace those that begin alike."""
    ((name, text),) = model_text().items()
    keys = tuple(line.partition(":")[0] + ":" for line in lines)
    kept = [line for line in text.splitlines() if not line.startswith(keys or ("\0",))]
    return shipped_texts(models={name: "\n".join([*kept, *lines, ""])})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def source() -> ScriptedSource:
    return ScriptedSource(history(), size=160)


@pytest.fixture
def desk(folder: Path, source: ScriptedSource) -> Iterator[jobs.Desk]:
    """A desk whose account has learned three weeks, and is due for its first training."""
    opened = open_desk(folder, START, texts=texts())
    opened.trainer = Later()
    jobs.poll(opened, source, Clock(START))
    yield opened
    close(opened)


def again(desk: jobs.Desk, folder: Path, now: Any = NOON, **more: Any) -> jobs.Desk:
    """The desk after a restart."""
    close(desk)
    desk.store = Sqlite(folder)
    account = accounts.restore(desk.store, "acme", span=desk.account.span)
    return jobs.Desk(account, desk.store, **more)


def trained(desk: jobs.Desk) -> str:
    """Let a training end and be adopted; the id of the model."""
    assert isinstance(desk.trainer, Later)
    desk.trainer.work()
    jobs.train(desk, NOON)
    assert desk.account.state.model is not None
    return desk.account.state.model.id


def test_polling_goes_on_while_a_model_is_trained(desk: jobs.Desk, source: ScriptedSource) -> None:
    assert desk.training is not None
    source.add([usage("ann", "paris", "9:00")])
    seen = jobs.poll(desk, source, Clock(NOON))

    assert seen.events == 1
    assert desk.account.state.model is None
    before = desk.account.state.memory.seq
    model = trained(desk)
    (control,) = desk.store.log.controls("acme", kind=accounts.MODEL)
    assert (control.seq, control.body.decode()) == (before + 1, model)
    assert desk.account.state.memory.channel.model_id == model


def test_a_training_under_way_is_not_begun_again(desk: jobs.Desk) -> None:
    assert isinstance(desk.trainer, Later)
    for _ in range(3):
        jobs.train(desk, NOON + timedelta(days=1))

    assert len(desk.trainer.waiting) == 1


def test_what_is_learned_meanwhile_is_no_part_of_the_training(
    desk: jobs.Desk, folder: Path, source: ScriptedSource
) -> None:
    later = [usage("ann", "lagos", f"{day} 9:00", item="x") for day in range(3)]
    source.add(later)
    assert jobs.poll(desk, source, Clock(at("3 12:00"))).events == 3
    model = trained(desk)
    other = open_desk(folder / "other", START, texts=texts())
    jobs.poll(other, ScriptedSource(history(), size=97), Clock(START))

    assert other.account.state.model is not None
    assert other.account.state.model.id == model
    close(other)


def test_a_training_that_fails_is_told_and_tried_again_an_hour_later(desk: jobs.Desk) -> None:
    desk.training, desk.trainer = None, Broken()
    desk.train_after = START
    with capture_logs() as logs:
        jobs.train(desk, START)
        jobs.train(desk, START + timedelta(minutes=59))
        jobs.train(desk, START + timedelta(minutes=60))

    errors = [each for each in logs if each["log_level"] == "error"]
    assert len(errors) == 2
    assert "the rules go on" in errors[0]["event"]


def test_other_features_in_the_declaration_mean_a_new_training(
    desk: jobs.Desk, folder: Path
) -> None:
    first = trained(desk)
    close(desk)
    changed = open_desk(folder, NOON, texts=texts("seed: 5"))
    jobs.train(changed, NOON)

    assert changed.account.state.model is not None
    assert changed.account.state.model.id != first
    made = changed.account.state.model
    jobs.train(changed, NOON + timedelta(days=1))
    assert changed.account.state.model is made
    close(changed)


SPOILED = {
    "missing": ("DELETE FROM model", "is not in the store"),
    "cut short": ("UPDATE model SET body = substr(body, 1, 900)", "damaged"),
    "overwritten": ("UPDATE model SET body = x'00'", "damaged"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_model_that_cannot_be_used_is_refused_and_the_rules_go_on(
    desk: jobs.Desk, folder: Path, source: ScriptedSource, how: str
) -> None:
    spoil, why = SPOILED[how]
    first = trained(desk)
    jobs.keep_state(desk, NOON)
    with desk.store._database.transaction() as sql:
        sql.execute(spoil)

    opened = again(desk, folder)

    assert opened.account.state.model is None
    assert first in opened.account.refused
    assert why in opened.account.refused
    source.add([audit("ann", "lagos", "13:00", deed="export vault")])
    polled = jobs.poll(opened, source, Clock(at("14:00")))
    assert [alert.rule.name for alert in polled.alerts] == ["op_vault_exported"]
    # A new one was trained at once, and is at work.
    assert opened.account.state.model is not None
    assert opened.account.refused == ""
    close(opened)


def test_a_model_in_another_ones_place_is_refused(desk: jobs.Desk, folder: Path) -> None:
    first = trained(desk)
    with desk.store._database.transaction() as sql:
        sql.execute("UPDATE model SET id = 'abc'")

    assert "in its place is" in accounts.usable(desk.store, "abc")[1]
    assert accounts.usable(desk.store, first)[0] is None


def test_going_back_uses_the_model_before_and_is_an_entry_of_the_log(
    desk: jobs.Desk, folder: Path
) -> None:
    first = trained(desk)
    declaration = desk.account.state.declaration
    assert declaration is not None
    desk.account.state.plan = replace(
        desk.account.state.plan, declaration=declaration.model_copy(update={"seed": 9})
    )
    office = changes.Office(desk.store, NOON, lambda _: desk)
    desk.trainer = jobs.AtOnce()
    second = Train("acme").carry_out(office)["model"]

    done = Adopt("acme").carry_out(office)
    assert (done["model"], done["before"]) == (first, second)
    assert Adopt("acme", second[:6]).carry_out(office)["model"] == second
    assert Adopt("acme").carry_out(office)["model"] == first
    assert len(desk.store.log.controls("acme", kind=accounts.ROLLBACK)) == 3
    reopened = again(desk, folder)
    assert reopened.account.state.model is not None
    assert reopened.account.state.model.id == first
    close(reopened)


def test_there_is_nothing_to_go_back_to_at_first(desk: jobs.Desk) -> None:
    office = changes.Office(desk.store, NOON, lambda _: desk)
    for asked in (Adopt("acme"), Adopt("acme", "ffff")):
        with pytest.raises(changes.ChangeRefused, match="no"):
            asked.carry_out(office)
    trained(desk)
    with pytest.raises(changes.ChangeRefused, match="no earlier model"):
        Adopt("acme").carry_out(office)


def test_the_service_trains_beside_and_says_so(desk: jobs.Desk) -> None:
    office = changes.Office(desk.store, NOON, lambda _: desk)

    assert Train("acme").carry_out(office) == {
        "account": "acme",
        "training": "begun",
        "model": None,
    }


def test_too_few_hours_are_said_to_be_too_few(folder: Path) -> None:
    young = open_desk(folder, START, texts=texts())
    office = changes.Office(young.store, NOON, lambda _: young)

    with pytest.raises(changes.ChangeRefused, match="too few hours"):
        Train("acme").carry_out(office)
    close(young)


@pytest.fixture(autouse=True)
def logging() -> Iterator[None]:
    """What a command does to the log ends with the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def config(desk: jobs.Desk, folder: Path, tmp_path: Path) -> Path:
    """The configuration of an account whose model is trained, with nobody holding the lock."""
    trained(desk)
    desk.store.close()
    path = tmp_path / "vaultwatch.toml"
    path.write_text(f'[data]\ndirectory = "{folder}"\n', encoding="utf-8")
    return path


def test_the_command_shows_trains_and_goes_back(
    config: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*words: str) -> Any:
        assert run(["model", *words, "--config", str(config), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    status = asked("status", "--preview")
    assert status["model"]["people"] == 4
    assert status["model"]["hours"] > 200
    assert (status["refused"], len(status["models"])) == (None, 1)
    alerts = [each["alerts"] for each in status["preview"]]
    assert [each["budget"] for each in status["preview"]] == [0.5, 1.0, 2.0, 5.0]
    assert alerts == sorted(alerts)
    assert set(status["drift"]) == set(status["model"]["features"])
    assert asked("train")["training"] == "done"
    assert run(["model", "rollback", "--config", str(config)]) == 2
    assert "no earlier model" in capsys.readouterr().err
    assert run(["model", "status", "--config", str(config), "--preview"]) == 0
    shown = capsys.readouterr().out
    assert status["model"]["id"] in shown
    assert "budget a day" in shown


def test_status_says_why_a_model_is_refused(
    config: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Sqlite(folder)) as store, store._database.transaction() as sql:
        sql.execute("DELETE FROM model")

    assert run(["model", "status", "--config", str(config)]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "refused" in shown
    assert "is not in the store; the rules go on without a model" in shown


def test_the_artefact_in_the_store_is_the_model_at_work(desk: jobs.Desk) -> None:
    model = trained(desk)

    body = desk.store.model(model)
    assert body is not None
    assert artefact.load(body).id == model
    assert training.is_due(desk, NOON) is False
