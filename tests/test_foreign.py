"""Other products' events: files into frames, mapping files, and rules over both."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from detector.cli.main import run as main
from detector.foreign.mapping import EventMapping, Source, read_mapping
from detector.foreign.reading import read_events
from detector.foreign.stages import evidence, hits, stages, together
from detector.rulebook.book import Match
from detector.rulebook.loading import load
from detector.rulebook.logsources import LogSource
from detector.sources.lines import ReplayError

ROOT = Path(__file__).parent.parent
ID = "7c0c7b06-7a4a-4f0e-9f0a-3d3f5a7a000{}"


def matches(*rules: tuple[str, str]) -> tuple[Match, ...]:
    """Rules of a log source and a detection each, by number from 1."""
    texts = {
        str(number): f"title: Rule {number}\nid: {ID.format(number)}\n"
        f"logsource: {source}\ndetection: {detection}\n"
        for number, (source, detection) in enumerate(rules, 1)
    }
    loaded = load(texts)
    assert not loaded.mistakes, [str(mistake) for mistake in loaded.mistakes]
    return loaded.rulebook.matches


def write(path: Path, *events: Any) -> Path:
    """A file with one event a line."""
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return path


def found(rules: tuple[Match, ...], path: Path, mapping: EventMapping) -> dict[int, list[int]]:
    """The matching rows by the rule's number."""
    there = stages(read_events(path, mapping.flatten).frame, mapping)
    return {int(rule[-1]): rows.tolist() for rule, rows in together(hits(rules, there)).items()}


def mapping_of(text: str) -> EventMapping:
    """The mapping of a text without mistakes."""
    mapping, mistakes = read_mapping("m.yml", text)
    assert mapping is not None, mistakes
    return mapping


def test_nested_names_are_dotted_and_lists_stay_lists(tmp_path: Path) -> None:
    path = write(
        tmp_path / "e.ndjson",
        {"a": {"b": {"c": 1}}, "tags": ["x", 2, None], "who": [{"n": "ana"}, {"n": "bo", "m": 3}]},
        {"a.b.c": 2, "tags": "y", "late": True},
    )

    frame = read_events(path).frame

    assert frame["a.b.c"].to_list() == [1, 2]
    assert frame["tags"].to_list() == [["x", "2"], ["y"]]
    assert frame["who.n"].to_list() == [["ana", "bo"], None]
    assert frame["who.m"].to_list() == [["3"], None]
    assert frame["late"].to_list() == [None, True]


def test_a_value_that_is_sometimes_a_text_is_a_text(tmp_path: Path) -> None:
    path = write(tmp_path / "e.ndjson", {"v": 1}, {"v": "one"}, {"v": 1.5}, {"v": True})

    assert read_events(path).frame["v"].to_list() == ["1", "one", "1.5", "true"]


def test_lines_that_are_no_events_are_told_and_cost_no_other(tmp_path: Path) -> None:
    path = tmp_path / "e.ndjson"
    path.write_text('{"a": 1}\n\n[1]\n{"a": \n{"a": 2}\n', encoding="utf-8")

    events = read_events(path)

    assert events.frame["a"].to_list() == [1, 2]
    assert [(file, line) for file, line, _ in events.flaws] == [(str(path), 3), (str(path), 4)]


def test_json_files_may_hold_a_list_or_documents_over_many_lines(tmp_path: Path) -> None:
    one, two = json.dumps({"a": 1}, indent=2), json.dumps([{"a": 2}, {"a": 3}], indent=2)
    (tmp_path / "e.json").write_text(f"{one}\n{two}\n", encoding="utf-8")

    assert read_events(tmp_path / "e.json").frame["a"].to_list() == [1, 2, 3]


def test_parquet_packed_and_plain_files_say_the_same(tmp_path: Path) -> None:
    events = [
        {"n": 1, "t": "x", "in": {"k": [1, 2], "o": [{"z": "q"}]}, "f": 0.5, "b": False},
        {"n": 2, "t": None, "in": {"k": None, "o": []}, "f": None, "b": True},
    ]
    plain = write(tmp_path / "e.ndjson", *events)
    (tmp_path / "e.ndjson.gz").write_bytes(gzip.compress(plain.read_bytes()))
    pl.DataFrame(events).write_parquet(tmp_path / "e.parquet")

    frames = [
        read_events(tmp_path / name).frame.select("n", "t", "in.k", "in.o.z", "f", "b")
        for name in ("e.ndjson", "e.ndjson.gz", "e.parquet")
    ]

    assert frames[0].equals(frames[1])
    assert frames[0].to_dicts()[0] == frames[2].to_dicts()[0]
    assert len(read_events(tmp_path).frame) == 6


