"""Saving is deploying: which files are at work, and what became of those that were saved since.

What is saved takes effect as a whole or not at all: everything is read, every test in it is
played, and only then does it take the place of what was at work before. What was refused is not
looked at again until it changes, or somebody asks.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from detector import files
from detector.files import Saved
from detector.findings import Level
from detector.plans import Texts
from detector.proving import Proof
from detector.rendering import Renderer, TemplateError
from detector.settings import ConfigError
from detector.troubles import Kind, Trouble

SETTLES_S: Final = 1.0
"""Files are still being saved, or checked out, while they change within that time."""
OWN_AFTER: Final = timedelta(minutes=1)
"""What a service begins with is proven, too, when it has caught up."""
MOST_WAITS: Final = 60
MOST_SHOWN: Final = 5

log = structlog.get_logger()


@dataclass(frozen=True)
class Means:
    """By what a rollout reads, proves and acts; nothing of it is its own business."""

    read: Callable[[], Saved]
    """What lies on the disk. Raises ConfigError."""
    prove: Callable[[Saved], Proof | None]
    """Null if the service is to stop before it is done."""
    adopt: Callable[[Saved], None]
    """Let it be at work from here on."""
    mistakes: Callable[[Saved], tuple[str, ...]]
    """What is wrong with it at first sight, without a test being played."""
    pause: Callable[[float], object]
    now: Callable[[], datetime]


@dataclass(frozen=True)
class Refusal:
    """Files that are not fit to be at work, and why.

    `at_work`: they are, all the same, because there is nothing better.
    """

    version: str
    since: datetime
    problems: tuple[str, ...]
    at_work: bool = False

    def trouble(self) -> Trouble:
        """It, for the operator."""
        rest = len(self.problems) - MOST_SHOWN
        more = (f"+ and {rest} more; 'vaultwatch reload' lists them all",) if rest > 0 else ()
        words = "The saved files are not at work" if not self.at_work else "Not all files work"
        goes_on = (
            "- what is sound in them is at work; a shipped rule whose change is wrong is as shipped"
            if self.at_work
            else "- the files of before go on"
        )
        return Trouble(
            Kind.FILES_REFUSED,
            Level.HIGH if self.at_work else Level.MEDIUM,
            f"{words}: {self.problems[0]}",
            self.since,
            f"files {self.version[:8]}",
            why=(*(f"+ {each}" for each in self.problems[1:MOST_SHOWN]), *more, goes_on),
            evidence={"problems": len(self.problems), "version": self.version},
        )


@dataclass(frozen=True)
class _Unreadable:
    """What lies on the disk cannot even be read."""

    words: str

    @property
    def version(self) -> str:
        return hashlib.sha256(self.words.encode()).hexdigest()[:16]


def at_start(read: Callable[[], Saved], last: Texts | None) -> Saved:
    """What a service begins with: the plan of before, where there is one.

    The difference to what is saved is proven like any other. Without a plan of before what is
    sound is at work, and in place of templates that are not, those that are shipped. Raises
    ConfigError where nothing can be read, and there is nothing of before.
    """
    try:
        saved = read()
    except ConfigError:
        if last is None:
            raise
        saved = Saved(last, files.templates(None))
    try:
        Renderer(saved.templates)
    except TemplateError:
        saved = replace(saved, templates=files.templates(None))
    return saved if last is None else replace(saved, texts=last)


class Rollout:
    """The files at work, and the refusal of what was saved since, if there is one."""

    def __init__(self, means: Means, at_work: Saved) -> None:
        self._means, self._mutex = means, threading.Lock()
        self.at_work, self._proven, self._begun = at_work, False, means.now()
        self.refusal: Refusal | None = None
        self._flaw: Refusal | None = None
        """What is wrong with what is at work."""
        mistakes = means.mistakes(at_work)
        if mistakes:
            self._flaw = Refusal(at_work.version, means.now(), mistakes, at_work=True)
            self._refuse(self._flaw)

    @property
    def problems(self) -> tuple[str, ...]:
        """Every reason why what lies on the disk is not at work as a whole."""
        return self.refusal.problems if self.refusal else ()

    @property
    def lags(self) -> bool:
        """Whether something else lies on the disk than what is at work."""
        return self._read().version != self.at_work.version

    def look(self, *, again: bool = False) -> bool:
        """Look at the disk once; true if what is at work, or what is refused, is now another.

        `again`: also prove what was proven or refused before.
        """
        with self._mutex:
            before = (self.at_work.version, self.refusal)
            found = self._read()
            if again or not self._is_judged(found):
                self._consider(self._settled(found))
            return before != (self.at_work.version, self.refusal)

    def _read(self) -> Saved | _Unreadable:
        try:
            return self._means.read()
        except ConfigError as error:
            return _Unreadable(str(error))

    def _is_judged(self, found: Saved | _Unreadable) -> bool:
        if self.refusal is not None and self.refusal.version == found.version:
            return not self.refusal.at_work or self._proven or self._is_young
        if found.version != self.at_work.version:
            return False
        # Whoever takes a mistake back has nothing to be told any more.
        self.refusal = self._flaw
        return self._proven or self._is_young

    @property
    def _is_young(self) -> bool:
        return self._means.now() - self._begun < OWN_AFTER

    def _settled(self, found: Saved | _Unreadable) -> Saved | _Unreadable:
        """What lies on the disk once nobody is saving any more."""
        for _ in range(MOST_WAITS):
            if found.version == self.at_work.version:
                break
            self._means.pause(SETTLES_S)
            found, before = self._read(), found
            if found.version == before.version:
                break
        return found

    def _consider(self, found: Saved | _Unreadable) -> None:
        if isinstance(found, _Unreadable):
            self._refuse(Refusal(found.version, self._means.now(), (found.words,)))
            return
        proof = self._means.prove(found)
        if proof is None:
            return
        if found.version == self.at_work.version:
            self._proven, self._flaw, self.refusal = True, None, None
            if proof.problems:
                now = self._means.now()
                self._flaw = Refusal(found.version, now, proof.problems, at_work=True)
                self._refuse(self._flaw)
        elif proof.problems:
            self._refuse(Refusal(found.version, self._means.now(), proof.problems))
        else:
            self._means.adopt(found)
            self.at_work, self._proven, self._flaw, self.refusal = found, True, None, None
            log.info("deployed", version=found.version, rules=proof.rules, tests=proof.tests)

    def _refuse(self, refusal: Refusal) -> None:
        known = self.refusal
        if known is not None and known.version == refusal.version:
            refusal = replace(refusal, since=known.since)
        if refusal != known:
            self.refusal = refusal
            for problem in refusal.problems:
                log.error("refused", version=refusal.version, problem=problem)
