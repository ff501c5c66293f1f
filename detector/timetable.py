"""When the jobs of the service run, and on which threads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from detector.fleet import POLLS, Station

MOST_JITTER_S: Final = 5


class Timetable:
    """Jobs by the clock; as a context it runs them, and at its end waits for those under way."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now, self._polls, self._rooms = now, dict[str, Any](), dict[str, Any]()
        # The default grace of one second drops a run that a slow one before it delayed.
        self._scheduler = BackgroundScheduler(
            executors={track: ThreadPoolExecutor(polls) for track, polls in POLLS.items()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

    def poll(
        self, station: Station, job: Callable[[Station], object], late: timedelta | None
    ) -> None:
        """Poll an account at its interval; many begin one after the other, and stay spread so."""
        seconds = station.config.poll_every.total_seconds()
        self._polls[station.config.name] = self._scheduler.add_job(
            job,
            "interval",
            (station,),
            executor=station.track,
            seconds=seconds,
            jitter=None if late else min(MOST_JITTER_S, int(seconds / 4)),
            next_run_time=self._now() + (late or timedelta(0)),
        )

    def move(self, station: Station) -> None:
        """Let an account be polled among its like from now on."""
        if station.config.name in self._polls:
            self._polls[station.config.name].modify(executor=station.track)

    def every(
        self,
        seconds: float,
        room: str,
        job: Callable[..., object],
        *given: object,
        at_once: bool = False,
    ) -> None:
        """Do a job again and again; jobs of one room wait for each other, and for no others."""
        if room not in self._rooms:
            self._scheduler.add_executor(ThreadPoolExecutor(1), room)
        begin = {"next_run_time": self._now()} if at_once else {}
        self._rooms[room] = self._scheduler.add_job(
            job, "interval", given, executor=room, seconds=seconds, **begin
        )

    def soon(self, room: str) -> None:
        """Do the last job of a room now, and then at its interval again."""
        if room in self._rooms:
            self._rooms[room].modify(next_run_time=self._now())

    def __enter__(self) -> None:
        self._scheduler.start()

    def __exit__(self, *_: object) -> None:
        self._scheduler.shutdown(wait=True)
