"""What an event shows about the person behind it: kinds of things, and their values.

Made once per page, as plain lists by row, because what follows is one event at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from detector import actions, events, networks

KINDS: Final = ("country", "place", "network", "device", "client", "vault", "item", "deed", "slot")
COUNTRY, PLACE, NETWORK, DEVICE, CLIENT, VAULT, ITEM, DEED, SLOT = range(len(KINDS))
"""Positions in KINDS; `slot` is the hour of the local week and needs the person's zone."""

EXTRACTED, FAILED, PRIVILEGED, SUCCEEDED = range(1, 5)
SUCCESS: Final = ("success", "firewall_reported_success")


@dataclass(frozen=True, slots=True)
class Observations:
    """One page of events as lists by row. Times are microseconds since 1970 in UTC.

    `values[kind][row]` for the kinds before `slot`; `teaches[row]` is false for what proves
    nothing about a person, such as a failed sign-in.
    """

    seqs: Sequence[int]
    times: Sequence[int]
    received: Sequence[int]
    people: Sequence[str | None]
    ids: Sequence[str]
    teaches: Sequence[bool]
    marks: Sequence[int]
    """What the event is to the model: 0, EXTRACTED, FAILED, PRIVILEGED or SUCCEEDED."""
    values: tuple[Sequence[str | None], ...]
    contexts: tuple[tuple[int, Sequence[tuple[str | None, ...]]], ...]
    """The same values bundled: where and with what (kinds 0 to 4), and on what (from VAULT)."""
    sensitive: Sequence[int]
    """Rows of actions that weaken the account or take secrets out of it, ascending."""
    devices: Sequence[int]
    """Rows of audit events that name the device of a session, ascending."""
    columns: dict[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(self.seqs)


_DEED: Final = pl.concat_str(
    [pl.col("event.action").fill_null(""), pl.col("object.type").fill_null("item")], separator=" "
)


def _one_of(pairs: frozenset[tuple[str, str]], *more: str) -> pl.Expr:
    return _DEED.is_in([f"{action} {kind}" for action, kind in sorted(pairs)] + list(more))


_SUCCESS_ROW: Final = pl.col("event.category").is_in(list(SUCCESS))
_SIGNIN_ROW: Final = pl.col("event.feed") == events.SIGNIN
_FINGERPRINT: Final = pl.concat_str(
    [
        pl.col(name).fill_null("?")
        for name in ("client.app_name", "client.platform_name", "client.os_name")
    ],
    separator=" | ",
)
_WORDS: Final = [
    pl.when(pl.col("source.city").is_not_null())
    .then(
        pl.concat_str(
            [
                pl.col(name).fill_null("")
                for name in ("source.city", "source.region", "source.country")
            ],
            separator="|",
        )
    )
    .alias("place"),
    pl.when(pl.col("client.app_name").is_not_null()).then(_FINGERPRINT).alias("client"),
    pl.concat_str(
        pl.col("event.feed").str.head(1),
        pl.lit(":"),
        pl.coalesce("event.action", "event.category").fill_null("?"),
        pl.lit(":"),
        pl.col("object.type").fill_null(""),
    ).alias("deed"),
    (~_SIGNIN_ROW | _SUCCESS_ROW).fill_null(value=False).alias("teaches"),
    pl.when(_SIGNIN_ROW)
    .then(pl.when(_SUCCESS_ROW).then(SUCCEEDED).otherwise(FAILED))
    .when(_one_of(frozenset(), "reveal item", "secure-copy item", "export item"))
    .then(EXTRACTED)
    .when(_one_of(actions.PRIVILEGED))
    .then(PRIVILEGED)
    .otherwise(0)
    .alias("marks"),
    _one_of(actions.SENSITIVE, "export item")
    .alias("sensitive"),
    pl.col("event.time").dt.timestamp("us").alias("time_us"),
    pl.col("event.received").dt.timestamp("us").alias("received_us"),
]


def observe(frame: pl.DataFrame, wanted: Sequence[str] = ()) -> Observations:
    """The observations of a page, with the `wanted` event columns as lists beside them."""
    words = frame.select(
        "event.seq", "event.id", "person", "source.country", "source.ip", "device.id",
        "vault.id", "item.id", *_WORDS,
    )  # fmt: skip
    lists = {name: words[name].to_list() for name in words.columns}
    nets = [networks.network_of(ip) if ip else None for ip in lists["source.ip"]]
    columns = {
        name: lists[name] if name in lists else frame[name].to_list() for name in wanted
    }
    where = (lists["source.country"], lists["place"], nets, lists["device.id"], lists["client"])
    what = (lists["vault.id"], lists["item.id"], lists["deed"])
    return Observations(
        seqs=lists["event.seq"],
        times=lists["time_us"],
        received=lists["received_us"],
        people=lists["person"],
        ids=lists["event.id"],
        teaches=lists["teaches"],
        marks=lists["marks"],
        values=(*where, *what),
        contexts=(
            (COUNTRY, list(zip(*where, strict=True))),
            (VAULT, list(zip(*what, strict=True))),
        ),
        sensitive=words["sensitive"].arg_true().to_list(),
        devices=(words["device.id"].is_not_null() & words["person"].is_not_null()).arg_true().to_list(),
        columns=columns,
    )  # fmt: skip
