"""Files are edited on disk while the real service works: what takes effect, when, and what stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector import accounts, jobs, snapshots
from detector.simulator import Server, serve
from detector.store.sqlite import Sqlite
from tests.api import company
from tests.fakes import SPAN, Clock, Death, Mortal, ScriptedSource, close, open_desk
from tests.stories import ROOT, at, audit, few
from tests.test_rollout import COUNTED, MANY, RULE, holding
from tests.waiting import until


@dataclass
class Place:
    """A service over an API where ann renames a vault each second; its rules are files."""

    folder: Path
    server: Server

    @property
    def rule(self) -> Path:
        """The rule that is edited."""
        return self.folder / "rules" / "mine.yml"

    @property
    def log(self) -> list[dict[str, Any]]:
        """What the service has said so far."""
        lines = (self.folder / "log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def said(self, event: str) -> list[dict[str, Any]]:
        """The lines of one kind."""
        return [each for each in self.log if each["event"] == event]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "detector", *words, "--config", str(self.folder / "c.toml")],
            env=self._environment(), cwd=ROOT, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip

    def levels(self) -> dict[str, str]:
        """The level of each alert of the rule, by its id."""
        with closing(Sqlite(self.folder / "data", write=False)) as store:
            return {
                each.id: each.level for each in store.alerts() if each.rule.name == "mine_renamed"
            }

    def operator(self) -> list[tuple[str, str, str, str]]:
        """The engine's alerts about itself: rule, level, status and summary."""
        with closing(Sqlite(self.folder / "data", write=False)) as store:
            found = store.own_alerts("acme", closed=True)
        return [(each.rule.id, each.level, each.status, each.summary) for each in found]

    def start(self, **more: str) -> subprocess.Popen[bytes]:
        """Start the service."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "detector", "run", "--config", str(self.folder / "c.toml")],
                env=self._environment() | more, cwd=ROOT, stdout=log, stderr=log,
            )  # fmt: skip

    @contextmanager
    def service(self) -> Iterator[subprocess.Popen[bytes]]:
        """The service while the context lasts; at its end it is asked to stop, and does."""
        process = self.start()
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0

    def plans(self) -> int:
        """How many plans the log has."""
        with closing(Sqlite(self.folder / "data", write=False)) as store:
            return len(store.log.controls("acme", kind=accounts.PLAN))

    def _environment(self) -> dict[str, str]:
        return os.environ | {"OP_EVENTS_TOKEN": self.server.token}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    now = datetime.now(UTC)
    items = []
    for second in range(1, 600):
        time = now + timedelta(seconds=second)
        item = audit("ann", "paris", time, deed="rename vault", session=f"S{second}")
        items.append(replace(item, received=time))
    (tmp_path / "rules").mkdir()
    with serve(company(items), lambda: datetime.now(UTC)) as server:
        (tmp_path / "c.toml").write_text(f"""
            [[sources]]
            name = "acme"
            token = {{ env = "OP_EVENTS_TOKEN" }}
            base_url = "{server.url}"
            poll_every = "1s"
            [data]
            directory = "{tmp_path / "data"}"
            [paths]
            rules = "{tmp_path / "rules"}"
        """)
        yield Place(tmp_path, server)


def test_what_is_saved_takes_effect_and_what_is_broken_does_not(place: Place) -> None:
    place.rule.write_text(RULE)
    with place.service() as process:
        until(lambda: place.said("polled"))
        until(place.levels)

        place.rule.write_text(RULE.replace("level: medium", "level: hihg", 1))
        until(lambda: place.said("refused"))
        assert "mine.yml:5:8: level: 'hihg' is not a level" in place.said("refused")[0]["problem"]
        until(lambda: place.said("operator alert"))
        ((rule, level, status, summary),) = place.operator()
        assert (rule, level, status) == ("vaultwatch_files_refused", "medium", "open")
        assert "mine.yml:5:8" in summary
        polled = len(place.said("polled"))
        until(lambda: len(place.said("polled")) > polled + 1)

        refused = place.command("reload")
        assert refused.returncode == 1
        assert "did you mean 'high'?" in refused.stderr
        assert "is not at work" in refused.stdout

        # Another id: a rule of its own, so that its alerts are new.
        place.rule.write_text(RULE.replace("level: medium", "level: high").replace("5d0c", "6d0c"))
        process.send_signal(signal.SIGHUP)
        until(lambda: place.said("deployed"))
        until(lambda: "high" in place.levels().values())
        until(lambda: place.operator()[0][2] == "resolved")
        accepted = place.command("reload", "--json")
        assert accepted.returncode == 0
        assert json.loads(accepted.stdout)["problems"] == []

    told = place.levels()
    assert sorted(told.values()) == ["high", "medium"]
    assert place.plans() == 2
    again = place.command("backtest", "--out", str(place.folder / "again.jsonl"))
    assert again.returncode == 0, again.stderr
    lines = map(json.loads, (place.folder / "again.jsonl").read_text().splitlines())
    replayed = {each["id"]: each["level"] for each in lines if "mine" in each["rule"]["name"]}
    assert replayed == told


@pytest.mark.slow
def test_the_last_good_files_go_on_over_kills_and_restarts(place: Place) -> None:
    place.rule.write_text(RULE)
    assert place.command("run", "--once").returncode == 0
    assert place.plans() == 1
    good = RULE.replace("level: medium", "level: high")

    for point, plans in (("before_plan", 1), ("after_plan", 2)):
        place.rule.write_text(good)
        process = place.start(VAULTWATCH_CRASH_AT=point)
        assert process.wait(timeout=300) == 137
        assert place.plans() == plans

    place.rule.write_text(good.replace("title:", "tilte:", 1))
    broken = place.command("run", "--once")
    assert broken.returncode == 0, broken.stderr
    assert "tilte" in broken.stderr
    assert place.plans() == 2
    assert set(place.levels().values()) == {"high"}
    assert [rule for rule, *_ in place.operator()] == ["vaultwatch_files_refused"]


@pytest.mark.parametrize("nth", [1, 2])
def test_dying_while_files_take_effect_loses_nothing(tmp_path: Path, nth: int) -> None:
    one = holding({"a.yml": RULE}).texts
    other = holding({"a.yml": RULE.replace("level: medium", "level: high")}).texts
    point = Mortal(nth=None)
    desk = open_desk(tmp_path, at("0:00"), texts=one, point=point)
    renamed = audit("ann", "paris", "9:00", deed="rename vault")
    jobs.poll(desk, ScriptedSource([renamed]), Clock(at("10:00")))
    point.nth = len(point.seen) + nth
    with pytest.raises(Death):
        jobs.adopt(desk, other, at("11:00"))
    close(desk)

    desk = open_desk(tmp_path, at("12:00"), texts=other)

    assert len(desk.store.log.controls("acme", kind=accounts.PLAN)) == 2
    assert point.seen[-nth:] == ["before_plan", "after_plan"][:nth]
    (alert,) = desk.store.alerts()
    assert alert.level == "medium"
    close(desk)


@settings(few, max_examples=12)
@given(cuts=st.lists(st.integers(0, 11), max_size=3), size=st.integers(1, 4), change=st.booleans())
def test_the_log_replays_to_the_state_wherever_files_were_saved(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], size: int, *, change: bool
) -> None:
    folder = tmp_path_factory.mktemp("law")
    one = holding({"a.yml": RULE + "---\n" + COUNTED + "---\n" + MANY}).texts
    old, new = ("gte: 3", "gte: 4") if change else ("level: low", "level: high")
    other = replace(one, rules={name: text.replace(old, new) for name, text in one.rules.items()})
    items = [audit("ann", "paris", f"{hour}:00", deed="rename vault") for hour in range(8, 20)]
    desk = open_desk(folder, at("0:00"), texts=one)
    source, alerts, choices = ScriptedSource(size=size), dict[str, object](), [one, other]
    for hour, item in enumerate(items):
        source.add([item])
        polled = jobs.poll(desk, source, Clock(item.received))
        alerts.update({each.id: each for each in polled.alerts})
        for _ in range(cuts.count(hour)):
            choices.reverse()
            assert jobs.adopt(desk, choices[0], item.received)
            assert not jobs.adopt(desk, choices[0], item.received)

    again = accounts.restore(desk.store, "acme", span=SPAN)

    assert snapshots.dump(again.state) == snapshots.dump(desk.account.state)
    assert again.texts == desk.account.texts == choices[0]
    assert alerts
    close(desk)
