"""Are these files fit to be at work? They are read as a whole, and every test in them is played.

It takes seconds, so the service has it done by a process of its own (`apart`), which is nice and
knows no secret: a poll does not wait for it, and a rule that hangs or eats memory harms nobody.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from detector.files import Saved
from detector.plans import Texts, build
from detector.rehearsal.play import rehearse_all
from detector.rehearsal.verdict import Verdict
from detector.rendering import check_templates
from detector.rule_cache import RuleCache
from detector.rulebook.book import Rulebook
from detector.rulebook.mistakes import Mistake

NICENESS: Final = 10
LOOK_EVERY_S: Final = 0.2
LONGEST_S: Final = 900.0
_PASSED_ON: Final = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
"""What of the environment the process gets: where Python is, but no token."""


class Proof(msgspec.Struct, frozen=True):
    """What came of it: how much was read and played, and every reason against it, a line each."""

    rules: int
    tests: int
    problems: tuple[str, ...] = ()


class _Asked(msgspec.Struct, frozen=True):
    """The files on their way into the process."""

    texts: bytes
    templates: dict[str, str]
    today: date
    cache: str | None


def prove(saved: Saved, today: date, cache: Path | None = None) -> Proof:
    """Read everything, play every test; what was loaded is kept in the folder `cache`."""
    built = build(saved.texts, today, RuleCache(cache))
    problems = [each.told for each in built.mistakes]
    problems += [
        str(Mistake(each.file, each.line or 1, 1, each.text))
        for each in check_templates(saved.templates)
    ]
    rulebook, stories = built.loaded.rulebook, built.loaded.stories
    problems += _failures(rulebook, rehearse_all(rulebook, stories))
    return Proof(len(rulebook.rules), len(stories), tuple(problems))


def _failures(rulebook: Rulebook, verdicts: Iterator[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        if not verdict.passed:
            rule, story = rulebook.rules[verdict.story.rule_id], verdict.story
            text = f"test {story.name!r} of {rule.name} fails: {'; '.join(verdict.diffs)}"
            fix = f"'vaultwatch rules test {rule.name}' shows what happened"
            yield str(Mistake(rule.file, story.line, 1, text, fix))


def apart(
    saved: Saved,
    today: date,
    stopping: Callable[[], bool],
    cache: Path | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Proof | None:
    """The proof, by another process; null if we are to stop before it is done.

    Its rules are then in the folder `cache`, and need not be compiled again.
    """
    place = None if cache is None else str(cache)
    asked = _Asked(saved.texts.dump(), dict(saved.templates), today, place)
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment | {"POLARS_MAX_THREADS": "1"},
        start_new_session=True,
    ) as process:
        try:
            return _heard(process, msgspec.msgpack.encode(asked), stopping, monotonic)
        finally:
            process.kill()


def _heard(
    process: subprocess.Popen[bytes],
    body: bytes | None,
    stopping: Callable[[], bool],
    monotonic: Callable[[], float],
) -> Proof | None:
    end = monotonic() + LONGEST_S
    while not stopping():
        try:
            said, complaint = process.communicate(body, timeout=LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            body = None
            if monotonic() < end:
                continue
            return Proof(0, 0, (f"the tests took longer than {LONGEST_S / 60:.0f} minutes",))
        with suppress(msgspec.DecodeError):
            return msgspec.msgpack.decode(said, type=Proof)
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        words = f"the tests could not be run: exit code {process.returncode}"
        return Proof(0, 0, (": ".join([words, *last]),))
    return None


def main() -> None:
    """The process: files in, proof out."""
    with suppress(OSError):
        os.nice(NICENESS)
    asked = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Asked)
    saved = Saved(Texts.parse(asked.texts), asked.templates)
    proof = prove(saved, asked.today, Path(asked.cache) if asked.cache else None)
    sys.stdout.buffer.write(msgspec.msgpack.encode(proof))


if __name__ == "__main__":
    main()
