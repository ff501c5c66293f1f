"""How fast rules load and match, and how much faster than pysigma-backend-sqlite in the same run.

`python -m benchmarks.rules [--rules DIR] [--events N]`: with DIR, a folder of public Sigma rules
for Windows process creation (as SigmaHQ's), else rules made here in their style. Events are made,
in the shape of Sysmon's process events: 17 fields, command lines almost all different. Figures
are CPU seconds of the whole process, so that other load on the machine does not count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from time import process_time

import polars as pl

from benchmarks.machine import ns_per_store
from detector.foreign.sqlite_engine import NotComparable, SqliteEngine
from detector.rulebook.book import Match
from detector.rulebook.documents import read
from detector.rulebook.loading import load
from detector.rulebook.matching import Plan, plan
from detector.rulebook.schemas import Schema

COUNTS = (50, 100, 300, 1_000, 3_000)
MOST_FOR_SQLITE = 1_000
"""Rules; SQLite needs minutes for more."""
LEAST_FASTER = {100: 15.0, 1_000: 50.0}
PAGE, MOST_MS_A_PAGE = 1_000, 30.0
PROGRAMS = [
    "cmd",
    "powershell",
    "rundll32",
    "regsvr32",
    "mshta",
    "wscript",
    "cscript",
    "certutil",
    "bitsadmin",
    "schtasks",
    "sc",
    "net",
    "net1",
    "wmic",
    "reg",
    "whoami",
    "nltest",
    "tasklist",
    "taskkill",
    "msiexec",
    "explorer",
    "svchost",
    "chrome",
    "firefox",
    "teams",
    "outlook",
    "excel",
    "winword",
    "python",
    "java",
    "node",
    "git",
    "ssh",
    "curl",
]
WORDS = [
    "-enc",
    "-nop",
    "-w",
    "hidden",
    "http://",
    "https://",
    ".dll",
    ".exe",
    ".ps1",
    ".vbs",
    "/c",
    "/k",
    "/create",
    "/tn",
    "/sc",
    "onlogon",
    "add",
    "delete",
    "query",
    "HKLM",
    "HKCU",
    "Software",
    "Microsoft",
    "Windows",
    "CurrentVersion",
    "Run",
    "AppData",
    "Temp",
    "Public",
    "Users",
    "Downloads",
    "IEX",
    "Invoke-",
    "DownloadString",
    "FromBase64String",
    "bypass",
    "comsvcs",
    "MiniDump",
    "lsass",
    "shadowcopy",
    "vssadmin",
    "wbadmin",
    "bcdedit",
    "urlcache",
    "decode",
    "transfer",
    "javascript:",
    "scrobj",
    "localgroup",
    "administrators",
]


def events(count: int, seed: int = 7) -> pl.DataFrame:
    """Process events of made-up machines."""
    rng = Random(seed)
    users = [f"CORP\\user{number}" for number in range(300)]

    def path(program: str) -> str:
        folder = rng.choice(
            ("Windows\\System32", "Program Files\\App", "Users\\ana\\AppData\\Temp")
        )
        return f"C:\\{folder}\\{program}.exe"

    def line(program: str) -> str:
        words = [rng.choice(WORDS) for _ in range(rng.randrange(4))]
        return f'"{path(program)}" {" ".join(words)} --id {rng.randrange(10**9):x}'

    rows = []
    for number in range(count):
        program, parent = rng.choice(PROGRAMS), rng.choice(PROGRAMS)
        digest = f"{rng.getrandbits(128):032X}"
        rows.append(
            (
                number, 1, path(program), line(program), f"{program}.exe", path(parent),
                line(parent), rng.choice(users), rng.choice(("High", "Medium", "System", "Low")),
                f"MD5={digest},IMPHASH={digest[::-1]}", "C:\\Windows\\System32\\",
                f"{program} tool", "Operating System", "Microsoft Corporation", "10.0.19041.1",
                rng.choice(users), f"host{rng.randrange(200)}",
            )
        )  # fmt: skip
    names = [
        "ProcessId",
        "EventID",
        "Image",
        "CommandLine",
        "OriginalFileName",
        "ParentImage",
        "ParentCommandLine",
        "User",
        "IntegrityLevel",
        "Hashes",
        "CurrentDirectory",
        "Description",
        "Product",
        "Company",
        "FileVersion",
        "ParentUser",
        "Computer",
    ]
    return pl.DataFrame(rows, schema=names, orient="row")


def made_rules(count: int, seed: int = 11) -> dict[str, str]:
    """Rules in the style of public ones: a program, words of its command line, an exception."""
    rng = Random(seed)
    texts = {}
    for number in range(count):
        program, parent = rng.sample(PROGRAMS, 2)
        words = [*rng.sample(WORDS, 3), f"--id {rng.randrange(10**4):x}"]
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
    """The texts of public rules about Windows processes, and of all others after them."""
    texts = {str(path): path.read_text("utf-8") for path in sorted(folder.rglob("*.yml"))}
    first = {name: text for name, text in texts.items() if "category: process_creation" in text}
    return first | texts


def cpu(action: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = process_time()
    action()
    return process_time() - start


def schema_of(frame: pl.DataFrame) -> Schema:
    """The schema of a frame whose names are the rules' names."""
    return Schema("events", {n: n for n in frame.columns}, dict(frame.schema), tuple(frame.columns))


