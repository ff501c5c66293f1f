"""Where the new side can be taken up by itself: its state now and then, while both are at one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from detector import accounts, kernel, snapshots
from detector.anomaly.model import Model
from detector.backtesting import Replayed, Step
from detector.comparing.guests import Guests
from detector.window import Window

EVERY: Final = 1 / 8
"""Of the events of a history: what is replayed twice at most beside what lies behind the parting."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The new side after so many steps: its state as bytes, and what it had found by then."""

    steps: int
    body: bytes
    models: tuple[Model | None, Model | None]
    window: Window
    done: Replayed

    def state(self, plan: kernel.Plan) -> kernel.State:
        """The state to go on with."""
        loaded = snapshots.load(self.body)
        assert loaded is not None
        memory, tails, _ = loaded
        model, challenger = self.models
        state = kernel.State(memory, plan, model, challenger, window=self.window)
        attached = snapshots.attach(state, tails)
        assert attached
        return state

    def with_rest(self, rest: Replayed) -> Replayed:
        """What was found before, and what the rest of the history brought."""
        return Replayed(
            alerts=self.done.alerts | rest.alerts,
            suppressed=[*self.done.suppressed, *rest.suppressed],
            knew=self.done.knew | rest.knew,
            state=rest.state,
        )


class Checkpoints:
    """Counts the steps of a replay of the old side, and keeps the newest checkpoint."""

    def __init__(self, guests: Guests, events: int) -> None:
        self._guests, self._every = guests, max(1, round(events * EVERY))
        self._steps, self._at = 0, 0
        self.newest: Checkpoint | None = None

    def watched(self, steps: Iterable[Step]) -> Iterator[Step]:
        """The steps, counted. What a person said of an alert of one side parts them."""
        for step in steps:
            self._steps += 1
            if not isinstance(step, tuple) and step.kind == accounts.VERDICT:
                self._guests.parted = True
            yield step

    def advance(self, done: int) -> None:
        """A page is done, and so many events in all."""
        if self._guests.parted or done - self._at < self._every:
            return
        self._at = done
        side = self._guests.other_side()
        self.newest = Checkpoint(
            self._steps, snapshots.dump(side), (side.model, side.challenger),
            side.window.copy(), self._guests.replayed(),
        )  # fmt: skip
