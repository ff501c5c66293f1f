"""Pictures for Slack: drawn and posted into the thread of an alert that is there, which never waits."""

from __future__ import annotations

from collections.abc import Callable

from detector.delivery.bulletins import Bulletin, Kind
from detector.notifiers.slack_api import SlackApi
from detector.notifiers.slack_errors import ContentRefused, Denied, EditRefused
from detector.notifiers.slack_places import Place
from detector.pictures import Picture, picture
from detector.ports import Attempt, DeliveryError, Message, Receipt


class SlackPictures:
    """A destination of its own, so that an alert neither waits for a picture nor fails with it.

    What only a person could mend leaves the picture out, and `notice` is told.
    """

    edits = False

    def __init__(
        self,
        api: SlackApi,
        *,
        name: str = "slack:pictures",
        notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.name = name
        self._api = api
        self._notice = notice

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Post the picture, if there is one. If `again`, look first whether it is there."""
        if not isinstance(message, Bulletin) or message.kind is not Kind.PICTURE:
            return Receipt(attempt.key)
        assert message.head is not None
        place = Place.of(message.head)
        try:
            shown = picture(message.incident.worst)
            if shown is not None and not (attempt.again and self._is_there(place, shown, attempt)):
                self._post(shown, place, attempt)
        except DeliveryError as error:
            if not error.parked:
                raise
            self._notice(f"picture left out: {error}")
        except Exception as error:
            # Whatever it was, the alert has been told without its picture.
            self._notice(f"picture left out: {type(error).__name__}: {error}")
        return Receipt(attempt.key)

    def _post(self, shown: Picture, place: Place, attempt: Attempt) -> None:
        self._api.call(
            "files_upload_v2",
            channel=place.channel,
            thread_ts=place.ts,
            content=shown.png,
            filename=_file(shown, attempt.key),
            title=shown.alt,
            alt_txt=shown.alt,
        )

    def _is_there(self, place: Place, shown: Picture, attempt: Attempt) -> bool:
        """Whether the thread has the file; where we may not look, a second one is the lesser evil."""
        try:
            answer = self._api.call("conversations_replies", channel=place.channel, ts=place.ts)
        except (ContentRefused, EditRefused, Denied):
            return False
        names = [
            each.get("name")
            for message in answer.get("messages") or []
            for each in message.get("files") or []
        ]
        return _file(shown, attempt.key) in names


def _file(shown: Picture, key: str) -> str:
    """A name by which the picture is known again."""
    return f"{shown.name.removesuffix('.png')}-{key}.png"
