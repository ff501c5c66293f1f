"""What the service does again and again: poll, train, tell, tidy. Flat lists of steps over the ports."""

from detector.jobs.adopting import adopt
from detector.jobs.desk import AtOnce, Desk, Point, Polled, Progress, nowhere, open_account
from detector.jobs.digesting import daily, digest, weekly
from detector.jobs.hushing import SilenceFile
from detector.jobs.obeying import Obeyed, asked_for, obey, preview
from detector.jobs.polling import keep_state, poll, take_in, tick
from detector.jobs.sweeping import Habit, sweep
from detector.jobs.telling import Round, decide, send, tell
from detector.jobs.tidying import tidy
from detector.jobs.training import train
from detector.jobs.watching import Direct, Shared, watch, watch_all

__all__ = [
    "AtOnce",
    "Desk",
    "Direct",
    "Habit",
    "Obeyed",
    "Point",
    "Polled",
    "Progress",
    "Round",
    "Shared",
    "SilenceFile",
    "adopt",
    "asked_for",
    "daily",
    "decide",
    "digest",
    "keep_state",
    "nowhere",
    "obey",
    "open_account",
    "poll",
    "preview",
    "send",
    "sweep",
    "take_in",
    "tell",
    "tick",
    "tidy",
    "train",
    "watch",
    "watch_all",
    "weekly",
]
