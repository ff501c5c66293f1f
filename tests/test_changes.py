"""Changes from the command line: through the door of the running service, or by the lock."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from detector import changes, jobs, settings
from detector.alerts import Status
from detector.changes import door
from detector.changes.alerts import Act
from detector.changes.outbox import Retry
from detector.delivery.commands import Verb
from detector.store.database import DirectoryInUse
from detector.store.sqlite import Sqlite
from tests.fakes import Clock, Mailbox, ScriptedSource, close, open_desk, round_
from tests.stories import at, audit

NOW = at("12:00")


def never(_: float) -> None:
    """A sleep that nobody needs."""
    raise AssertionError("there was nothing to wait for")


@pytest.fixture
def config(tmp_path: Path) -> settings.Settings:
    """A configuration whose data directory has one alert with one message."""
    desk = open_desk(tmp_path / "data", at("0:00"))
    theft = audit("ann", "lagos", "11:00", deed="export vault")
    jobs.poll(desk, ScriptedSource([theft]), Clock(NOW))
    jobs.decide(round_(desk.store, NOW), {"mailbox": Mailbox()})
    close(desk)
    return settings.Settings.model_validate({"data": {"directory": tmp_path / "data"}})


@contextmanager
def running(config: settings.Settings) -> Iterator[jobs.Desk]:
    """A service of this configuration, with its door open."""
    desk = open_desk(config.data.directory, NOW)

    def answer(body: bytes) -> bytes:
        return changes.answer(changes.Office(desk.store, NOW, lambda _: desk), body)

    try:
        with changes.opened(config.data.directory, answer):
            yield desk
    finally:
        close(desk)


def ack(config: settings.Settings, alert: str = "") -> dict[str, Any]:
    request = Act(Verb.ACK, alert, who="sam", note="mine; \n'quoted'")
    return changes.ask(config, request, NOW, never)


def stored(config: settings.Settings) -> tuple[str, list[Any]]:
    with closing(Sqlite(config.data.directory, write=False)) as store:
        (alert,) = store.alerts()
        said = store.journal.of(alert.id)
        return alert.status, [(each.at, each.who, each.how, each.what, each.note) for each in said]


ACKED = (Status.ACKNOWLEDGED, [(NOW, "sam", "cli", "acknowledged", "mine; 'quoted'")])


def test_without_a_service_the_command_is_the_writer(config: settings.Settings) -> None:
    done = ack(config)

    assert done["status"] == "acknowledged"
    assert stored(config) == ACKED


def test_a_running_service_makes_the_change(config: settings.Settings) -> None:
    with running(config):
        with pytest.raises(DirectoryInUse):
            Sqlite(config.data.directory)
        assert ack(config)["status"] == "acknowledged"
        assert stored(config) == ACKED
        assert changes.ask(config, Retry(), NOW, never) == {"retried": 1}


def test_only_the_owner_may_connect_and_nothing_is_left_behind(config: settings.Settings) -> None:
    place = config.data.directory / door.SOCKET
    with running(config):
        assert place.is_socket()
        assert place.stat().st_mode & 0o777 == 0o600
    assert not place.exists()


def test_the_door_of_a_service_that_was_killed_stands_in_nobodys_way(
    config: settings.Settings,
) -> None:
    place = config.data.directory / door.SOCKET
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))

    ack(config)
    with running(config):
        ack(config)

    assert stored(config) == ACKED


def test_a_service_that_is_starting_is_waited_for(config: settings.Settings) -> None:
    opened = running(config)
    desk = open_desk(config.data.directory, NOW)

    def and_then(_: float) -> None:
        close(desk)
        opened.__enter__()

    done = changes.ask(config, Retry(), NOW, and_then)
    opened.__exit__(None, None, None)

    assert done == {"retried": 1}


@pytest.mark.parametrize("served", [True, False])
def test_what_cannot_be_done_is_refused_in_words(config: settings.Settings, served: bool) -> None:
    with running(config) if served else nullcontext():
        with pytest.raises(changes.ChangeRefused) as refusal:
            ack(config, "zzz")
        assert str(refusal.value) == (
            "zzz: no alert of that id; 'vaultwatch alerts list' shows them"
        )


def say(config: settings.Settings, body: bytes) -> bytes:
    """What the door answers to any bytes at all."""
    with socket.socket(socket.AF_UNIX) as caller, door.address(config.data.directory) as place:
        caller.connect(place)
        with suppress(OSError):
            caller.sendall(body)
            caller.shutdown(socket.SHUT_WR)
        try:
            return door.receive(caller)
        except ConnectionResetError:
            return b""


def test_strange_callers_are_answered_and_harm_nobody(config: settings.Settings) -> None:
    with running(config):
        for body in (b"", b"\xff" * 9, b'{"type":"Drop"}', b'{"type":"Act","x":1}'):
            assert b"does not know this request" in say(config, body)
        assert say(config, b" " * (door.LARGEST + 1)) == b""
        silent = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for each in silent:
            each.connect(str(config.data.directory / door.SOCKET))
        ack(config)
        for each in silent:
            each.close()
    assert stored(config) == ACKED


def test_a_mistake_in_one_request_does_not_close_the_door(config: settings.Settings) -> None:
    def broken(_: bytes) -> bytes:
        raise ZeroDivisionError

    with changes.opened(config.data.directory, broken):
        for _ in range(2):
            with pytest.raises(changes.ChangeRefused, match="its log says why"):
                ack(config)


class Look(changes.Request, frozen=True):
    """How far an account is."""

    account: str

    def carry_out(self, office: changes.Office) -> dict[str, Any]:
        return {"seq": office.desk(self.account).account.state.memory.seq}


def test_an_account_is_at_work_also_where_no_service_runs(config: settings.Settings) -> None:
    assert changes.ask(config, Look("acme"), NOW, never) == {"seq": 3}
    with pytest.raises(changes.ChangeRefused, match="there are: acme"):
        changes.ask(config, Look("other"), NOW, never)


def test_a_long_path_is_no_obstacle(config: settings.Settings, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.parent.mkdir()
    config.data.directory.rename(deep)
    moved = settings.Settings.model_validate({"data": {"directory": deep}})

    with running(moved):
        ack(moved)

    assert stored(moved) == ACKED


def test_a_change_and_a_poll_never_work_on_the_state_at_once(config: settings.Settings) -> None:
    with running(config) as desk:
        inside, order = threading.Event(), list[str]()

        def poll() -> None:
            with desk.changing():
                inside.set()
                order.append("poll begins")
                threading.Event().wait(0.05)
                order.append("poll ends")

        thread = threading.Thread(target=poll)
        thread.start()
        inside.wait()
        with desk.changing():
            order.append("change")
        thread.join()

    assert order == ["poll begins", "poll ends", "change"]


def test_the_command_says_what_it_did(config: settings.Settings, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f'[data]\ndirectory = "{config.data.directory}"\n')
    words = [sys.executable, "-m", "detector", "alerts", "resolve", "--config", str(file)]
    with running(config) as desk:
        (alert,) = desk.store.alerts()
        done = subprocess.run([*words, alert.id[:9]], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, f"{alert.id}: resolved\n"), done.stderr
    assert stored(config)[0] == Status.RESOLVED
