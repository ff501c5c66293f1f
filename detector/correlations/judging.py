"""When a group fires: at its newest entry, where a late one comes between, and when time is up.

What more events can only fulfil is judged at once, also in the windows that a late event joins.
What more events can undo is judged when the allowance for late events is over; an event that
comes still later judges anew, and what it makes untrue is named, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from detector.correlations.definition import ALLOWANCE_US, Definition
from detector.correlations.groups import MOST_ENTRIES, CorrelationTail, Group
from detector.correlations.walks import AnyWalk, Count, Entry


@dataclass(frozen=True, slots=True)
class Firing:
    """A window of a group that holds: its last entry, its first, and what was counted in it.

    `news` are the places of its entries that no firing named before. `undone`: it held, and
    does no more. `silent`: nothing followed its last entry for a whole span.
    """

    group: Group
    at: int
    low: int
    value: float
    shown: list[Any] = field(default_factory=list)
    news: tuple[int, ...] = ()
    undone: bool = False
    silent: bool = False


def take(what: Definition, tail: CorrelationTail, group: Group, entry: Entry) -> Iterable[Firing]:
    """Put an entry in its place, and judge what can be judged."""
    if rest(what, tail, group, (entry,)):
        return ()
    group.rules |= entry.rules
    if len(group.entries) >= MOST_ENTRIES:
        _make_room(what, tail, group)
    place = group.place_of(entry.time)
    group.entries.insert(place, entry)
    tail.kept += 1
    if place < group.judged:
        return _between(what, group, place)
    return () if what.waits else _onward(what, group, len(group.entries))


def rest(what: Definition, tail: CorrelationTail, group: Group, fresh: Sequence[Entry]) -> bool:
    """Put entries in their places if no window that they join can hold; else do nothing.

    That is seen quickly, and is so for most events of most rules: the walk need not move.
    """
    count = len(group.entries)
    if what.waits or count != group.judged or count + len(fresh) > MOST_ENTRIES:
        return False
    rules = group.rules
    for entry in fresh:
        rules |= entry.rules
    if not what.needs & ~rules and not _is_sparse(what, group, fresh):
        return False
    for entry in fresh:
        group.entries.insert(group.place_of(entry.time), entry)
    group.judged += len(fresh)
    group.rules, group.asleep = rules, True
    tail.kept += len(fresh)
    return True


def _is_sparse(what: Definition, group: Group, fresh: Sequence[Entry]) -> bool:
    """Whether no window that fresh entries could be in holds as many as it must."""
    others, entries, times = what.fewest - 1, group.entries, [entry.time for entry in fresh]
    if not others or len(entries) + len(times) <= others:
        return bool(others)
    low = group.first_since(min(times) - what.span)
    high = group.place_of(max(times) + what.span)
    times = sorted([*(entry.time for entry in entries[low:high]), *times])
    return all(end - start > what.span for start, end in zip(times, times[others:], strict=False))


def close(what: Definition, group: Group, clock: int) -> Iterator[Firing]:
    """Judge what waited for late events, as far as their time is over at `clock`."""
    yield from _onward(what, group, group.place_of(clock - ALLOWANCE_US))
    last = len(group.entries) - 1
    over = group.entries[last].time + what.span + ALLOWANCE_US <= clock
    if what.hears_silence and over and group.judged > last:
        yield from _silence(group, last)


def _make_room(what: Definition, tail: CorrelationTail, group: Group) -> None:
    """Let the oldest tenth of a full group go; its newest window is walked again."""
    most = max(MOST_ENTRIES, 2 * int(what.asked.least or 0))
    if len(group.entries) < most:
        return
    tail.crowded += most // 10
    tail.trim(group, most // 10)
    group.asleep = True


def _wake(what: Definition, group: Group) -> None:
    """Let the walk stand before the first entry that is not judged."""
    low = group.first_since(group.entries[group.judged].time - what.span)
    group.walk, group.asleep = what.walk(low), False
    for at in range(low, group.judged):
        group.walk.step(group.entries, at, what.span)


def _onward(what: Definition, group: Group, end: int) -> Iterator[Firing]:
    """Judge the entries up to that place; none behind them is judged yet."""
    if group.asleep and group.judged < end:
        _wake(what, group)
    while group.judged < end:
        at = group.judged
        group.walk.step(group.entries, at, what.span)
        group.judged += 1
        if what.hears_silence and at and _gap(group, at - 1) > what.span:
            yield from _silence(group, at - 1)
        if what.asked.hold(group.walk.value(at)):
            yield _fired(group, at, group.walk)


def _between(what: Definition, group: Group, place: int) -> Iterator[Firing]:
    """Judge anew the windows that a late entry has joined."""
    if what.only_grows and isinstance(group.walk, Count):
        return _among_counted(what, group, place)
    return _walked_again(what, group, place)


def _walked_again(what: Definition, group: Group, place: int) -> Iterator[Firing]:
    """By a walk over all that the windows hold; of the order of the window's length."""
    entries, joined = group.entries, group.entries[place]
    group.judged += 1
    at = group.first_since(joined.time - what.span)
    walk = what.walk(at)
    while at < group.judged and entries[at].time <= joined.time + what.span:
        walk.step(entries, at, what.span)
        if at >= place:
            yield from _again(what, group, at, joined, walk)
        at += 1
    if at == group.judged:
        group.walk, group.asleep = walk, False
    else:
        group.walk.left += 1
    if what.hears_silence:
        yield from _broken_silence(what, group, place)


