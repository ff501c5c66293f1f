"""What the windows of a correlation hold around one event, counted by the engine's own walks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from detector import workhours
from detector.correlations.correlation import Correlation
from detector.correlations.definition import ALLOWANCE_US
from detector.correlations.firings import span_of
from detector.correlations.groups import CorrelationTail, Group
from detector.explaining.explanation import Line, Part
from detector.wording import plural


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a group that holds the event: its entries from `low` to `at`, and its value.

    `shown` is what stands behind the value: newest values, or the times of steps (microseconds).
    """

    group: Group
    at: int
    low: int
    value: float
    shown: Sequence[Any]


def fullest(logic: Correlation, tail: CorrelationTail, seq: int) -> Window | None:
    """Of all windows that hold the event of that seq the fullest; null if it was not counted.

    Where less is what the rule asks for, the window that ends with the event.
    """
    found: list[Window] = []
    # A group that takes an entry is touched, and so stands at the end.
    for group in list(tail.groups.values())[-2 * len(logic.bases) - 1 :]:
        place = next((at for at, each in enumerate(group.entries) if seq in each.seqs), None)
        if place is not None:
            found += _windows(logic, group, place)
    if not found or not logic.asked.rising:
        return found[0] if found else None
    return max(found, key=lambda each: _seen(logic, each))


def missing(logic: Correlation) -> str:
    """What an event must say to be counted, in words."""
    fields = {name for base in logic.bases for name in (*base.keys, *base.values)}
    return " and ".join(sorted(fields)) or "nothing"


def told(logic: Correlation, window: Window) -> tuple[Part, str]:
    """The window line by line, and what it comes to in a few words."""
    group, entries = window.group, window.group.entries
    span = span_of(logic.span // 1_000_000)
    by = " and ".join(f"{name} {value}" for name, value in zip(logic.keys, group.key, strict=True))
    first, last = entries[window.low].time, entries[window.at].time
    lines = [
        Line(None, f"counted by {by}" if by else "counted in the whole account"),
        Line(
            None, f"the window of {span} begins with {_clock(first)} and ends with {_clock(last)}"
        ),
        Line(None, f"it holds {plural(window.at - window.low + 1, 'event')}"),
    ]
    lines += _asked(logic, window)
    if logic.waits:
        when = workhours.instant(last + ALLOWANCE_US)
        lines.append(
            Line(None, f"more events can undo it, so it is judged after {when:%Y-%m-%d %H:%M} UTC")
        )
    return Part("What the window holds", tuple(lines)), _word(logic, window, span)


def _asked(logic: Correlation, window: Window) -> list[Line]:
    holds = logic.asked.hold(window.value)
    if not _is_of_steps(logic):
        least = logic.asked.least
        gap = None if least is None else window.value - least
        said = f"counted {window.value:,g}; the rule asks for {logic.asked.words}"
        return [Line(holds, said, gap=gap, unit="counted")]
    times = [*window.shown, *[None] * (len(logic.bases) - len(window.shown))]
    lines = [
        Line(time is not None, f"{base.phrase}: {_clock(time) if time is not None else 'not seen'}")
        for base, time in zip(logic.bases, times, strict=False)
    ]
    order = " one after the other" if logic.kind == "temporal_ordered" else ""
    lines.append(Line(holds, f"the rule asks for {logic.asked.words}{order}"))
    return lines


def _word(logic: Correlation, window: Window, span: str) -> str:
    if _is_of_steps(logic):
        return f"{_seen(logic, window):g} of {len(logic.bases)} steps were seen within {span}"
    return (
        f"{window.value:,g} were counted within {span}, and the rule asks for {logic.asked.words}"
    )


def _windows(logic: Correlation, group: Group, place: int) -> Iterator[Window]:
    """The window that ends at an entry, and those of later entries that it is in."""
    entries, time = group.entries, group.entries[place].time
    at = group.first_since(time - logic.span)
    walk = logic.walk(at)
    while at < len(entries) and entries[at].time <= time + logic.span:
        walk.step(entries, at, logic.span)
        if at >= place:
            yield Window(group, at, walk.left, walk.value(at), walk.shown())
        at += 1


def _is_of_steps(logic: Correlation) -> bool:
    return logic.kind in {"temporal", "temporal_ordered"}


def _seen(logic: Correlation, window: Window) -> float:
    """How full a window is; of a set of rules how many were seen."""
    return int(window.value).bit_count() if logic.kind == "temporal" else window.value


def _clock(time: int) -> str:
    return f"{workhours.instant(time):%Y-%m-%d %H:%M:%S} UTC"
