"""One event of a history by its id, and what was before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from detector.backtesting import Step
from detector.settings import ConfigError


@dataclass
class Sought:
    """The event that is looked for in a history, and the page of one row once it is found."""

    id: str
    frame: pl.DataFrame | None = None
    raw: bytes = b""

    def before(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The steps before the event."""
        for step in steps:
            if not isinstance(step, tuple):
                yield step
                continue
            frame, raws = step
            places = (frame["event.id"] == self.id).arg_true()
            if not len(places):
                yield step
                continue
            place = int(places[0])
            self.frame, self.raw = frame[place : place + 1], raws[place]
            yield frame[:place], raws[:place]
            return

    def found(self) -> tuple[pl.DataFrame, bytes]:
        """The event, as a page of one row and as it was received. Raises ConfigError."""
        if self.frame is None:
            msg = f"{self.id}: no event of that id in the history, and no file of that name"
            raise ConfigError(msg)
        return self.frame, self.raw
