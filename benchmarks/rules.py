"""How fast rules load and match, and how much faster than pysigma-backend-sqlite in the same run.

`python -m benchmarks.rules [--rules DIR] [--events FILE] [--count N]`. Rules: those of DIR, a folder
of public Sigma rules (as SigmaHQ's), drawn in a random order, process creation first; else rules made
here in their style. Events: those of FILE, a recording (flat NDJSON with Sysmon's names), or made
ones. Rules and events know nothing of each other, so each line says how many rules can hold for such
events at all and how many found anything. Both engines run over the same events, and must find the
same. Figures are CPU seconds of the whole process, so that other load on the machine does not count.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from time import process_time
from typing import Final

import polars as pl

from benchmarks import process_events
from benchmarks.machine import ns_per_store
from detector.foreign.sqlite_engine import NotComparable, SqliteEngine
from detector.rule_cache import RuleCache
from detector.rulebook.book import Match
from detector.rulebook.matching import Plan, Rows, plan
from detector.rulebook.schemas import Schema

COUNTS: Final = (50, 100, 300, 1_000, 3_000)
LEAST_FASTER: Final = {100: 15.0, 1_000: 50.0}
PAGE: Final = 1_000
MOST_MS_A_PAGE: Final = {1_000: 30.0}
LEAST_FASTER_LOAD: Final = 10.0
CATEGORY: Final = "process_creation"


def _words(text: str) -> list[str]:
    return text.split()


_PROGRAMS: Final = _words(
    """
    cmd powershell rundll32 regsvr32 mshta wscript cscript certutil bitsadmin schtasks sc net
    net1 wmic reg whoami nltest tasklist taskkill msiexec vssadmin wbadmin bcdedit ntdsutil
    esentutl installutil msbuild odbcconf forfiles hh control cmstp dnscmd
    """
)
_WORDS: Final = _words(
    """
    -enc -nop hidden http:// https:// .dll .ps1 .vbs /create onlogon delete HKLM HKCU
    CurrentVersion AppData Public Downloads IEX Invoke- DownloadString FromBase64String bypass
    comsvcs MiniDump lsass shadowcopy urlcache decode transfer javascript: scrobj localgroup
    administrators -decodehex sekurlsa kerberos:: dcsync procdump /node: process call Temp
    ActiveSetup Image.File.Execution
    """
)


def made_rules(count: int, seed: int = 11) -> dict[str, str]:
    """Rules in the style of public ones: a program, words of its command line, an exception."""
    rng = Random(seed)
    texts = {}
    for number in range(count):
        program, parent = rng.sample(_PROGRAMS, 2)
        words = [*rng.sample(_WORDS, 3), f"--id {rng.randrange(10**4):x}"]
        texts[f"{number}.yml"] = f"""
title: Rule {number}
id: 00000000-0000-4000-8000-{number:012d}
logsource: {{product: windows, category: process_creation}}
detection:
    selection_img:
        - Image|endswith: '\\{program}.exe'
        - OriginalFileName: {program}.exe
    selection_cli:
        CommandLine|contains|all: {[words[0], words[3]] if number % 3 else words[:2]}
    selection_more:
        CommandLine|contains: {words[1:]}
    filter_main_parent:
        ParentImage|endswith: '\\{parent}.exe'
        User|startswith: 'CORP\\user{number % 300}'
    condition: selection_img and 1 of selection_* and not 1 of filter_main_*
"""
    return texts


def found_rules(folder: Path) -> dict[str, str]:
    """The texts of the rules of a folder."""
    return {str(path): path.read_text("utf-8") for path in sorted(folder.rglob("*.yml"))}


def drawn(matches: Sequence[Match], seed: int = 3) -> list[Match]:
    """The rules in a random order, those about processes before all others."""
    order = list(matches)
    Random(seed).shuffle(order)
    return sorted(order, key=lambda match: match.source.category != CATEGORY)


def cpu(action: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = process_time()
    action()
    return process_time() - start


def loaded(texts: Mapping[str, str]) -> tuple[Sequence[Match], bool]:
    """The rules of the texts, and whether the cache is as much faster as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        cache = RuleCache(Path(folder))
        # What is imported once is no part of loading.
        cache(made_rules(1))
        start = process_time()
        found = cache(texts)
        cold = process_time() - start
        cached = min(cpu(lambda: cache(texts)) for _ in range(3))
    good = cold / cached > LEAST_FASTER_LOAD
    print(
        f"load {found.documents:,} rules: cold {cold:.2f} s CPU, from the cache {cached:.3f} s"
        + ("" if good else "  TARGET MISSED")
    )
    return drawn(found.rulebook.matches), good


