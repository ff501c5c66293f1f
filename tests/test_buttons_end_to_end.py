"""From the button in Slack to the journal and back: configuration, socket, allow-list, store, edit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from detector import destinations, jobs, settings
from detector.alerts import Status
from detector.delivery.commands import Command
from detector.delivery.journal import How
from detector.notifiers.slack_places import Place
from detector.ports import Notifier, Receipt
from detector.rendering import Renderer
from detector.rendering.samples import impossible_travel
from detector.store.sqlite import Commit
from tests.conftest_delivery import TOKEN, SlackServer
from tests.delivery import NOON, Day, day
from tests.fakes import round_
from tests.slack_edge import APP_TOKEN, SlackEdge, sent_off, slack_edge
from tests.test_slack_buttons import MARK, STRANGER, chosen, pressed
from tests.waiting import until

ENVIRONMENT = {"BOT": TOKEN, "APP": APP_TOKEN}


@dataclass
class Office:
    """A store, the destinations of its configuration, and Slack behind the edge."""

    one: Day
    edge: SlackEdge
    notifiers: dict[str, Notifier]
    channel: str
    server: SlackServer

    def tell(self) -> None:
        """A round, a little later."""
        self.one.now += timedelta(seconds=5)
        jobs.tell(round_(self.one.store, self.one.now, self.one.orders), self.notifiers)

    @property
    def thread(self) -> list[dict[str, Any]]:
        """The message of the incident, and what stands in its thread."""
        first = next(each for each in self.one.store.outbox.listed() if each.kind == "new")
        assert first.receipt is not None
        return self.server.thread(self.channel, Place.of(Receipt(first.receipt)).ts)


@pytest.fixture
def office(
    tmp_path: Path, slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> Iterator[Office]:
    """An incident that Slack was told of; Mark may press."""
    with slack_edge(slack_server.base_url) as edge:
        edge.emails = {MARK: "mark@acme.example", STRANGER: "eve@evil.example"}
        file = tmp_path / "vaultwatch.toml"
        file.write_text(f"""
            [slack]
            token = {{ env = "BOT" }}
            app_token = {{ env = "APP" }}
            channel = "{slack_channel}"
            base_url = "{edge.base_url}"
            people = ["mark@acme.example"]
        """)
        config = settings.load(file, {})
        with day(tmp_path / "data", settings.orders(config)) as one, listening(config, one):
            until(lambda: edge.sockets, patience_s=20)
            found = destinations.notifiers(config, renderer, ENVIRONMENT, lambda: one.now)
            made = Office(one, edge, found, slack_channel, slack_server)
            one.store.commit(Commit("acme", one.now, alerts=[impossible_travel()]))
            made.tell()
            made.tell()
            yield made


@contextmanager
def listening(config: settings.Settings, one: Day) -> Iterator[None]:
    """The socket of the configuration, wired to the store as the service does it."""

    def obey(command: Command) -> str:
        return jobs.obey(one.store, command, one.orders, one.now).text

    [socket] = destinations.sockets(config, ENVIRONMENT, obey, lambda: one.now)
    socket.watch()
    try:
        yield
    finally:
        socket.close()


def test_a_button_reaches_the_journal_and_the_message(office: Office) -> None:
    (alert,) = office.one.store.alerts()
    incident = str(alert.incident_id)
    first, picture = office.thread
    assert [each["type"] for each in first["blocks"]].count("actions") == 1
    assert picture["files"][0]["name"].startswith("journey-inc-")

    office.edge.deliver(pressed("ack", user=STRANGER, value=incident))
    until(lambda: office.edge.calls("chat.postEphemeral"))
    assert office.one.store.alerts()[0].status is Status.OPEN

    office.edge.deliver(pressed("ack", value=incident))
    until(lambda: office.one.store.alerts()[0].status is Status.ACKNOWLEDGED)
    office.edge.deliver(pressed("resolve", value=incident))
    until(lambda: office.edge.calls("views.open"))
    view = json.loads(office.edge.calls("views.open")[0]["view"])
    answers = {"verdict": chosen("benign"), "note": {"value": "she is in Lagos &amp; well"}}
    office.edge.deliver(sent_off(view, answers, user=MARK))
    until(lambda: office.one.store.alerts()[0].status is Status.BENIGN)
    office.tell()

    said = [
        (each.who, each.how, each.what, each.note) for each in office.one.store.journal.of(alert.id)
    ]
    assert said == [
        ("mark@acme.example", How.SLACK, "acknowledged", ""),
        ("mark@acme.example", How.SLACK, "benign", "she is in Lagos & well"),
    ]
    edited, *replies = office.thread
    assert "benign" in edited["blocks"][0]["text"]["text"]
    assert "actions" not in {each["type"] for each in edited["blocks"]}
    notes = [each["text"] for each in replies if not each.get("files")]
    assert len(notes) == 2
    assert "mark@acme.example acknowledged it" in notes[0]
    assert office.one.now > NOON
