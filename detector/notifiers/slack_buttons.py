"""Buttons and windows at work: who pressed is checked, then it is done or asked about."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from detector.delivery.commands import Command, Refused, Verb
from detector.notifiers.slack_api import SlackApi
from detector.notifiers.slack_errors import ContentRefused, EditRefused
from detector.notifiers.slack_modals import modal
from detector.notifiers.slack_people import People
from detector.notifiers.slack_presses import Press, command, press
from detector.ports import DeliveryError
from detector.rendering.text import escape, plain

MOST_SEEN: Final = 500


class Buttons:
    """Carries out what allowed people press, and tells everybody else why not.

    `obey` does a command and says in one line what was done, or raises Refused; `now` is the
    wall clock; `notice` is told what went wrong behind the scenes.
    """

    def __init__(  # noqa: PLR0913 - what answering takes, by name
        self,
        api: SlackApi,
        people: People,
        obey: Callable[[Command], str],
        *,
        now: Callable[[], datetime],
        zone: ZoneInfo,
        notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._api = api
        self._people = people
        self._obey = obey
        self._now = now
        self._zone = zone
        self._notice = notice
        self._seen: deque[str] = deque(maxlen=MOST_SEEN)

    def hear(self, payload: dict[str, Any]) -> None:
        """Act on one payload of Slack's. A repeat of it, and whatever is not ours, does nothing."""
        pressed = press(payload)
        if pressed is None or (pressed.trigger and pressed.trigger in self._seen):
            return
        self._seen.append(pressed.trigger)
        try:
            who = self._people.name(pressed)
            if who is None:
                self._answer(pressed, _no_right(pressed.user))
                self._notice(
                    f"{pressed.user} of {pressed.team} pressed {pressed.verb}: not allowed"
                )
            elif pressed.asks:
                view = modal(pressed.verb, pressed.incident, pressed.channel)
                self._api.call("views_open", trigger_id=pressed.trigger, view=view)
            else:
                self._do(pressed, who)
        except (DeliveryError, ContentRefused, EditRefused) as error:
            self._notice(f"a button was not answered: {error}")

    def _do(self, pressed: Press, who: str) -> None:
        try:
            done = self._obey(command(pressed, who, self._now(), self._zone))
        except Refused as refusal:
            self._answer(pressed, f"Not done: {refusal}")
            return
        if pressed.verb is Verb.SILENCE:
            self._answer(pressed, done)

    def _answer(self, pressed: Press, text: str) -> None:
        """A word that only who pressed can see."""
        self._api.call(
            "chat_postEphemeral",
            channel=pressed.channel,
            user=pressed.user,
            text=escape(plain(text)),
            parse="none",
            link_names=False,
        )


def _no_right(user: str) -> str:
    return (
        "You are not on the list of people who may answer alerts here. Ask the operator of "
        f"Vaultwatch to add {user} to 'people' in its Slack settings."
    )
