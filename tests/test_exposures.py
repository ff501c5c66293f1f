"""What to rotate: everything that was taken after an alert's first event, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector import jobs
from detector.delivery.bulletins import Bulletin, Cause, Kind
from detector.delivery.exposures import DEEDS, Rotation, Suspects, certain, suspects, together
from detector.findings import Level, SubjectType
from detector.store.sqlite import Sqlite
from tests.api import World, items, world
from tests.delivery import NOON, alert, high
from tests.fakes import ORDERS, Mailbox, close, open_desk, round_
from tests.stories import Item, at, audit, usage

NOW = at("0:00")
THEFT = audit("ann", "lagos", "1 3:00", deed="export vault", object="vault-x", session="S-theft")
EDITING = replace(ORDERS, editing=frozenset({"mailbox"}))
ROTATE = ("attack.initial-access",)


def taken(place: str, time: str, **more: str) -> Item:
    """Ann reveals an item."""
    return usage("ann", place, time, **({"action": "reveal", "vault": "v1", "item": "i1"} | more))


@dataclass
class Told:
    """An engine that polls, and a mailbox that hears."""

    one: World
    box: Mailbox

    def go(self, to: str) -> None:
        """Poll and tell at that time."""
        self.one.poll(at(to) - self.one.clock())
        orders = EDITING if self.box.edits else ORDERS
        jobs.tell(round_(self.one.desk.store, self.one.clock(), orders), {"mailbox": self.box})

    @property
    def newest(self) -> Bulletin:
        """The newest message."""
        found = self.box.messages[-1]
        assert isinstance(found, Bulletin)
        return found

    @property
    def store(self) -> Sqlite:
        """What the engine stored."""
        return self.one.desk.store


@contextmanager
def telling(folder: Path, *more: Item, edits: bool = True) -> Iterator[Told]:
    """A theft at 3:00, and what else happens."""
    with world(folder, [*items(), THEFT, *more], NOW) as one:
        told = Told(one, Mailbox(edits=edits))
        one.poll()
        yield told


def listed(found: Rotation) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.vault, each.item, each.deeds) for each in found.entries]


def test_the_first_message_lists_what_was_taken_since_and_an_edit_what_came_after(
    tmp_path: Path,
) -> None:
    later = taken("lagos", "1 3:20", action="secure-copy")
    with telling(tmp_path, taken("lagos", "1 3:02"), later) as told:
        told.go("1 3:05")
        vault = ("vault-x", "", ("export",))
        assert listed(told.newest.rotation) == [vault, ("v1", "i1", ("reveal",))]

        told.go("1 3:25")
        assert (told.newest.kind, told.newest.cause) == (Kind.UPDATE, Cause.MORE_EXPOSED)
        assert listed(told.newest.rotation) == [vault, ("v1", "i1", ("reveal", "secure-copy"))]
        count = len(told.box.messages)
        told.go("1 3:40")
        assert len(told.box.messages) == count, "nothing was taken since, and nothing is said"


def test_what_was_taken_before_elsewhere_or_by_others_is_not_on_the_list(tmp_path: Path) -> None:
    others = (
        taken("lagos", "1 2:50", item="before"),
        taken("paris", "1 3:10", item="at home"),
        taken("lagos", "1 3:10", item="filled", action="fill"),
        usage("ben", "lagos", "1 3:10", action="reveal", item="of ben"),
    )
    with telling(tmp_path, *others) as told:
        told.go("1 3:15")
        found = told.newest.rotation
        assert listed(found) == [("vault-x", "", ("export",))]
        assert (found.vaults, found.items, found.elsewhere) == (1, 0, 1)


def test_a_mail_that_cannot_be_edited_is_followed_by_one_that_lists_it(tmp_path: Path) -> None:
    stolen = [taken("lagos", f"1 3:{minute}", item=f"i{minute}") for minute in range(10, 30)]
    with telling(tmp_path, *stolen, edits=False) as told:
        told.go("1 3:05")
        told.go("1 3:16")
        assert len(told.box.messages) == 1, "it gathers first"
        told.go("1 3:40")
        told.go("1 3:55")
        assert [each.cause for each in told.box.messages[1:]] == [Cause.MORE_EXPOSED]  # type: ignore[union-attr]
        assert (told.newest.rotation.vaults, told.newest.rotation.items) == (1, 20)
        assert len(told.newest.rotation.entries) == 10
        assert told.newest.rotation.more == 11
        assert len(told.store.exposures.of(told.newest.incident.id).entries) == 21


def test_a_list_is_the_same_however_often_it_was_brought_up_to_date(tmp_path: Path) -> None:
    stolen = [taken("lagos", f"1 3:{minute}", item=f"i{minute % 4}") for minute in range(10, 40)]
    with telling(tmp_path / "often", *stolen) as told:
        for minute in range(5, 45, 3):
            told.go(f"1 3:{minute}")
        often = told.store.exposures.of(told.newest.incident.id)
    with telling(tmp_path / "once", *stolen) as told:
        told.go("1 3:44")
        assert told.store.exposures.of(told.newest.incident.id) == often
        close(told.one.desk)
        told.one.desk = open_desk(tmp_path / "once", told.one.clock())
        told.go("1 3:50")
        assert told.store.exposures.of(told.newest.incident.id) == often


def test_whoever_is_forgotten_is_not_on_a_list(tmp_path: Path) -> None:
    with telling(tmp_path, taken("lagos", "1 3:02")) as told:
        told.go("1 3:05")
        incident = told.newest.incident.id
        told.store.forget("acme", "ANN", told.one.clock(), jobs.nowhere)
        assert told.store.exposures.of(incident) == Rotation()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, Suspects(NOON, "ANN")),
        ({"evidence": {"source.ip": "203.0.113.9"}}, Suspects(NOON, "ANN", "203.0.113.9")),
        ({"tags": ("attack.persistence",)}, None),
        ({"tags": ("attack.credential_access",)}, Suspects(NOON, "ANN")),
        ({"level": Level.LOW}, None),
    ],
)
def test_only_what_may_be_a_takeover_has_a_list(
    changed: dict[str, object], expected: Suspects | None
) -> None:
    assert suspects(high("ann", **({"tags": ROTATE} | changed))) == expected


def test_an_alert_about_an_address_looks_at_everybody_there() -> None:
    found = alert(tags=ROTATE)
    about = replace(found, subject=replace(found.subject, type=SubjectType.IP, id="203.0.113.9"))
    assert suspects(about) == Suspects(NOON, address="203.0.113.9")


names = st.none() | st.sampled_from(["a", "b"])
hours = st.integers(0, 3).map(lambda hour: NOON + timedelta(hours=hour))
crowd = st.lists(st.builds(Suspects, hours, names, names, names), max_size=5)


@given(crowd=crowd, more=crowd, person=names, place=names, session=names, time=hours)
def test_more_suspects_never_make_a_list_shorter(
    crowd: list[Suspects],
    more: list[Suspects],
    person: str | None,
    place: str | None,
    session: str | None,
    time: object,
) -> None:
    deed = {"event.time": time, "person": person, "source.ip": place, "session.id": session}
    rank = {None: 0, False: 1, True: 2}
    before = certain(together(crowd), deed)
    assert certain(together([*crowd, *more]), deed) in {
        said for said in rank if rank[said] >= rank[before]
    }
    assert together([*crowd, *crowd]) == together(crowd)


def test_every_deed_has_its_word() -> None:
    assert all(word.islower() for word in DEEDS.values())
