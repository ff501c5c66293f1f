"""The window: an id once, oldest frames out, and the price of a page whatever it holds."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.window import SeenIds, Window, contents
from tests import stories


@given(st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=12))
def test_ids_are_known_from_when_they_were_added(pages: list[list[int]]) -> None:
    seen, known = SeenIds(), dict[int, int]()
    for page in pages:
        ids = np.unique(np.array(page, dtype=np.uint64))
        found, hashes = seen.find(ids)
        assert found.tolist() == [int(each) in known for each in ids]
        assert hashes[found].tolist() == [known[int(each)] for each in ids[found]]
        fresh = ids[~found]
        seen.add(fresh, fresh * np.uint64(7))
        known |= {int(each): int(each) * 7 for each in fresh}

    assert len(seen) == len(known)


def test_the_same_id_in_one_page_is_admitted_once_and_another_content_is_counted() -> None:
    item = stories.usage("ann", "paris", "10:00")
    frame, hashes = stories.page([item, item, item])
    hashes = hashes.copy()
    hashes[2] += np.uint64(1)
    rows, changed = Window(timedelta(days=1)).fresh(frame, hashes)

    assert rows.tolist() == [0]
    assert changed == 1


def test_frames_leave_when_their_newest_event_left_the_window() -> None:
    window = Window(timedelta(days=1))
    for day in range(4):
        frame, _ = stories.page([stories.usage("ann", "paris", f"{day} 10:00")])
        window.admit(frame)
    window.evict(stories.at("3 11:00"))

    assert len(window) == 1
    assert window.frame()["event.time"].to_list() == [stories.at("3 10:00")]


def test_a_changed_raw_item_has_another_hash() -> None:
    one, other = contents([b"a", b"b"])

    assert one != other
    assert contents([b"a"])[0] == one


def test_many_ids_are_found_like_few() -> None:
    chance = np.random.default_rng(3)
    ids = np.unique(chance.integers(0, 2**63, 300_000, dtype=np.uint64))
    chance.shuffle(ids)
    seen = SeenIds()
    seen.add(ids[:200_000], ids[:200_000] * np.uint64(7))
    seen.add(ids[200_000:], ids[200_000:] * np.uint64(7))

    known, hashes = seen.find(ids)

    assert known.all()
    assert (hashes == ids * np.uint64(7)).all()
    assert not seen.find(ids + np.uint64(1))[0].all()
