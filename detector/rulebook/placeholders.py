"""Lists of a site's own values, and `field|expand: '%name%'`, which asks for them.

A document is filled in before it is read, so that its values, its version and its mistakes are
those of a rule that names the values itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final

from detector.rulebook import sections
from detector.rulebook.documents import LONGEST_FILE, Path, Place, read
from detector.rulebook.mistakes import Mistake, did_you_mean, quoted
from detector.rulebook.reports import Report

Lists = Mapping[str, tuple[str, ...]]
"""The values of each list, by its name in lower case."""

EXAMPLES: Final = "example-lists"
"""The key under which a document brings examples for the lists that it asks for."""
MOST_VALUES: Final = 10_000
"""Values that one item of a selection may come to."""
_PLACEHOLDER: Final = re.compile(r"%([^%\\*?]+)%")
_COMMENT: Final = re.compile(r"(?:^|\s)\s*#.*")
_YAML: Final = (".yml", ".yaml")


def read_lists(texts: Mapping[str, str]) -> tuple[Lists, tuple[Mistake, ...]]:
    """The lists of all files (path to text), and what is wrong with them.

    A YAML file holds `name: [value, ...]` for each of its lists. Any other file is one list, named
    as the file is, with a value a line; empty lines and what stands behind a `#` (at the beginning,
    or after a space) say nothing. A list without values is no mistake until a rule asks for it.
    """
    lists: dict[str, tuple[str, ...]] = {}
    homes: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for file, text in sorted(texts.items()):
        for name, values, place in _lists(file, text, mistakes):
            key = name.lower()
            if key in lists:
                wrong = f"list {quoted(name)} is in {homes[key]} too"
                mistakes.append(Mistake(file, *place, wrong, "keep one of them", sections.LISTS))
            else:
                lists[key], homes[key] = values, file
    return lists, tuple(mistakes)


def _lists(
    file: str, text: str, mistakes: list[Mistake]
) -> Iterator[tuple[str, tuple[str, ...], Place]]:
    if file.lower().endswith(_YAML):
        reading = read(file, text)
        mistakes += reading.mistakes
        for document in reading.documents:
            report = Report(document, about=sections.LISTS)
            for name in document.value:
                before = len(report.mistakes)
                values = _values(report, name)
                if len(report.mistakes) == before:
                    yield name, values, document.place((name,), key=True)
            mistakes += report.mistakes
    elif len(text) > LONGEST_FILE:
        wrong = f"file has {len(text)} characters; {LONGEST_FILE} is the most"
        mistakes.append(Mistake(file, 1, 1, wrong, "split it", sections.LISTS))
    else:
        lines = (_COMMENT.sub("", line).strip() for line in text.splitlines())
        name = re.split(r"[/\\]", file)[-1].rsplit(".", 1)[0]
        yield name, tuple(filter(None, lines)), (1, 1)


def _values(report: Report, name: str) -> tuple[str, ...]:
    """The values of one list of a YAML file, as they are written there."""
    values = report.at((name,))
    if not isinstance(values, list):
        report.wrong((name,), "not a list", "write '[one, another]'")
        return ()
    written = report.document.literals
    for index, value in enumerate(values):
        if value is None or isinstance(value, dict | list):
            report.wrong((name, index), "not a value", "put it in quotes")
    return tuple(str(written.get((name, index), value)) for index, value in enumerate(values))


def fill_in(report: Report, lists: Lists) -> tuple[str, ...]:
    """Put the values of `lists` in place of the placeholders of a document's selections.

    The document's own `example-lists` count beside them, so that it loads and its tests can be
    played wherever it goes. The lists that gave nothing but examples are returned.
    """
    examples = _examples(report)
    both = {**lists, **{name: (*lists.get(name, ()), *examples[name]) for name in examples}}
    for where in ("detection", "filter"):
        _fill(report, (where,), report.at((where,)), both)
    return tuple(name for name in examples if not lists.get(name))


def _examples(report: Report) -> Lists:
    told = report.at((EXAMPLES,))
    if told is None:
        return {}
    if not isinstance(told, dict):
        report.wrong((EXAMPLES,), "not a mapping", "write '{sensitive_vaults: [example-vault]}'")
        return {}
    for name in told:
        if f"%{name}%".lower() not in str(report.at(("detection",))).lower():
            report.odd(
                (EXAMPLES, name), "no placeholder asks for it", f"write '%{name}%' somewhere"
            )
    return {name.lower(): report.texts((EXAMPLES, name)) for name in told}


def say_what_waits(waiting: Mapping[str, Sequence[Report]], lists: Lists) -> None:
    """Warn, once for each list, at the first of the documents for which it holds only examples."""
    for name, reports in waiting.items():
        rules = ", ".join(str(each.at(("name",)) or each.at(("title",))) for each in reports)
        what = "is empty" if name in lists else "is not there"
        text = f"your list {quoted(name)} {what}; only its example is looked for ({rules})"
        fix = f"write a value a line into {name}.txt in the folder of 'paths.lists'"
        reports[0].odd((EXAMPLES, name), text, fix)


def _fill(report: Report, path: Path, part: Any, lists: Lists) -> None:
    if isinstance(part, dict):
        for key, value in part.items():
            if "expand" in key.split("|")[1:]:
                part[key] = _filled(report, (*path, key), value, lists)
            else:
                _fill(report, (*path, key), value, lists)
    elif isinstance(part, list):
        for index, each in enumerate(part):
            _fill(report, (*path, index), each, lists)


def _filled(report: Report, path: Path, value: Any, lists: Lists) -> Any:
    """The values of an item; each stands, for a mistake, where its placeholder does."""
    document = report.document
    sources = (
        [((*path, i), each) for i, each in enumerate(value)] if isinstance(value, list) else []
    )
    found: list[Any] = []
    places: list[Place] = []
    literals: list[str | None] = []
    for source, each in sources or [(path, value)]:
        texts = _texts(report, source, each, lists)
        if len(found) + len(texts) > MOST_VALUES:
            text = f"comes to more than {MOST_VALUES} values"
            report.wrong(path, text, "split the lists", about=sections.PLACEHOLDERS)
            return value
        found += texts
        places += [document.place(source)] * len(texts)
        literals += [document.literals.get(source)] * len(texts)
    if found in (value, [value]):
        return value
    for index, (place, literal) in enumerate(zip(places, literals, strict=True)):
        document.values[*path, index] = place
        document.literals.pop((*path, index), None)
        if literal is not None:
            document.literals[*path, index] = literal
    return found


def _texts(report: Report, path: Path, value: Any, lists: Lists) -> list[Any]:
    """A value with every placeholder as each value of its list."""
    parts = _PLACEHOLDER.split(value) if isinstance(value, str) else []
    if len(parts) < 2:
        text = "'|expand' finds no placeholder here"
        report.odd(path, text, "write it like '%name%'", about=sections.PLACEHOLDERS)
        return [value]
    choices: list[tuple[str, ...]] = []
    size = 1
    for index, part in enumerate(parts):
        known = (part,) if index % 2 == 0 else lists.get(part.lower(), ())
        if not known:
            _report_missing(report, path, part, lists)
            known = (part,)
        choices.append(known)
        size *= len(known)
    # One more than may be is enough to be refused, and is quick to make.
    every = product(*choices) if size <= MOST_VALUES else [()] * (MOST_VALUES + 1)
    return ["".join(chosen) for chosen in every]


def _report_missing(report: Report, path: Path, name: str, lists: Lists) -> None:
    if name.lower() in lists:
        text, fix = f"list {quoted(name)} is empty", "write a value a line into its file"
    else:
        text = f"there is no list {quoted(name)}"
        fix = did_you_mean(name, lists) or "put its values into a file of 'paths.lists'"
    report.wrong(path, text, fix, about=sections.PLACEHOLDERS)