def test_files_with_unlike_columns_stand_below_each_other(tmp_path: Path) -> None:
    write(tmp_path / "a.ndjson", {"v": ["x"]})
    pl.DataFrame({"v": [1, None], "w": [True, False]}).write_parquet(tmp_path / "b.parquet")

    frame = read_events(tmp_path).frame

    assert frame["v"].to_list() in ([["1"], None, ["x"]], [["x"], ["1"], None])
    assert frame["w"].null_count() == 1


def test_nothing_to_read_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="no events"):
        read_events(tmp_path)
    with pytest.raises(ReplayError, match="no such file"):
        read_events(tmp_path / "x.ndjson")


MAPPING = """
flatten: [Data, More.*]
fields:
    Image: [exe, process.path]
sources:
    - logsource: {product: windows, category: process_creation}
      when: {EventID: 1}
    - logsource: [{product: windows, service: security}, {product: windows, service: system}]
      when: {Channel|startswith: S}
      fields: {User: account}
"""


def test_a_rule_sees_the_events_of_its_log_source_under_its_names(tmp_path: Path) -> None:
    rules = matches(
        ("{product: windows, category: process_creation}", "{s: {Image: a}, condition: s}"),
        ("{product: windows}", "{s: {Image: a}, condition: s}"),
        ("{product: windows, service: system}", "{s: {User: root}, condition: s}"),
        ("{product: linux}", "{s: {Image: a}, condition: s}"),
        ("{category: process_creation}", "{k: [A], condition: k}"),
        ("{product: windows, service: security}", "{s: {Threat Name: t}, condition: s}"),
        ("{product: windows, service: security}", "{s: {ThreatName: t}, condition: s}"),
    )
    path = write(
        tmp_path / "e.ndjson",
        {"EventID": 1, "exe": "a", "process": {"path": "z"}},
        {"EventID": "1", "process": {"path": "A"}},
        {"EventID": 2, "exe": "a"},
        {"Channel": "Security", "Data": {"account": "root", "exe": "a"}},
        {"Channel": "System", "More": {"X": {"Threat Name": "t"}, "Y": {"Threat Name": "u"}}},
    )

    assert found(rules, path, mapping_of(MAPPING)) == {
        1: [0, 1],
        2: [0, 1, 3],
        3: [3],
        5: [0, 1],
        6: [4],
        7: [4],
    }


def test_without_log_sources_all_events_are_offered_to_all_rules(tmp_path: Path) -> None:
    rules = matches(
        ("{product: okta, service: okta}", "{s: {actor.name: [ana]}, condition: s}"),
        ("{product: github}", "{s: {actor.name: null}, condition: s}"),
        ("{product: github}", "{s: {nobody.has.it: null}, condition: s}"),
        ("{product: github}", "{s: {a|fieldref: '^b$'}, condition: s}"),
    )
    path = write(tmp_path / "e.ndjson", {"actor": {"name": "Ana"}}, {"a": 1, "^b$": "1"}, {})

    assert found(rules, path, EventMapping()) == {1: [0], 2: [1, 2], 3: [0, 1, 2], 4: [1]}


def test_evidence_is_what_the_rule_asked_for(tmp_path: Path) -> None:
    rules = matches(("{product: x}", "{s: {a: 1, b|exists: true}, k: [z], condition: s or k}"))
    path = write(tmp_path / "e.ndjson", {"a": 1, "b": ["y"], "c": 3}, {"c": "xyz"})
    ((match, stage, rows),) = hits(rules, stages(read_events(path).frame, EventMapping()))

    assert evidence(match, stage, rows) == [{"a": 1, "b": ["y"]}, {}]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("feilds: {a: b}", "m.yml:1:1: feilds: not a key; did you mean 'fields'?"),
        ("fields: {a: 1}", "m.yml:1:13: fields.a: '1' is not a text; put it in quotes"),
        ("sources: []", "m.yml:1:10: sources: not a list of log sources"),
        (
            "sources:\n  - {when: {a: 1}}",
            "m.yml:2:5: sources[0].logsource: a log source is needed",
        ),
        (
            "sources:\n  - logsource: {product: x}\n    when: {a|contain: b}",
            "m.yml:3:12: detection.when.a|contain: 'contain' is not a modifier",
        ),
        ("a: b\n---\nc: d", "m.yml:1:1: one mapping a file is expected"),
        ("fields: [", "m.yml:2:1: not YAML"),
    ],
)
def test_a_mistake_in_a_mapping_has_its_place(text: str, place: str) -> None:
    mapping, mistakes = read_mapping("m.yml", text)

    assert mapping is None
    assert str(mistakes[0]).startswith(place), [str(mistake) for mistake in mistakes]


