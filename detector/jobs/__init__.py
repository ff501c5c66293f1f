"""What the service does again and again: poll, train, tell, tidy. Flat lists of steps over the ports."""

from detector.jobs.desk import AtOnce, Desk, Point, Polled, Progress, Route, nowhere, open_account
from detector.jobs.polling import keep_state, poll, take_in, tick
from detector.jobs.sweeping import Habit, sweep
from detector.jobs.telling import tell
from detector.jobs.tidying import tidy
from detector.jobs.training import train

__all__ = [
    "AtOnce",
    "Desk",
    "Habit",
    "Point",
    "Polled",
    "Progress",
    "Route",
    "keep_state",
    "nowhere",
    "open_account",
    "poll",
    "sweep",
    "take_in",
    "tell",
    "tick",
    "tidy",
    "train",
]
