"""Buttons over a real socket: who may, what is asked, what is done, and what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from slack_sdk.models.views import View

from detector.delivery.commands import Command, Refused, Verb
from detector.delivery.journal import How
from detector.notifiers.slack import Slack
from detector.notifiers.slack_api import slack_client
from detector.notifiers.slack_buttons import Buttons
from detector.notifiers.slack_modals import modal
from detector.notifiers.slack_people import People
from detector.notifiers.slack_places import Place
from detector.notifiers.slack_socket import SlackSocket
from detector.ports import Attempt
from detector.rendering import Renderer
from detector.rendering.samples import impossible_travel
from tests.conftest_delivery import TOKEN, SlackServer, api_of
from tests.fakes import bulletin
from tests.slack_edge import APP_TOKEN, TEAM, SlackEdge, sent_off, slack_edge
from tests.waiting import until

NOW = datetime(2026, 3, 14, 10, 2, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
MARK, STRANGER = "U0MARK", "U0STRANGER"
INCIDENT = "inc-b7ldwhlmfgipndfi"


@dataclass
class Desk:
    """Obeys every command, or none; and hears what went wrong."""

    obeyed: list[Command] = field(default_factory=list)
    refuses: str = ""
    told: list[str] = field(default_factory=list)

    def obey(self, asked: Command) -> str:
        """Do it."""
        if self.refuses:
            raise Refused(self.refuses)
        self.obeyed.append(asked)
        return "silenced; it would have hidden 3 alerts of the last week"


@dataclass
class Station:
    """Slack with Socket Mode, a connected socket of the service, and who obeys; Mark may press."""

    edge: SlackEdge
    desk: Desk
    socket: SlackSocket


@pytest.fixture(scope="module")
def station(slack_server: SlackServer) -> Iterator[Station]:
    """One for the module: the SDK takes seconds to say goodbye."""
    desk = Desk()
    with slack_edge(slack_server.base_url) as edge:
        edge.emails = {MARK: "mark@acme.example", STRANGER: "eve@evil.example"}
        api = api_of(slack_client(TOKEN, base_url=edge.base_url))
        buttons = Buttons(
            api,
            People(api, ["mark@acme.example", "U0LEA"]),
            desk.obey,
            now=lambda: NOW,
            zone=PARIS,
            notice=desk.told.append,
        )
        socket = SlackSocket(
            APP_TOKEN, api.client, buttons, ping_every_s=0.2, notice=desk.told.append
        )
        socket.watch()
        until(lambda: edge.sockets)
        try:
            yield Station(edge, desk, socket)
        finally:
            socket.close()


@pytest.fixture
def edge(station: Station) -> SlackEdge:
    """The edge, with nothing asked yet."""
    station.edge.asked.clear()
    return station.edge


@pytest.fixture
def desk(station: Station) -> Desk:
    """Who obeys, with nothing obeyed yet."""
    station.desk.obeyed.clear()
    station.desk.told.clear()
    station.desk.refuses = ""
    return station.desk


def pressed(
    action: str, *, user: str = MARK, team: str = TEAM, value: str = INCIDENT
) -> dict[str, Any]:
    """A button, as Slack tells of it."""
    return {
        "type": "block_actions",
        "user": {"id": user, "username": "whoever", "team_id": team},
        "team": {"id": TEAM, "domain": "acme"},
        "trigger_id": f"{time.monotonic_ns()}.1",
        "container": {"type": "message", "channel_id": "C0ALERTS", "message_ts": "17.5"},
        "actions": [{"type": "button", "action_id": action, "value": value}],
    }


def chosen(value: str) -> dict[str, Any]:
    """A choice of a list."""
    return {"type": "static_select", "selected_option": {"value": value}}


def test_an_allowed_person_acknowledges(edge: SlackEdge, desk: Desk, station: Station) -> None:
    edge.deliver(pressed("ack"))
    until(lambda: desk.obeyed)
    assert desk.obeyed == [Command(Verb.ACK, INCIDENT, "mark@acme.example", How.SLACK)]
    assert edge.calls("chat.postEphemeral") == []


@pytest.mark.parametrize(
    ("user", "team"), [(STRANGER, TEAM), (MARK, "T0ELSEWHERE"), ("U0LEA", "T0ELSEWHERE")]
)
def test_nobody_else_does_and_is_told_so(
    edge: SlackEdge, desk: Desk, station: Station, user: str, team: str
) -> None:
    edge.deliver(pressed("ack", user=user, team=team))
    until(lambda: desk.told)
    [told] = edge.calls("chat.postEphemeral")
    assert (told["user"], told["channel"]) == (user, "C0ALERTS")
    assert f"add {user} to 'people'" in told["text"]
    assert desk.obeyed == []
    assert "not allowed" in desk.told[0]


def test_a_false_positive_needs_a_reason_and_gets_it_by_a_window(
    edge: SlackEdge, desk: Desk, station: Station
) -> None:
    edge.deliver(pressed("false-positive"))
    until(lambda: edge.calls("views.open"))
    view = json.loads(edge.calls("views.open")[0]["view"])
    answers = {
        "verdict": chosen("false-positive"),
        "note": {"type": "plain_text_input", "value": "office VPN &lt;Paris&gt;\nis missing"},
    }
    edge.deliver(sent_off(view, answers, user=MARK))
    until(lambda: desk.obeyed)
    [asked] = desk.obeyed
    assert (asked.verb, asked.target) == (Verb.FALSE_POSITIVE, INCIDENT)
    assert asked.note == "office VPN <Paris> is missing"


@pytest.mark.parametrize(
    ("verb", "answer", "end"),
    [
        ("snooze", {"until": chosen("4h")}, NOW + timedelta(hours=4)),
        ("snooze", {"until": chosen("morning")}, datetime(2026, 3, 15, 7, 0, tzinfo=UTC)),
        ("silence", {"until": chosen("7d")}, NOW + timedelta(days=7)),
        (
            "silence",
            {"until": chosen("7d"), "date": {"selected_date_time": 1773748800}},
            datetime(2026, 3, 17, 12, 0, tzinfo=UTC),
        ),
    ],
)
def test_a_snooze_and_a_silence_have_an_end(
    edge: SlackEdge,
    desk: Desk,
    verb: str,
    answer: dict[str, Any],
    end: datetime,
) -> None:
    view = modal(Verb(verb), INCIDENT, "C0ALERTS")
    edge.deliver(sent_off(view, {**answer, "note": {"value": "known"}}, user=MARK))
    until(lambda: desk.obeyed)
    assert desk.obeyed[0].until == end
    if verb == "silence":
        until(lambda: edge.calls("chat.postEphemeral"))
        assert "would have hidden 3 alerts" in edge.calls("chat.postEphemeral")[0]["text"]


def test_a_refusal_is_told_to_who_pressed_and_to_nobody_else(
    edge: SlackEdge, desk: Desk, station: Station
) -> None:
    desk.refuses = "<!channel> it is closed already"
    edge.deliver(pressed("ack"))
    until(lambda: edge.calls("chat.postEphemeral"))
    [told] = edge.calls("chat.postEphemeral")
    assert told["text"] == "Not done: \u2039!channel&gt; it is closed already"


def test_an_interaction_that_comes_twice_is_done_once(
    edge: SlackEdge, desk: Desk, station: Station
) -> None:
    again = pressed("ack")
    edge.deliver(again)
    edge.deliver(again)
    edge.deliver(pressed("ack"))
    until(lambda: len(desk.obeyed) == 2)
    assert len(desk.obeyed) == 2


def test_a_socket_that_slack_closes_is_opened_anew(
    edge: SlackEdge, desk: Desk, station: Station
) -> None:
    before = len(edge.sockets)
    edge.sockets[-1].send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
    until(lambda: len(edge.sockets) > before and station.socket.is_connected, patience_s=15)
    edge.deliver(pressed("ack"))
    until(lambda: desk.obeyed)


def test_a_socket_that_breaks_is_opened_anew(edge: SlackEdge, desk: Desk, station: Station) -> None:
    before = len(edge.sockets)
    edge.sockets[-1].socket.close()
    until(lambda: len(edge.sockets) > before or station.socket.watch(), patience_s=15)
    edge.deliver(pressed("ack"))
    until(lambda: desk.obeyed)


def test_no_slack_is_told_without_the_token_and_tried_again() -> None:
    told: list[str] = []
    api = api_of(slack_client(TOKEN, base_url="http://127.0.0.1:1/api/"))
    buttons = Buttons(api, People(api, []), Desk().obey, now=lambda: NOW, zone=PARIS)
    lost = SlackSocket(APP_TOKEN, api.client, buttons, notice=told.append)
    lost.watch()
    lost.close()
    assert told == ["buttons are not heard: no connection to Slack: URLError"]


def test_a_message_has_buttons_only_where_they_are_heard(
    slack_server: SlackServer, slack_channel: str, renderer: Renderer
) -> None:
    for heard in (False, True):
        slack = Slack(api_of(slack_server.client()), renderer, slack_channel, buttons=heard)
        receipt = slack.send(bulletin(impossible_travel()), Attempt(f"k{heard}"))
        [message] = [
            each
            for each in slack_server.messages(slack_channel)
            if each["ts"] == Place.of(receipt).ts
        ]
        found = [block for block in message["blocks"] if block["type"] == "actions"]
        assert bool(found) == heard


@pytest.mark.parametrize("verb", [Verb.SNOOZE, Verb.SILENCE, Verb.FALSE_POSITIVE, Verb.RESOLVE])
def test_slack_takes_the_windows(verb: Verb) -> None:
    view = modal(verb, INCIDENT, "C0ALERTS")
    View(**view).validate_json()
    assert len(view["title"]["text"]) <= 24
    for block in view["blocks"]:
        for option in block["element"].get("options", []):
            assert len(option["text"]["text"]) <= 75