def test_the_mappings_on_the_pages_are_read() -> None:
    for path in (ROOT / "docs" / "mappings").glob("*.yml"):
        mapping, mistakes = read_mapping(path.name, path.read_text("utf-8"))
        assert mapping is not None, mistakes
        assert mapping.sources
    assert Source().name == "any log source"
    assert Source((LogSource("a", "b"),)).name == "a/b"


def test_backtest_runs_rules_over_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    events = write(
        tmp_path / "e.ndjson", {"id": 7, "at": "2026-01-01T00:00:00Z", "act": "grant"}, {"act": 1}
    )
    (tmp_path / "m.yml").write_text("{time: at, id: id, fields: {action: act}}", "utf-8")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.yml").write_text(
        f"title: Granted\nid: {ID.format(1)}\nlevel: high\nlogsource: {{product: other}}\n"
        "detection: {s: {action: [grant, 1]}, condition: s}\n",
        "utf-8",
    )
    arguments = ["backtest", "--events", str(events), "--mapping", "m.yml", "--rules", "rules"]

    assert main(arguments) == 0

    out, err = capsys.readouterr()
    first, second = map(json.loads, out.splitlines())
    assert first["rule"] == {"id": ID.format(1), "name": "granted", "title": "Granted"}
    assert (first["level"], first["time"]) == ("high", "2026-01-01T00:00:00Z")
    assert (first["event_ids"], second["event_ids"]) == (["7"], [f"{events}:2"])
    assert first["evidence"] == {"action": "grant"}
    assert first["id"] != second["id"]
    assert "2 events, 1 rules, 2 matches of 1 rules" in err


def test_a_report_says_what_loaded_what_failed_and_what_fired(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "e.ndjson", {"act": "grant"}, {"act": "revoke"}, {"act": "grant"})
    (tmp_path / "m.yml").write_text(
        "sources: [{logsource: {product: other}, fields: {action: act}}]", "utf-8"
    )
    (tmp_path / "rules").mkdir()
    for number, (product, item) in enumerate(
        [("other", "action: grant"), ("absent", "a: b"), ("other", "a|expand: '%x%'")]
    ):
        (tmp_path / "rules" / f"r{number}.yml").write_text(
            f"title: Rule {number}\nid: {ID.format(number)}\nlevel: high\n"
            f"logsource: {{product: {product}}}\ndetection: {{s: {{{item}}}, condition: s}}\n",
            "utf-8",
        )

    inputs = ["--events", "e.ndjson", "--mapping", "m.yml", "--rules", "rules"]

    code = main(["backtest", *inputs, "--out", "hits.ndjson", "--report", "report.json"])

    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert (code, capsys.readouterr().out) == (1, "")
    assert report["documents"] == {"found": 3, "loaded": 2}
    assert [(m["file"], m["line"]) for m in report["mistakes"]] == [("rules/r2.yml", 5)]
    assert report["events"] == {"read": 3, "set_aside": 0}
    assert report["rules"] == {"run": 2, "without_events": 1, "fired": 1}
    assert report["fired"] == [
        {"id": ID.format(0), "title": "Rule 0", "level": "high", "matches": 2}
    ]
    assert len((tmp_path / "hits.ndjson").read_text("utf-8").splitlines()) == 2


def test_a_bad_mapping_is_said_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.yml").write_text("feilds: {}", "utf-8")

    code = main(["backtest", "--events", str(tmp_path), "--mapping", str(tmp_path / "m.yml")])

    assert code == 2
    assert "did you mean 'fields'?" in capsys.readouterr().err
