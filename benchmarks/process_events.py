"""Process events of Windows machines in the shape of Sysmon's, made or recorded, for rules to look at.

Neither knows the rules: what is made here is the daily work of an office, and recordings are what
others have published. Both have 16 fields.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Final

import polars as pl

FIELDS: Final = (
    "EventID", "ProcessId", "Image", "CommandLine", "OriginalFileName", "ParentImage",
    "ParentCommandLine", "User", "IntegrityLevel", "Hashes", "CurrentDirectory", "Description",
    "Product", "Company", "FileVersion", "Computer",
)  # fmt: skip
_NUMBERS: Final = {"EventID", "ProcessId"}
_DIGITS: Final = re.compile(r"\d{3,}")
_SYSTEM: Final = "C:\\Windows\\System32"
_WORK: Final = (
    (_SYSTEM, "svchost.exe", "-k netsvcs -p -s Schedule", "Host Process for Windows Services"),
    (_SYSTEM, "svchost.exe", "-k LocalServiceNetworkRestricted -p -s wscsvc", "Host Process"),
    (_SYSTEM, "backgroundTaskHost.exe", "-ServerName:App.AppX{n}.mca", "Background Task Host"),
    (_SYSTEM, "RuntimeBroker.exe", "-Embedding", "Runtime Broker"),
    (_SYSTEM, "SearchProtocolHost.exe", "Global\\UsGthrFltPipeMssGthrPipe{n} 1 -{n} 65536", "Search"),
    (_SYSTEM, "conhost.exe", "0xffffffff -ForceV1", "Console Window Host"),
    (_SYSTEM, "taskhostw.exe", "SYSTEM", "Host Process for Windows Tasks"),
    (_SYSTEM, "cmd.exe", "/c dir C:\\Users\\{u}\\Documents\\report-{n}", "Command Processor"),
    (_SYSTEM, "cmd.exe", '/c "C:\\Tools\\backup.bat" {n}', "Windows Command Processor"),
    (_SYSTEM, "rundll32.exe", "shell32.dll,Control_RunDLL timedate.cpl,,{n}", "Rundll32"),
    (_SYSTEM, "msiexec.exe", "/i C:\\Users\\{u}\\Downloads\\setup-{n}.msi /qn", "Windows installer"),
    (_SYSTEM, "schtasks.exe", "/query /tn \\Contoso\\Sync-{n}", "Task Scheduler"),
    (_SYSTEM, "net.exe", "use Z: \\\\files\\share{n} /persistent:yes", "Net Command"),
    (_SYSTEM, "ipconfig.exe", "/all", "IP Configuration Utility"),
    (_SYSTEM, "notepad.exe", "C:\\Users\\{u}\\Desktop\\notes {n}.txt", "Notepad"),
    (_SYSTEM, "wbem\\WmiPrvSE.exe", "-secured -Embedding", "WMI Provider Host"),
    (_SYSTEM, "WindowsPowerShell\\v1.0\\powershell.exe", "-File C:\\Scripts\\inventory.ps1 -Id {n}",
     "Windows PowerShell"),
    (_SYSTEM, "WindowsPowerShell\\v1.0\\powershell.exe",
     "-NoProfile -Command Get-Service | Export-Csv C:\\Temp\\{n}.csv", "Windows PowerShell"),
    ("C:\\Program Files\\Google\\Chrome\\Application", "chrome.exe",
     "--type=renderer --field-trial-handle={n},{n} --lang=en --renderer-client-id={n}", "Chrome"),
    ("C:\\Program Files\\Google\\Chrome\\Application", "chrome.exe",
     "--single-argument https://intranet.contoso.example/wiki/{n}", "Google Chrome"),
    ("C:\\Program Files\\Mozilla Firefox", "firefox.exe",
     "-contentproc --channel={n} -childID {n} -isForBrowser -prefsLen {n} tab", "Firefox"),
    ("C:\\Program Files\\Microsoft Office\\root\\Office16", "OUTLOOK.EXE",
     "/select outlook:{n}", "Microsoft Outlook"),
    ("C:\\Program Files\\Microsoft Office\\root\\Office16", "WINWORD.EXE",
     '/n "C:\\Users\\{u}\\Documents\\offer {n}.docx" /o ""', "Microsoft Word"),
    ("C:\\Program Files\\Microsoft Office\\root\\Office16", "EXCEL.EXE",
     '"\\\\files\\finance\\budget {n}.xlsx"', "Microsoft Excel"),
    ("C:\\Users\\{u}\\AppData\\Local\\Microsoft\\Teams\\current", "Teams.exe",
     "--type=gpu-process --gpu-preferences={n} --mojo-platform-channel-handle={n}", "Teams"),
    ("C:\\Program Files\\Git\\cmd", "git.exe", "fetch --prune origin refs/pull/{n}/head", "Git"),
    ("C:\\Program Files\\Python311", "python.exe", "-m pytest tests\\test_{n}.py -q", "Python"),
    ("C:\\Program Files\\nodejs", "node.exe", "node_modules\\.bin\\tsc --build {n}", "Node.js"),
    ("C:\\Program Files\\Java\\bin", "java.exe", "-Xmx{n}m -jar C:\\apps\\ledger.jar", "OpenJDK"),
    ("C:\\Program Files\\Docker", "docker.exe", "run --rm -p {n}:80 web:{n}", "Docker"),
    ("C:\\ProgramData\\Agent", "inventory.exe", "--upload https://agent.example/v1/{n}", "Agent"),
)  # fmt: skip
"""Folder, program, arguments and description of what runs on such machines."""


def made(count: int, seed: int = 7) -> pl.DataFrame:
    """Events of made-up machines: a few dozen programs, command lines almost all different."""
    rng = Random(seed)
    hashes = [f"MD5={rng.getrandbits(128):032X},IMPHASH={rng.getrandbits(128):032X}" for _ in _WORK]

    def process(user: str) -> tuple[str, str, int]:
        place = rng.randrange(len(_WORK))
        folder, program, words, _ = _WORK[place]
        image = f"{folder}\\{program}".replace("{u}", user)
        said = re.sub(r"\{n\}", lambda _: str(rng.randrange(10**8)), words.replace("{u}", user))
        return image, f'"{image}" {said}', place

    rows = []
    for _ in range(count):
        user = f"user{rng.randrange(300)}"
        (image, line, place), (parent, parent_line, _) = process(user), process(user)
        program, level = (
            image.rpartition("\\")[2],
            rng.choice(("Medium", "Medium", "System", "High")),
        )
        values = (
            1, rng.randrange(90_000), image, line, program, parent, parent_line, f"CONTOSO\\{user}",
            level, hashes[place], f"C:\\Users\\{user}\\", _WORK[place][3], "Product", "Company",
            "10.0.19041.1", f"pc{rng.randrange(200)}.contoso.example",
        )  # fmt: skip
        rows.append(values)
    return pl.DataFrame(rows, schema=list(FIELDS), orient="row")


def recorded(path: Path, count: int, seed: int = 7) -> pl.DataFrame:
    """Events of a recording (NDJSON, flat, Sysmon's names), drawn until there are enough.

    Whenever one is drawn, numbers of three and more digits in its command lines are others.
    """
    rng = Random(seed)
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def value(event: dict[str, object], name: str) -> object:
        told = event.get(name)
        if told is None or name in _NUMBERS:
            return told
        fresh = name.endswith("CommandLine")
        return _DIGITS.sub(lambda digits: _other(digits[0], rng), str(told)) if fresh else str(told)

    drawn = [rng.choice(found) for _ in range(count)]
    rows = [tuple(value(event, name) for name in FIELDS) for event in drawn]
    types = {name: pl.Int64 if name in _NUMBERS else pl.String for name in FIELDS}
    return pl.DataFrame(rows, schema=types, orient="row", strict=False)


def _other(digits: str, rng: Random) -> str:
    return str(rng.randrange(10 ** len(digits))).zfill(len(digits))
