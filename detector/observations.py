"""What an event shows about the person behind it: kinds of things, and their values.

Made once per page, as plain lists by row, because what follows is one event at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from detector import actions, events, networks, wording
from detector.columns import Columns
from detector.firsts import Firsts, Flags, firsts, tellings
from detector.numbering import coded, numbered, together
from detector.pairs import Pairs, Shown, pairs
from detector.workhours import DAY_US, HOUR_US

KINDS: Final = ("country", "place", "network", "device", "client", "vault", "item", "deed", "slot")
COUNTRY, PLACE, NETWORK, DEVICE, CLIENT, VAULT, ITEM, DEED, SLOT = range(len(KINDS))
"""Positions in KINDS; `slot` is the hour of the local week and needs the person's zone."""

EXTRACTED, FAILED, PRIVILEGED, SUCCEEDED, CREATED = range(1, 6)
SUCCESS: Final = ("success", "firewall_reported_success")

LATEST_US: Final = 7 * 24 * HOUR_US
"""Events that come later than this after their time reach stateless rules only."""
AHEAD_US: Final = HOUR_US
"""Events that are further ahead of their receipt than this reach stateless rules only."""
PROMPT_US: Final = 2 * HOUR_US
"""What comes later than this after its event time is no part of the hour in which it comes."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the event clock stands before a page, and the length of its steps (microseconds)."""

    before: int
    step: int


@dataclass(frozen=True, slots=True)
class Observations:
    """One page of events as lists by row. Times are microseconds since 1970 in UTC.

    `values[kind][row]` for the kinds before `slot`.
    """

    seqs: Sequence[int]
    times: Sequence[int]
    received: Sequence[int]
    clocks: Sequence[int]
    """The event clock at each row: the latest honest event time so far."""
    people: Sequence[str | None]
    names: Sequence[str]
    """The people of the page in order of their first row."""
    who: np.ndarray
    """The place in `names` of each row's person, -1 where nobody is named."""
    time_us: np.ndarray
    clock_us: np.ndarray
    days: np.ndarray
    """The day of each row since 1970."""
    lessons: np.ndarray
    """Rows that teach, ascending."""
    prompt: np.ndarray
    """Rows of people that are part of the hour in which they came, ascending."""
    is_prompt: np.ndarray
    is_marked: np.ndarray
    """Whether each row is something to the model by itself: all marks but CREATED."""
    is_created: np.ndarray
    """Whether each row makes its item, so that it is no access to one that there was."""
    pairs: Pairs
    firsts: Firsts
    tellings: Sequence[int]
    """Rows in which somebody's e-mail or name is new or another one, ascending."""
    ids: Sequence[str]
    marks: Sequence[int]
    """What the event is to the model: 0, EXTRACTED, FAILED, PRIVILEGED, SUCCEEDED or CREATED."""
    values: tuple[Sequence[str | None], ...]
    crossings: Sequence[int]
    """Rows before which the clock passes a step, ascending."""
    late: Sequence[int]
    """Rows that are out of time for all but rules on single events, ascending."""
    places: Sequence[int]
    """Rows that show a place first in the page."""
    sensitive: Sequence[int]
    """Rows of actions that weaken the account or take secrets out of it, ascending."""
    devices: Sequence[int]
    """Rows of audit events that name the device of a session, ascending."""
    sessions: Shown
    """The session of each row, as far as it is named."""
    addresses: Shown
    """The address that each row came from."""
    columns: Columns

    def __len__(self) -> int:
        return len(self.seqs)

    def present(self, start: int, end: int) -> tuple[np.ndarray, list[str]]:
        """The people of rows `start` to `end`: their places in `names`, and their names."""
        who = np.unique(self.who[start:end])
        who = who[who >= 0]
        return who, [self.names[person] for person in who.tolist()]


_DEED: Final = pl.concat_str(
    [pl.col("event.action").fill_null(""), pl.col("object.type").fill_null("item")], separator=" "
)


