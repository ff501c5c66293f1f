"""Pictures for Slack: drawn and posted into the thread after the alert, which never waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Final

from detector.alerts import Alert
from detector.notifiers.slack_api import SlackApi
from detector.notifiers.slack_places import Place
from detector.pictures import picture

MOST_WAITING: Final = 20
"""In a flood the alerts matter; further pictures are left out."""


class Pictures:
    """Draws and uploads in one thread of its own. A failure only leaves the picture out."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="slack-pictures")
        self._room = BoundedSemaphore(MOST_WAITING)

    def post(self, alert: Alert, place: Place, notice: Callable[[str], None]) -> None:
        """Post the alert's picture under the message at `place`, soon."""
        if not self._room.acquire(blocking=False):
            notice("picture left out: too many wait")
            return
        self._pool.submit(self._work, alert, place, notice)

    def close(self) -> None:
        """Wait for the pictures that wait, which takes seconds at most."""
        self._pool.shutdown(wait=True)

    def _work(self, alert: Alert, place: Place, notice: Callable[[str], None]) -> None:
        try:
            found = picture(alert)
            if found is not None:
                self._api.call(
                    "files_upload_v2",
                    channel=place.channel,
                    thread_ts=place.ts,
                    content=found.png,
                    filename=found.name,
                    title=found.alt,
                    alt_txt=found.alt,
                )
        except Exception as error:
            # Whatever it was, the alert has been told without its picture.
            notice(f"picture left out: {type(error).__name__}: {error}")
        finally:
            self._room.release()
