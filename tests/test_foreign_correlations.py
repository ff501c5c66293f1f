"""Correlations over other products' events: every type, against plain Python and against SQLite."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.cli.main import run as main
from detector.foreign.correlating import Watched, watch
from detector.foreign.mapping import EventMapping
from detector.foreign.reading import LINE
from detector.foreign.sqlite_correlations import ours, theirs
from detector.foreign.sqlite_engine import NotComparable
from detector.foreign.stages import stages
from detector.foreign.times import UNKNOWN
from detector.rulebook.loading import load

ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000{}"
SECOND = 1_000_000
SPAN = 10
Event = dict[str, Any]


def base(name: str) -> dict[str, Any]:
    """A rule that matches the events of one kind."""
    detection = {"s": {"kind|contains": name}, "condition": "s"}
    return {
        "title": name,
        "name": name,
        "id": ID.format("abc".index(name)),
        "logsource": {"product": "other"},
        "detection": detection,
    }


def correlation(kind: str, number: int = 3, **told: Any) -> dict[str, Any]:
    """A correlation of the base rules over SPAN seconds."""
    body = {"type": kind, "rules": ["a"], "group-by": ["host"], "timespan": f"{SPAN}s"} | told
    body = {key.replace("_", "-") if key == "group_by" else key: each for key, each in body.items()}
    return {"title": kind, "name": f"c{number}", "id": ID.format(number), "correlation": body}


def run(events: list[Event], *correlations: dict[str, Any]) -> Watched:
    """What the correlations make of events, whose `at` is their time in seconds."""
    documents = [*map(base, "abc"), *correlations]
    text = yaml.safe_dump_all(documents)
    loaded = load({"r.yml": text})
    assert not loaded.mistakes, [str(each) for each in loaded.mistakes]
    columns = {name: [event.get(name) for event in events] for name in ("kind", "host", "v")}
    frame = pl.DataFrame({LINE: range(1, len(events) + 1), **columns}, strict=False)
    there = stages(frame, EventMapping())
    times = np.array([UNKNOWN if e["at"] is None else e["at"] * SECOND for e in events])
    return watch(loaded.rulebook, there, times)


def fired(watched: Watched, number: int = 3) -> set[tuple[str, int]]:
    """Group and second of each window of a correlation that held."""
    return {
        (group[0] if group else "", time // SECOND)
        for rule, group, time in ours(watched.findings)
        if rule == ID.format(number)
    }


# What the specification says, in plain Python: the window of every matching event, both ends in.


def expected(events: list[Event], kind: str, holds: Any) -> set[tuple[str, int]]:
    """The windows that hold; `holds` is asked about the matching events of each."""
    found = set()
    mine = [event for event in events if event["host"] is not None and event["kind"]]
    if kind.startswith("value_"):
        mine = [event for event in mine if event["v"] is not None]
    for event in mine:
        window = [
            each
            for each in mine
            if each["host"] == event["host"] and event["at"] - SPAN <= each["at"] <= event["at"]
        ]
        if holds(sorted(window, key=lambda each: each["at"])):
            found.add((event["host"], event["at"]))
    return found


def in_order(window: list[Event]) -> bool:
    """Whether an a, then a b, then a c is in a window."""
    wanted = 0
    for event in window:
        if wanted < 3 and "abc"[wanted] in event["kind"]:
            wanted += 1
    return wanted == 3


def percentile(values: list[int], percent: float) -> float:
    """Linear between the nearest two, as numpy and the service have it."""
    return float(np.percentile(values, percent))


VALUES = lambda window: [event["v"] for event in window]  # noqa: E731
EVERY = {"rules": ["a", "b", "c"]}
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "event_count": ({"condition": {"gte": 3}}, lambda w: len(w) >= 3),
    "value_count": (
        {"condition": {"gt": 1, "field": "v"}}, lambda w: len(set(VALUES(w))) > 1
    ),
    "temporal": (EVERY, lambda w: {k for e in w for k in e["kind"]} == set("abc")),
    "temporal_ordered": (EVERY, in_order),
    "value_sum": ({"condition": {"gt": 9, "field": "v"}}, lambda w: sum(VALUES(w)) > 9),
    "value_avg": ({"condition": {"lt": 4, "field": "v"}}, lambda w: mean(VALUES(w)) < 4),
    "value_median": ({"condition": {"gte": 4, "field": "v"}}, lambda w: median(VALUES(w)) >= 4),
    "value_percentile": (
        {"condition": {"gte": 6, "field": "v", "percentile": 75}},
        lambda w: percentile(VALUES(w), 75) >= 6,
    ),
}  # fmt: skip


def made(kinds: list[str]) -> st.SearchStrategy[list[Event]]:
    """Events at different seconds, in any order."""
    event = st.fixed_dictionaries(
        {
            "at": st.integers(0, 60),
            "kind": st.sampled_from(kinds),
            "host": st.sampled_from(["x", "X", "y", None]),
            "v": st.none() | st.integers(0, 9),
        }
    )
    return st.lists(event, min_size=1, max_size=25, unique_by=lambda each: each["at"])


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_type_is_what_plain_python_and_another_engine_say(kind: str, data: Any) -> None:
    told, holds = CASES[kind]
    several = "rules" in told
    events = data.draw(made(["a", "b", "c", "d"] if several else ["a", "d"]))
    for event in events:
        event["kind"] = event["kind"].replace("d", "")
    watched = run(events, correlation(kind, **told))

    assert fired(watched) == expected(events, kind, holds)
    if watched.shown is not None:
        entry = watched.shown.entries[0]
        assert theirs(entry, watched.shown) == ours(watched.findings)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(made(["a", "b", "ab"]))
def test_a_chain_is_what_another_engine_says(events: list[Event]) -> None:
    chain = [
        correlation("event_count", condition={"gte": 2}),
        correlation("event_count", 4, rules=["b"], condition={"gte": 2}),
        correlation("temporal", 5, rules=["c3", "c4"]),
    ]
    watched = run(events, *chain)

    if watched.shown is not None:
        outer = watched.shown.entries[-1]
        mine = {each for each in ours(watched.findings) if each[0] == ID.format(5)}
        assert theirs(outer, watched.shown) == mine


def test_events_without_group_value_or_time_are_counted() -> None:
    events: list[Event] = [
        {"at": 1, "kind": "a", "host": "x", "v": 5},
        {"at": 2, "kind": "a", "host": None, "v": 5},
        {"at": 3, "kind": "a", "host": "x", "v": None},
        {"at": None, "kind": "a", "host": "x", "v": 5},
    ]
    watched = run(events, correlation("value_sum", condition={"gte": 5, "field": "v"}))

    tail = watched.tails[ID.format(3)]
    assert (tail.ungrouped, tail.valueless, watched.undated) == (1, 1, 1)
    assert fired(watched) == {("x", 1)}


def test_that_nothing_comes_is_found_between_the_events_and_at_the_end() -> None:
    events = [{"at": at, "kind": "a", "host": "x", "v": 1} for at in (0, 5, 100_000)]
    watched = run(events, correlation("event_count", condition={"lt": 1}))

    silent = sorted(finding.time.timestamp() for finding in watched.findings)
    assert silent == [5 + SPAN, 100_000 + SPAN]


RULES = """
title: Failed logon
name: failed
id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0001
logsource: {product: other, service: logons}
detection: {s: {outcome: failure}, condition: s}
---
title: Logon
name: logon
id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0002
logsource: {product: other, service: sessions}
detection: {s: {result: ok}, condition: s}
---
title: Many failures, then a logon
id: 7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a0003
level: high
correlation:
    type: temporal_ordered
    rules: [failed, logon]
    group-by: [who]
    timespan: 5m
    aliases: {who: {failed: User, logon: SessionUser}}