def main() -> None:
    """Measure, print, and fail if a target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rules", type=Path, help="a folder of public Sigma rules")
    arguments.add_argument("--events", type=Path, help="recorded process events, flat NDJSON")
    arguments.add_argument("--count", type=int, default=10_000, help="how many events")
    args = arguments.parse_args()
    texts = found_rules(args.rules) if args.rules else made_rules(max(COUNTS))
    if not texts:
        arguments.error(f"{args.rules}: no rule files in it")
    frame = (
        process_events.recorded(args.events, args.count)
        if args.events
        else process_events.made(args.count)
    )
    lines = frame["CommandLine"].n_unique() / frame.height
    print(
        f"machine: {ns_per_store():.0f} ns a store; {frame.height:,} events, "
        f"{lines:.0%} of their command lines different"
    )
    matches, good = loaded(texts)
    bench = Bench(frame)
    for count in COUNTS:
        good &= bench.measure(matches[:count])
    bench.close()
    if not good:
        raise SystemExit(1)


class Bench:
    """The events, as both engines have them."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        names = {name: name for name in frame.columns}
        self._schema = Schema("events", names, dict(frame.schema), tuple(frame.columns))
        self._sqlite = SqliteEngine(frame, self._schema)

    def close(self) -> None:
        """Give the memory back."""
        self._sqlite.close()

    def measure(self, matches: Sequence[Match]) -> bool:
        """Measure some rules and print the line; whether it is as good as it should be."""
        count, frame = len(matches), self._frame
        start = process_time()
        made = self._plan(matches)
        planned = process_time() - start
        ours: dict[str, Rows] = {}
        # A plan remembers what it saw: each round has one that saw nothing, and pages are new ones.
        rounds = [self._plan(matches) for _ in range(3)]
        seconds = min(cpu(lambda each=each: ours.update(each.hits(frame))) for each in rounds)
        pages = [frame[at : at + PAGE] for at in range(0, frame.height, PAGE)]
        page_ms = sorted(cpu(partial(_all, made, page)) * 1e3 for page in pages)
        median_ms = page_ms[len(page_ms) // 2]
        theirs: dict[str, Rows] = {}
        queries = dict(self._queries(matches))
        slow = cpu(lambda: theirs.update(self._answers(queries)))
        found, matched = sum(map(len, ours.values())), len(set(ours))
        differing = [rule for rule in queries if _list(ours, rule) != _list(theirs, rule)]
        good = slow / seconds >= LEAST_FASTER.get(count, 0)
        good &= median_ms <= MOST_MS_A_PAGE.get(count, median_ms)
        print(
            f"{count:>5,} rules, {len(made.rules):,} can hold: plan {planned:.2f} s, "
            f"{frame.height / seconds:,.0f} events a CPU second, {median_ms:.1f} ms a page of "
            f"{PAGE:,}; {slow / seconds:.0f} times sqlite, which cannot run {count - len(queries)}; "
            f"{matched} rules found {found:,}, and differ in {len(differing)}"
            + ("" if good else "  TARGET MISSED")
        )
        for rule in differing:
            print(f"      differs: {rule}")
        return good

    def _plan(self, matches: Sequence[Match]) -> Plan:
        made = plan(self._schema, {match.rule.id: match.condition for match in matches})
        assert made is not None
        return made

    def _queries(self, matches: Sequence[Match]) -> Iterator[tuple[str, str]]:
        for match in matches:
            try:
                yield match.rule.id, self._sqlite.query(match.written)
            except NotComparable as reason:
                print(f"      sqlite cannot run {match.rule.title}: {reason}")

    def _answers(self, queries: Mapping[str, str]) -> Iterator[tuple[str, Rows]]:
        for rule, query in queries.items():
            yield rule, self._sqlite.rows(query)


def _all(made: Plan, page: pl.DataFrame) -> None:
    for _ in made.hits(page):
        pass


def _list(found: Mapping[str, Rows], rule: str) -> list[int]:
    return found[rule].tolist() if rule in found else []


if __name__ == "__main__":
    main()
