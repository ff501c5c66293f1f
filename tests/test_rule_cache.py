"""Rule sets on disk: what is kept is what was loaded, and no fault of the disk is ever seen."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detector import events, files, rule_cache
from detector.cli.main import run
from detector.rule_cache import MOST_FILES, RuleCache, below, nearest
from detector.rulebook import archive
from detector.rulebook.explaining import explain
from detector.rulebook.loaded import Loaded
from detector.rulebook.loading import load

TODAY = date(2026, 3, 2)
SHIPPED = files.rules(None)
RULE = """
title: Vault exported
id: 00000000-0000-4000-8000-000000000001
name: exported
logsource: {product: onepassword, service: auditevents}
detection:
    s:
        action: [export, "x?y*"]
        object_type|re|i: vaul[t]
        actor_details.email|expand: '%admins%'
    n:
        object_type: null
    condition: s or not n
tests:
    - name: it is
      events: [{at: 0h, feed: auditevents, action: export}]
      expect: {alerts: 1}
"""
COUNTED = """
title: Many
id: 00000000-0000-4000-8000-000000000002
correlation:
    type: value_avg
    rules: [exported]
    timespan: 1h
    group-by: [user.id]
    condition: {gt: 10, lt: 20.5, field: event.seq}
"""
TOGETHER = """
title: Both
id: 00000000-0000-4000-8000-000000000003
correlation:
    type: temporal
    rules: [exported, other]
    timespan: 1h
    aliases: {who: {exported: actor_uuid, other: actor_uuid}}
    group-by: [who]
    condition: exported and not other
---
title: Other
id: 00000000-0000-4000-8000-000000000004
name: other
logsource: {product: onepassword, service: auditevents}
detection: {s: {action: [1, 1.5, -0.0, true, "1"]}, condition: s}
"""
EXEMPT = """
title: Not the bridge
id: 00000000-0000-4000-8000-000000000005
logsource: {product: onepassword}
filter: {rules: [exported], b: {client.app_name: Bridge}, condition: not b}
expires: 2026-03-09
"""
FOREIGN = """
title: Of Windows
id: 00000000-0000-4000-8000-000000000006
logsource: {product: windows, category: process_creation}
detection: {keywords: [mimikatz, 4688], net: {Ip|cidr: 10.0.0.0/8, Size|gte: 5, A|fieldref: B}, condition: keywords or net}
"""
OWN = {
    "exported.yml": RULE,
    "counted.yml": COUNTED,
    "together.yml": TOGETHER,
    "exempt.yml": EXEMPT,
    "foreign.yml": FOREIGN,
}
LISTS = {"admins.txt": "ann@example.com\n*@corp.example\n"}


@st.composite
def folders(draw: st.DrawFn) -> dict[str, str]:
    """A few rule files, ours and shipped, most of them with something broken in them."""
    names = draw(st.lists(st.sampled_from([*OWN, *SHIPPED]), min_size=1, max_size=6, unique=True))
    return {name: _bent(draw, (OWN | SHIPPED)[name]) for name in names}


def _bent(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = draw(
            st.sampled_from(
                [
                    [],
                    [lines[at]] * 2,
                    [lines[at].upper()],
                    [lines[at].replace(":", " :: ")],
                    [lines[at].replace("a", "\U0001f512\u202e")],
                    [lines[at] + " # .inf"],
                ]
            )
        )
    return "\n".join(lines)


def page() -> pl.DataFrame:
    """Audit events that some of the rules match."""
    rng = Random(4)
    rows = [
        dict.fromkeys(events.SCHEMA)
        | {
            "event.feed": rng.choice(events.FEEDS),
            "event.action": rng.choice(["export", "xzy", "view", "reveal", None]),
            "object.type": rng.choice(["vault", "VAULT", "sso", None]),
            "user.email": rng.choice(["ann@example.com", "b@corp.example", None]),
        }
        for _ in range(300)
    ]
    return pl.DataFrame(rows, schema=events.SCHEMA)


PAGE = page()


def same(found: Loaded, cold: Loaded) -> None:
    """All of it, down to types: rules, stories, mistakes with their places, what matches, why."""
    assert repr(found) == repr(cold)
    assert found == cold
    written = [repr(entry.written) for entry in cold.rulebook.matches]
    assert [repr(entry.written) for entry in found.rulebook.matches] == written
    matched = found.rulebook.match(PAGE)
    for entry in cold.rulebook.matches:
        if entry.feeds:
            row = PAGE.row(7, named=True) | {"event.feed": entry.feeds[0]}
            (again,) = [each for each in found.rulebook.matches if each.rule == entry.rule]
            assert explain(again, row) == explain(entry, row)
    for rule, rows in cold.rulebook.match(PAGE).items():
        assert matched[rule].tolist() == rows.tolist()


@given(folders(), st.sampled_from([{}, LISTS]))
@example(OWN, LISTS)
@example(SHIPPED, {})
@settings(max_examples=60)
def test_what_comes_back_from_bytes_is_what_was_loaded(
    texts: Mapping[str, str], lists: Mapping[str, str]
) -> None:
    cold = load(texts, today=TODAY, lists=lists)

    same(archive.unpack(archive.pack(cold)), cold)


def test_what_bytes_would_change_is_not_kept(tmp_path: Path) -> None:
    # A date in a story's people would come back as a text.
    text = RULE.replace("      expect", "      people: {ann: {since: 2026-01-01}}\n      expect")
    cache = RuleCache(tmp_path)

    found = [cache({"r.yml": text}, lists=LISTS) for _ in range(2)]

    assert list(tmp_path.iterdir()) == []
    assert found[0].stories[0].people["ann"]["since"] == date(2026, 1, 1)
    assert repr(found[0]) == repr(found[1])


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The one file of a folder in which our own rules are kept."""
    loaded = RuleCache(tmp_path)(OWN, today=TODAY, lists=LISTS)
    assert loaded.loaded == loaded.documents
    (path,) = tmp_path.iterdir()
    return path