"""
MAPPING = """
time: [at, "@timestamp"]
id: uid
sources:
    - logsource: {product: other, service: logons}
      when: {type: logon}
      fields: {User: actor.name}
    - logsource: {product: other, service: sessions}
      when: {type: session}
      fields: {SessionUser: owner}
"""


def test_a_correlation_joins_log_sources_that_call_a_field_differently(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    events = [
        {"uid": "4", "type": "session", "result": "ok", "owner": "ana", "at": 1_767_225_780},
        {"uid": "1", "type": "logon", "outcome": "failure", "actor": {"name": "ana"},
         "@timestamp": "2026-01-01T00:00:00Z"},
        {"uid": "2", "type": "logon", "outcome": "failure", "actor": {"name": "bo"},
         "@timestamp": "2026-01-01T01:01:00+01:00"},
        {"uid": "3", "type": "session", "result": "ok", "owner": "eve", "at": 1_767_225_720_000},
    ]  # fmt: skip
    (tmp_path / "e.ndjson").write_text("\n".join(map(json.dumps, events)), "utf-8")
    (tmp_path / "m.yml").write_text(MAPPING, "utf-8")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.yml").write_text(RULES, "utf-8")
    arguments = ["backtest", "--events", "e.ndjson", "--mapping", "m.yml", "--rules", "rules"]

    code = main([*arguments, "--compare", "sqlite", "--report", "report.json"])

    out, err = capsys.readouterr()
    (alert,) = map(json.loads, out.splitlines())
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert code == 0, err
    assert alert["event_ids"] == ["1", "4"]
    assert (alert["first_time"], alert["time"]) == ("2026-01-01T00:00:00Z", "2026-01-01T00:03:00Z")
    assert alert["evidence"]["group"] == {"who": "ana"}
    assert alert["summary"] == "'Failed logon', then 'Logon' for ana within 5 minutes"
    assert report["correlations"]["run"][0]["alerts"] == 1
    assert report["compared"]["unexplained"] == 0
    assert "1 correlations: 1 windows held, 1 alerts" in err


def test_what_takes_the_other_engine_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detector.foreign.sqlite_correlations.MOST_STEPS", 0)
    events: list[Event] = [
        {"at": at, "kind": "abc"[at % 3], "host": "x", "v": 1} for at in range(120)
    ]
    watched = run(events, correlation("temporal_ordered", **EVERY))
    assert watched.shown is not None

    with pytest.raises(NotComparable, match="takes SQLite too long"):
        theirs(watched.shown.entries[0], watched.shown)