def plan_of(matches: Sequence[Match], schema: Schema) -> Plan:
    """The plan of some rules."""
    made = plan(schema, {match.rule.id: match.condition for match in matches})
    assert made is not None
    return made


def main() -> None:
    """Measure, print, and fail if a target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rules", type=Path, help="a folder of public Sigma rules")
    arguments.add_argument("--events", type=int, default=50_000)
    args = arguments.parse_args()
    texts = found_rules(args.rules) if args.rules else made_rules(max(COUNTS))
    frame = events(args.events)
    schema = schema_of(frame)
    print(f"machine: {ns_per_store():.0f} ns a store; {frame.height:,} events")
    start = process_time()
    loaded = load(texts)
    print(f"load {loaded.documents:,} rules cold: {process_time() - start:.2f} s CPU")
    detections = {
        document.value["id"]: document.value["detection"]
        for name, text in texts.items()
        for document in read(name, text).documents
    }
    order = {name: number for number, name in enumerate(texts)}
    matches = sorted(loaded.rulebook.matches, key=lambda match: order[match.rule.file])
    failed = [_measure(matches[:count], frame, schema, detections) for count in COUNTS]
    if any(failed):
        raise SystemExit(1)


def _measure(
    matches: Sequence[Match], frame: pl.DataFrame, schema: Schema, detections: dict[str, dict]
) -> bool:
    count = len(matches)
    start = process_time()
    made = plan_of(matches, schema)
    planned = process_time() - start
    ours = {}
    list(made.hits(frame[:PAGE]))
    seconds = cpu(lambda: ours.update(made.hits(frame)))
    pages = [frame[at : at + PAGE] for at in range(0, min(frame.height, 20 * PAGE), PAGE)]
    page_ms = sorted(cpu(lambda page=page: list(made.hits(page))) * 1e3 for page in pages)
    median_ms = page_ms[len(page_ms) // 2]
    words = (
        f"{count:>5,} rules: plan {planned:.2f} s, {frame.height / seconds:>9,.0f} events a CPU "
        f"second, {median_ms:.1f} ms a page of {PAGE:,}"
    )
    bad = count == MOST_FOR_SQLITE and median_ms > MOST_MS_A_PAGE
    if count <= MOST_FOR_SQLITE:
        theirs = _sqlite(matches, frame, schema, detections)
        ratio = theirs[0] / seconds
        same = sum(len(rows) for rows in ours.values()), theirs[1]
        words += f"; {ratio:.0f} times sqlite (hits {same[0]:,} and {same[1]:,})"
        bad |= ratio < LEAST_FASTER.get(count, 0)
    print(words + ("  TARGET MISSED" if bad else ""))
    return bad


def _sqlite(
    matches: Sequence[Match], frame: pl.DataFrame, schema: Schema, detections: dict[str, dict]
) -> tuple[float, int]:
    """CPU seconds of the other engine for all events, measured on a part of them; and its hits."""
    engine = SqliteEngine(frame, schema)
    queries = []
    for match in matches:
        try:
            queries.append(engine.query(detections[match.rule.id]))
        except NotComparable as reason:
            print(f"      sqlite cannot run {match.rule.title}: {reason}")
    hits = 0
    start = process_time()
    for query in queries:
        hits += len(engine.rows(query))
    seconds = process_time() - start
    engine.close()
    return seconds, hits


if __name__ == "__main__":
    main()