def again(path: Path, *, day: date = TODAY) -> bool:
    """Load our own rules once more; whether they came from the file."""
    before = path.stat().st_ino
    same(RuleCache(path.parent)(OWN, today=day, lists=LISTS), load(OWN, today=day, lists=LISTS))
    return path.stat().st_ino == before


def test_a_rule_set_is_loaded_once(kept: Path) -> None:
    assert again(kept)
    assert list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize(
    ("texts", "lists"),
    [
        (OWN | {"exported.yml": RULE + " "}, LISTS),
        ({("E" + name if name == "exempt.yml" else name): OWN[name] for name in OWN}, LISTS),
        (OWN, {"admins.txt": "bob@example.com\n"}),
        (OWN | LISTS, {}),
    ],
)
def test_other_files_are_another_set(
    kept: Path, texts: Mapping[str, str], lists: Mapping[str, str]
) -> None:
    same(
        RuleCache(kept.parent)(texts, today=TODAY, lists=lists),
        load(texts, today=TODAY, lists=lists),
    )
    assert len(list(kept.parent.iterdir())) == 2


def test_an_exception_with_an_end_holds_for_its_day(kept: Path) -> None:
    assert not again(kept, day=TODAY + timedelta(days=7))
    assert again(kept, day=TODAY + timedelta(days=7))


def test_what_does_not_age_holds_for_every_day(tmp_path: Path) -> None:
    cache = RuleCache(tmp_path)
    cache(SHIPPED, today=TODAY)
    (path,) = tmp_path.iterdir()
    before = path.stat().st_ino

    cache(SHIPPED, today=TODAY + timedelta(days=700))

    assert path.stat().st_ino == before


def _damages(whole: bytes) -> Iterator[bytes]:
    yield b""
    yield whole[: len(whole) // 2]
    yield whole + b"x"
    rng = Random(9)
    for _ in range(12):
        at = rng.randrange(len(whole))
        yield whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :]


def test_a_damaged_file_is_made_anew(kept: Path) -> None:
    whole = kept.read_bytes()
    for damaged in _damages(whole):
        kept.write_bytes(damaged)
        assert not again(kept)
        assert again(kept)