def _among_counted(what: Definition, group: Group, place: int) -> Iterator[Firing]:
    """The same where entries are only counted, and more of them only fulfil: without a walk."""
    entries, joined, span = group.entries, group.entries[place], what.span
    group.judged += 1
    left = group.first_since(joined.time - span)
    end = min(group.place_of(joined.time + span), group.judged)
    if end == group.judged:
        group.walk.left = group.first_since(entries[end - 1].time - span)
    else:
        group.walk.left += 1
    if not what.asked.hold(end - left):
        return  # All that these windows have together would not be enough for one of them.
    for at in range(place, end):
        entry = entries[at]
        if entry.held and joined.told:
            continue
        oldest = entry.time - span
        while entries[left].time < oldest:
            left += 1
        if what.asked.hold(at - left + 1):
            yield _fired(group, at, Count(left), deep=True)


def _again(
    what: Definition, group: Group, at: int, joined: Entry, walk: AnyWalk
) -> Iterator[Firing]:
    """Judge one entry's window anew, which an entry has joined."""
    entry = group.entries[at]
    if entry.held and joined.told and what.only_grows:
        return
    if what.asked.hold(walk.value(at)):
        if not (entry.held and joined.told):
            yield _fired(group, at, walk, deep=True)
    elif entry.held:
        entry.held = False
        yield Firing(group, at, walk.left, walk.value(at), walk.shown(), undone=True)


def _fired(group: Group, at: int, walk: AnyWalk, *, deep: bool = False) -> Firing:
    """The firing of the window that the walk stands at.

    At the newest entry what is not told yet is a row at the end; only late entries lie deeper.
    """
    group.entries[at].held = True
    news = []
    for place in range(at, walk.left - 1, -1):
        entry = group.entries[place]
        if not entry.told:
            entry.told = True
            news.append(place)
        elif not deep:
            break
    return Firing(group, at, walk.left, walk.value(at), walk.shown(), tuple(reversed(news)))


def _silence(group: Group, place: int) -> Iterator[Firing]:
    """That nothing came after an entry for a whole span; once."""
    if not group.entries[place].quiet:
        group.entries[place].quiet = True
        yield Firing(group, place, place, 0, silent=True)


def _broken_silence(what: Definition, group: Group, place: int) -> Iterator[Firing]:
    """What a late entry makes of the silence that it falls into."""
    before = place - 1
    if place and group.entries[before].quiet and _gap(group, before) <= what.span:
        group.entries[before].quiet = False
        yield Firing(group, before, before, 0, undone=True, silent=True)
    if place + 1 < group.judged and _gap(group, place) > what.span:
        yield from _silence(group, place)


def _gap(group: Group, place: int) -> int:
    return group.entries[place + 1].time - group.entries[place].time
