"""Who may press buttons: an allow-list of Slack's ids and e-mail addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from detector.notifiers.slack_api import SlackApi
from detector.notifiers.slack_presses import Press
from detector.ports import DeliveryError

MOST_REMEMBERED: Final = 1_000


class People:
    """The people of an allow-list. An address counts only for members of our own workspace."""

    def __init__(self, api: SlackApi, allowed: Sequence[str]) -> None:
        self._api = api
        self._allowed = frozenset(each.casefold() for each in allowed)
        self._emails: dict[str, str] = {}
        self._team = ""

    def name(self, pressed: Press) -> str | None:
        """The name to record for who pressed: the e-mail, else the id; null if not allowed.

        Raises DeliveryError where Slack cannot be asked.
        """
        is_ours = pressed.team == self._own_team()
        email = self._email(pressed.user) if is_ours else ""
        if is_ours and pressed.user.casefold() in self._allowed:
            return email or pressed.user
        return email if email and email.casefold() in self._allowed else None

    def _own_team(self) -> str:
        if not self._team:
            self._team = str(self._api.call("auth_test")["team_id"])
        return self._team

    def _email(self, user: str) -> str:
        """The address of a member; nothing for bots, and where we may not ask."""
        if user not in self._emails:
            try:
                found = self._api.call("users_info", user=user)["user"]
            except DeliveryError as error:
                if not error.parked:
                    raise
                found = {}
            is_member = not (
                found.get("is_bot") or found.get("deleted") or found.get("is_stranger")
            )
            profile = found.get("profile") or {}
            if len(self._emails) >= MOST_REMEMBERED:
                self._emails.clear()
            self._emails[user] = str(profile.get("email") or "") if is_member else ""
        return self._emails[user]