def test_no_file_stands_in_for_another(kept: Path) -> None:
    RuleCache(kept.parent)(SHIPPED, today=TODAY)
    (other,) = set(kept.parent.iterdir()) - {kept}
    kept.write_bytes(other.read_bytes())

    assert not again(kept)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_believed(kept: Path) -> None:
    os.chown(kept, 65534, 65534)

    assert not again(kept)


@pytest.mark.parametrize("folder", ["a file/below", "a file", "/dev/full/rules", "/proc/rules"])
def test_where_nothing_can_be_written_rules_load(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a file").write_text("")

    same(
        RuleCache(tmp_path / folder)(OWN, today=TODAY, lists=LISTS),
        load(OWN, today=TODAY, lists=LISTS),
    )


def test_a_folder_in_place_of_the_file_is_left_alone(kept: Path) -> None:
    kept.unlink()
    kept.mkdir()

    assert again(kept)
    assert list(kept.parent.iterdir()) == [kept]


def test_what_was_not_used_for_longest_goes_first(kept: Path) -> None:
    texts = [{"r.yml": RULE + "#" * number} for number in range(MOST_FILES)]
    cache = RuleCache(kept.parent)
    for text in texts[:-1]:
        cache(text, lists=LISTS)
    for age, path in enumerate(sorted(kept.parent.iterdir())):
        os.utime(path, ns=(age + 1, age + 1))
    assert again(kept)
    oldest = min(kept.parent.iterdir(), key=lambda path: path.stat().st_mtime_ns)

    cache(texts[-1], lists=LISTS)

    assert len(list(kept.parent.iterdir())) == MOST_FILES
    assert kept.exists()
    assert not oldest.exists()


def test_many_at_once_share_a_folder(tmp_path: Path) -> None:
    sets = [{"r.yml": RULE + "#" * number} for number in range(3)]
    cold = [load(texts, lists=LISTS) for texts in sets]

    def work(seed: int) -> list[bool]:
        rng, cache, found = Random(seed), RuleCache(tmp_path), []
        for _ in range(12):
            which = rng.randrange(len(sets))
            found.append(repr(cache(sets[which], lists=LISTS)) == repr(cold[which]))
            if rng.random() < 0.3:
                for path in tmp_path.iterdir():
                    path.unlink(missing_ok=True)
        return found

    with ThreadPoolExecutor(4) as pool:
        assert all(all(each) for each in pool.map(work, range(4)))
    assert all(path.name.endswith(".rules") for path in tmp_path.iterdir())


def test_another_library_makes_other_rules(
    kept: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path_factory.mktemp("libraries")
    (library / "pysigma-99.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(library)
    rule_cache._maker.cache_clear()
    try:
        RuleCache(kept.parent)(OWN, today=TODAY, lists=LISTS)
    finally:
        rule_cache._maker.cache_clear()

    assert len(list(kept.parent.iterdir())) == 2


def test_a_command_keeps_rules_where_it_may(tmp_path: Path) -> None:
    own = tmp_path / "own"
    there = {"HOME": "/home/ann", "XDG_CACHE_HOME": str(own)}

    assert nearest(tmp_path, there) == below(tmp_path)
    assert nearest(tmp_path / "none", there) == RuleCache(own / "vaultwatch" / "rules")
    assert nearest(tmp_path / "none", there | {"XDG_CACHE_HOME": "not/absolute"}) == RuleCache(
        Path("/home/ann/.cache/vaultwatch/rules")
    )
    assert nearest(tmp_path / "none", {}) == RuleCache(None)


def test_check_says_the_same_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, text in (OWN | {"bad.yml": RULE.replace("action", "acton")}).items():
        (rules / name).write_text(text)

    said = [(run(["check", "--rules", str(rules)]), capsys.readouterr()) for _ in range(2)]

    assert said[0] == said[1]
    assert said[0][0] == 1
    assert "did you mean 'action'?" in said[0][1].err


def test_what_is_kept_needs_no_parser(tmp_path: Path) -> None:
    code = "import sys; from detector.cli.main import run; run(['check']); sys.exit('sigma' in sys.modules)"
    found = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True,
            check=False,
        ).returncode
        for _ in range(2)
    ]

    assert found == [1, 0]
