"""The law of mistakes: of several slips in one rule each is told as if it were the only one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from detector import files
from detector.rulebook.documents import Document, Path, read
from detector.rulebook.loading import load
from detector.rulebook.mistakes import Mistake

PACK = files.rules(None)
NAMES = {
    name: file for file, text in PACK.items() for name in re.findall(r"^name: (\S+)", text, re.M)
}


Said = tuple[str, int, int, str]
"""File, line, column and text of a mistake."""


@dataclass(frozen=True)
class Slip:
    """What an analyst types instead of the key or the value that stands at a place."""

    path: Path
    line: int
    column: int
    old: str
    new: str

    def made(self, lines: list[str]) -> None:
        """Put it into the lines of a file."""
        line = lines[self.line - 1]
        start = self.column - 1
        assert line[start:].startswith(self.old)
        lines[self.line - 1] = line[:start] + self.new + line[start + len(self.old) :]


def swapped(word: str) -> str:
    """A word with two of its letters in the wrong order."""
    at = next((i for i in range(len(word) // 2, 0, -1) if word[i] != word[i - 1]), 0)
    return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :] if at else word + "x"


def unknown_modifier(key: str) -> str:
    """A field with a modifier that there is not."""
    return f"{key}|startwith"


def says(text: str) -> Callable[[str], str]:
    """The same whatever stood there."""
    return lambda _: text


KEYS: dict[str, tuple[Callable[[str], str], ...]] = {
    r"(title|level|status|logsource|detection|behavior|correlation|filter|tests|alert|expires)": (swapped,),
    r"logsource\.(product|service)": (swapped,),
    r"(detection|filter)\.(?!condition)[^.]+\.[^#]+": (swapped, unknown_modifier),
    r"(correlation|behavior|alert)\.[^.#]+": (swapped,),
    r"behavior\.learn\..*": (swapped,),
    r"tests\.#\.(name|events|expect|learned|people)": (swapped,),
    r"tests\.#\.events\.#\.(action|object_type|category|client\.app_name)": (swapped,),
    r"tests\.#\.expect\.[a-z]+": (swapped,),
}  # fmt: skip
"""Keys, by the words that lead to them, and how they are misspelt."""
VALUES: dict[str, tuple[Callable[[str], str], ...]] = {
    r"level": (says("hihg"), says("[]")),
    r"status": (says("stabel"),),
    r"date": (says("2026-13-40"),),
    r"id": (says("12"),),
    r"tags\.#": (says("T1078"),),
    r"logsource\.product": (says("onepasword"),),
    r"logsource\.service": (swapped,),
    r"(detection|filter)\.condition": (lambda old: f"{old} and nobody", lambda old: f"{old} AND ("),
    r"(detection|filter)\.(?!condition).*": (says("2026-01-31"), says("NO")),
    r"correlation\.type": (swapped,),
    r"behavior\.type": (swapped,),
    r"correlation\.timespan": (says("10 minutes"), says("90d")),
    r"correlation\.condition\.(gte|gt)": (says("many"), says("'10'")),
    r"correlation\.group-by\.#": (swapped,),
    r"(correlation|behavior|filter)\.rules\.#": (swapped,),
    r"behavior\.(fields|group-by|with-any-new)\.#": (swapped,),
    r"behavior\.(sensitivity|remember|schedule|within|span)": (says("soon"),),
    r"behavior\.learn\.(until|remember)": (says("3 weeks"),),
    r"expires": (says("31.12.2026"),),
    r"alert\.dedup\.for": (says("a day"),),
    r"tests\.#\.events\.#\.at": (says("soon"),),
    r"tests\.#\.events\.#\.use": (says("nobody"),),
    r"tests\.#\.events\.#\.ip": (says("1.2.3"),),
    r"tests\.#\.expect\.alerts": (says("many"),),
    r"tests\.#\.expect\.level": (says("hihg"),),
}  # fmt: skip
"""Values, likewise."""


def of_path(path: Path) -> str:
    """The words that lead to a place, `#` for a place in a list."""
    return ".".join("#" if isinstance(step, int) else step for step in path)


def slips_of(document: Document, lines: list[str]) -> Iterator[Slip]:
    """Every slip that can be made in a document."""
    for places, kinds in ((document.keys, KEYS), (document.values, VALUES)):
        for path, (line, column) in places.items():
            rest = lines[line - 1][column - 1 :]
            if kinds is VALUES and any(inner[:-1] == path for inner in places):
                continue
            old = path[-1] if kinds is KEYS else re.match(r"[^\s,\]}'\"\[{#][^,\]}'\"\[{#]*", rest)
            if old is None or isinstance(old, int):
                continue
            old = old if isinstance(old, str) else old[0].rstrip()
            if not rest.startswith(old):
                continue
            for words, edits in kinds.items():
                if re.fullmatch(words, of_path(path)):
                    yield from (Slip(path, line, column, old, edit(old)) for edit in edits)


@cache
def about(file: str) -> tuple[dict[str, str], tuple[Slip, ...]]:
    """The texts that a shipped file needs, and the slips that can be made in it."""
    needed, waiting = dict[str, str](), [file]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = PACK[name]
            waiting += [NAMES[word] for word in re.findall(r"[\w.-]+", PACK[name]) if word in NAMES]
    (lines, reading) = (PACK[file].splitlines(), read(file, PACK[file]))
    return needed, tuple(slip for each in reading.documents for slip in slips_of(each, lines))


def told(file: str, slips: tuple[Slip, ...]) -> set[Said]:
    """The mistakes in a file with these slips in it."""
    needed, _ = about(file)
    lines = needed[file].splitlines()
    for slip in slips:
        slip.made(lines)
    found = load(needed | {file: "\n".join(lines)}).mistakes
    return {(each.file, each.line, each.column, unnamed(each)) for each in found}


def unnamed(mistake: Mistake) -> str:
    """What a mistake says, without the words that lead to its place: one of them may be a slip, too."""
    return mistake.text.partition(": ")[2] or mistake.text


@cache
def alone(file: str, slip: Slip) -> frozenset[Said]:
    """What is told of a slip that is the only one, but for what comes of it elsewhere.

    A rule that is mistaken is "broken" to those that name it, unless they misspell its name.
    """
    return frozenset(each for each in told(file, (slip,)) if not each[-1].endswith(" is broken"))


@st.composite
def mistaken(draw: st.DrawFn) -> tuple[str, tuple[Slip, ...]]:
    """A shipped file with slips in different lines."""
    file = draw(st.sampled_from(sorted(file for file in PACK if about(file)[1])))
    slips = draw(
        st.lists(
            st.sampled_from(about(file)[1]),
            min_size=2,
            max_size=5,
            unique_by=lambda each: each.line,
        )
    )
    return file, tuple(slips)


@given(mistaken())
@settings(max_examples=40, deadline=None)
def test_every_slip_is_told_whatever_else_is_wrong(made: tuple[str, tuple[Slip, ...]]) -> None:
    file, slips = made

    together = told(file, slips)

    for slip in slips:
        assert alone(file, slip) <= together, f"{slip} among {slips}"