def _one_of(pairs: frozenset[tuple[str, str]], *more: str) -> pl.Expr:
    return _DEED.is_in([f"{action} {kind}" for action, kind in sorted(pairs)] + list(more))


_SUCCESS_ROW: Final = pl.col("event.category").is_in(list(SUCCESS))
_OWN: Final = "is_own"
_OWN_ROW: Final = pl.col("object.type").is_in(["gm", "uva"]) & pl.col(_OWN)
"""Who gives themselves a membership or an access, which is another deed than giving it to others."""
_SIGNIN_ROW: Final = pl.col("event.feed") == events.SIGNIN
_FINGERPRINT: Final = pl.concat_str(
    [
        pl.col(name).fill_null("?")
        for name in ("client.app_name", "client.platform_name", "client.os_name")
    ],
    separator=" | ",
)
_PLACE: Final = ("source.city", "source.region", "source.country")
_PLACE_WORDS: Final = pl.when(pl.col("source.city").is_not_null()).then(
    pl.concat_str([pl.col(name).fill_null("") for name in _PLACE], separator="|")
)
_CLIENT: Final = ("client.app_name", "client.platform_name", "client.os_name")
_CLIENT_WORDS: Final = pl.when(pl.col("client.app_name").is_not_null()).then(
    pl.concat_str([pl.col(name).fill_null("?") for name in _CLIENT], separator=" | ")
)
_ACT: Final = ("event.feed", "event.action", "event.category", "object.type")
_ACT_WORDS: Final = [
    pl.concat_str(
        pl.col("event.feed").str.head(1),
        pl.lit(":"),
        pl.coalesce("event.action", "event.category").fill_null("?"),
        pl.lit(":"),
        pl.col("object.type").fill_null(""),
        pl.when(_OWN_ROW).then(pl.lit(wording.OWN)).otherwise(pl.lit("")),
    ).alias("deed"),
    (~_SIGNIN_ROW | _SUCCESS_ROW).fill_null(value=False).alias("teaches"),
    pl.when(_SIGNIN_ROW)
    .then(pl.when(_SUCCESS_ROW).then(SUCCEEDED).otherwise(FAILED))
    .when(_one_of(frozenset(), "reveal item", "secure-copy item", "export item"))
    .then(EXTRACTED)
    .when(_one_of(frozenset(), "server-create item", "create item"))
    .then(CREATED)
    .when(_one_of(actions.PRIVILEGED))
    .then(PRIVILEGED)
    .otherwise(0)
    .alias("marks"),
    _one_of(actions.SENSITIVE, "export item").fill_null(value=False).alias("sensitive"),
]
_TEXTS: Final = (
    "person", "source.ip", "session.id", "device.id", "vault.id", "item.id",
    *_PLACE, *_CLIENT, *_ACT,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Acts:
    """What the rows of a page do, asked once for each kind of act."""

    deed: Shown
    teaches: np.ndarray
    marks: np.ndarray
    sensitive: np.ndarray


def observe(
    frame: pl.DataFrame, kept: pl.DataFrame, wanted: Sequence[str], clock: Clock
) -> Observations:
    """The observations of a page, with the `wanted` event columns as lists beside them.

    `kept` are the same rows as the window keeps them: many texts as categories.
    """
    codes = coded(frame.with_columns(kept), _TEXTS)
    acts = _acts(frame, codes)
    time_us = frame["event.time"].dt.timestamp("us").to_numpy()
    received_us = frame["event.received"].dt.timestamp("us").to_numpy()
    flags = _flags(time_us, received_us, acts, clock)
    people = Shown.of(frame["person"], codes["person"])
    addresses = Shown.of(frame["source.ip"], codes["source.ip"])
    who, shown = people.codes, _shown(frame, codes, acts, addresses)
    found = pairs(who, shown)
    return Observations(
        seqs=frame["event.seq"].to_list(),
        times=time_us.tolist(),
        received=received_us.tolist(),
        clocks=flags.clocks.tolist(),
        people=people.by_row(),
        names=people.texts,
        who=who,
        time_us=time_us,
        clock_us=flags.clocks,
        days=time_us // DAY_US,
        lessons=np.flatnonzero(flags.teaches & (who >= 0)),
        prompt=np.flatnonzero(flags.prompt & (who >= 0)),
        is_prompt=flags.prompt,
        is_marked=(acts.marks > 0) & (acts.marks != CREATED),
        is_created=acts.marks == CREATED,
        pairs=found,
        firsts=firsts(time_us, who, flags, found),
        tellings=tellings(frame, who, flags).tolist(),
        ids=frame["event.id"].to_list(),
        marks=acts.marks.tolist(),
        values=tuple(each.by_row() for each in shown),
        crossings=(np.flatnonzero(np.diff(flags.steps)) + 1).tolist(),
        late=np.flatnonzero(~flags.in_time).tolist(),
        places=_firsts(shown[PLACE].codes, flags.in_time),
        sensitive=np.flatnonzero(acts.sensitive & flags.in_time).tolist(),
        sessions=_named(frame["session.id"], codes["session.id"]),
        addresses=addresses,
        devices=np.flatnonzero((codes["device.id"] >= 0) & (who >= 0) & flags.in_time).tolist(),
        columns=Columns(frame, wanted),
    )


def _named(names: pl.Series, codes: np.ndarray) -> Shown:
    """The names in a column of texts; an empty one names nothing."""
    shown = Shown.of(names, codes)
    return Shown.named([*(text or None for text in shown.texts), None], shown.codes)


def _acts(frame: pl.DataFrame, codes: Mapping[str, np.ndarray]) -> _Acts:
    is_own = (frame["aux.id"] == frame["user.id"]).fill_null(value=False).to_numpy()
    numbers, rows = together([*(codes[name] for name in _ACT), is_own.astype(np.int64)])
    distinct = frame.select(_ACT)[rows].with_columns(pl.Series(_OWN, is_own[rows]))
    words = distinct.select(_ACT_WORDS)
    return _Acts(
        deed=Shown.named(words["deed"].to_list(), numbers),
        teaches=words["teaches"].to_numpy()[numbers],
        marks=words["marks"].to_numpy()[numbers],
        sensitive=words["sensitive"].to_numpy()[numbers],
    )


def _shown(
    frame: pl.DataFrame, codes: Mapping[str, np.ndarray], acts: _Acts, addresses: Shown
) -> list[Shown]:
    """The values of every kind but `slot`."""

    def plain(name: str) -> Shown:
        return Shown.of(frame[name], codes[name])

    def put_together(names: Sequence[str], words: pl.Expr) -> Shown:
        numbers, rows = together([codes[name] for name in names])
        return Shown.named(frame.select(names)[rows].select(words).to_series().to_list(), numbers)

    networks_of = [*map(networks.network_of, addresses.texts), None]
    return [
        plain("source.country"),
        put_together(_PLACE, _PLACE_WORDS),
        Shown.named(networks_of, addresses.codes),
        plain("device.id"),
        put_together(_CLIENT, _CLIENT_WORDS),
        plain("vault.id"),
        plain("item.id"),
        acts.deed,
    ]


def _firsts(codes: np.ndarray, among: np.ndarray) -> list[int]:
    """The rows among those that show a value first."""
    rows = np.flatnonzero(among)
    _, places = numbered(codes[rows])
    found: list[int] = rows[places].tolist()
    return found


def _flags(times: np.ndarray, received: np.ndarray, acts: _Acts, clock: Clock) -> Flags:
    honest = np.where(times <= received, times, 0)
    clocks = np.maximum(np.maximum.accumulate(honest), clock.before)
    in_time = (times >= clocks - LATEST_US) & (times <= received + AHEAD_US)
    return Flags(
        clocks=clocks,
        steps=clocks // clock.step,
        in_time=in_time,
        prompt=in_time & (times >= clocks - PROMPT_US),
        teaches=acts.teaches & in_time,
    )
