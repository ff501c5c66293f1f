"""The tutorial is played as a reader would: its files are written, its commands run, in order.

What is printed is compared; `VAULTWATCH_TUTORIAL=write` puts it into the page instead.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w./-]+\.(?:yml|toml))`:\s*$")
MODELS = re.compile(r", \d+ models? trained")
"""How many models the engine trains while it replays is no matter of the page."""
SHIPPED = re.compile(r"file:///\S+/reference/")
"""Where the reference is shipped to is another folder on each machine."""
WIDTH = "100"


def typed(command: str, folder: Path) -> str:
    """What a command prints, as a terminal of that width shows it."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "COLUMNS": WIDTH, "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    told = SHIPPED.sub("file:///…/reference/", MODELS.sub("", ran.stdout))
    lines = told.splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def session(body: str, folder: Path) -> str:
    """A console block as it looks when its commands are typed now."""
    told = []
    for line in body.splitlines():
        if line.startswith("$ "):
            told += [line, *filter(None, [typed(line.removeprefix("$ "), folder)])]
    return "\n".join(told) + "\n"


def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    page = PAGE.read_text("utf-8")
    seen = []
    for block in BLOCK.finditer(page):
        language, body = block.groups()
        named = FILE.search(page[: block.start()].rstrip())
        if language in {"yaml", "toml"} and named:
            path = tmp_path / named.group(1)
            path.parent.mkdir(exist_ok=True)
            path.write_text(body, encoding="utf-8")
        elif language == "console":
            seen.append((body, session(body, tmp_path)))
    assert len(seen) > 6
    if os.environ.get("VAULTWATCH_TUTORIAL") == "write":
        for old, new in seen:
            page = page.replace(f"```console\n{old}```", f"```console\n{new}```", 1)
        PAGE.write_text(page, encoding="utf-8")
        return
    assert [old for old, _ in seen] == [new for _, new in seen]


def test_every_file_of_the_tutorial_is_written_before_it_is_used() -> None:
    page = PAGE.read_text("utf-8")
    for folder in ("my-rules", "better-rules"):
        first = page.index(f"--rules {folder}")
        assert f"`{folder}/" in page[:first]
