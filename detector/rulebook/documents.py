"""YAML texts in, plain documents out, in which every key and value knows its place.

Aliases, tags, tabs, depth and size are refused here, before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from detector.rulebook import sections
from detector.rulebook.mistakes import Mistake, quoted

LONGEST_FILE: Final = 1_048_576
DEEPEST: Final = 16
MOST_NODES: Final = 50_000
_START: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF
"""What Python makes of bytes that are no UTF-8 (`surrogateescape`)."""
_NO_UTF8: Final = re.compile("[\udc80-\udcff]")
_ODD_INDENT: Final = re.compile("^ *[\u00a0\u2000-\u200b\u202f\u3000]", re.MULTILINE)
_TAG: Final = "tag:yaml.org,2002:"
_PLAIN: Final = frozenset(
    _TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp")
)

Path = tuple[str | int, ...]
"""The keys and indices that lead to a value in a document."""
Place = tuple[int, int]
"""Line and column, counted from 1."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its plain value, and where each key and value stands."""

    file: str
    start: Place
    value: dict[str, Any] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    literals: dict[Path, str] = field(default_factory=dict)
    """Texts of unquoted scalars that YAML does not read as text."""
    sources: dict[Path, str] = field(default_factory=dict)
    """The files of values that came from elsewhere (an overlay)."""
    unread: set[Path] = field(default_factory=set)
    """Where something stands that YAML makes nothing of, which was told; null stands for it."""

    def file_of(self, path: Path) -> str:
        """The file in which the value at `path` stands."""
        while path and path not in self.sources:
            path = path[:-1]
        return self.sources.get(path, self.file)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where the value (or key) at `path` stands, or else the nearest thing around it."""
        places = self.keys if key else self.values
        while path and path not in places:
            path = path[:-1]
        return places.get(path, self.start)

    def rename(self, path: Path, key: str, meant: str) -> None:
        """Let what stands under `key` of the mapping at `path` stand under `meant`, in its old place."""
        mapping: Any = self.value
        for step in path:
            mapping = mapping[step]
        mapping[meant] = mapping.pop(key)
        _move(self.keys, (*path, key), (*path, meant))
        _move(self.values, (*path, key), (*path, meant))
        _move(self.literals, (*path, key), (*path, meant))


def _move(things: dict[Path, Any], old: Path, new: Path) -> None:
    size = len(old)
    for path in [path for path in things if path[:size] == old]:
        things[*new, *path[size:]] = things.pop(path)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file holds: its good documents, how many were found, and what is wrong.

    `damaged` documents have values or keys that YAML cannot read; the rest of them can be checked.
    """

    documents: tuple[Document, ...]
    found: int
    mistakes: tuple[Mistake, ...]
    damaged: tuple[Document, ...] = ()


_CURES: Final[Mapping[str, str]] = {
    "cannot start any token": "indent with spaces, and put texts that begin with a special sign in quotes",
    "tab character": "indent with spaces",
    "mapping values are not allowed":
        "put a text that holds ': ' in quotes, and let the keys of one mapping begin in one column",
    "did not find expected key": "let the keys of one mapping begin in one column",
    "could not find expected ':'": "write 'key: value', with a space behind the colon",
    "did not find expected '-' indicator": "let the dashes of one list stand in one column",
    "while scanning a quoted scalar": "a quotation mark is not closed",
    "did not find expected ',' or ']'": "a bracket is not closed, or a comma is missing",
    "did not find expected ',' or '}'": "a brace is not closed, or a comma is missing",
}  # fmt: skip
"""What the parser says, and what to do about it."""


class _Refused(Exception):
    """A document cannot be read at all."""

    def __init__(self, place: Place, text: str, fix: str = "") -> None:
        super().__init__(text)
        self.place, self.text, self.fix = place, text, fix


def read(file: str, text: str) -> Reading:
    """Read every document of a file; a broken document does not hide the others."""
    if len(text) > LONGEST_FILE:
        wrong = Mistake(
            file, 1, 1, f"file has {len(text)} characters; {LONGEST_FILE} is the most", "split it",
            sections.YAML,
        )  # fmt: skip
        return Reading((), 1, (wrong,))
    documents: list[Document] = []
    damaged: list[Document] = []
    mistakes: list[Mistake] = []
    found = 0
    for first_line, chunk in chunks(text):
        try:
            nodes = _nodes(chunk, first_line)
        except _Refused as refused:
            found += 1
            mistakes.append(Mistake(file, *refused.place, refused.text, refused.fix, sections.YAML))
            continue
        for node in nodes:
            found += 1
            builder = _Builder(file, first_line, node)
            mistakes += builder.mistakes
            if not builder.mistakes:
                documents.append(builder.document)
            elif builder.document.value:
                damaged.append(builder.document)
    return Reading(tuple(documents), found, tuple(mistakes), tuple(damaged))


def chunks(text: str) -> Iterator[tuple[int, str]]:
    """Each document's text and first line (`---` at the left edge always starts one)."""
    starts = [0, *(mark.start() for mark in _START.finditer(text) if mark.start())]
    line = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        chunk = text[start:end]
        yield line, chunk
        line += chunk.count("\n")


def _nodes(chunk: str, first_line: int) -> list[yaml.Node]:
    _check_signs(chunk, first_line)
    try:
        _check_events(chunk, first_line)
        return [node for node in yaml.compose_all(chunk, yaml.CSafeLoader) if node is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(mark, first_line) if mark else (first_line + 1, 1)
        raise _Refused(
            place, f"not YAML: {error.problem or error.context}", _cure(error)
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        before = chunk[: getattr(error, "position", 0)]
        place = (first_line + 1 + before.count("\n"), len(before) - before.rfind("\n"))
        raise _Refused(place, f"not YAML: {reason}") from error


def _check_signs(chunk: str, first_line: int) -> None:
    """Bytes that are no text, and spaces that are none to YAML, which says nothing helpful of them."""
    found = _NO_UTF8.search(chunk) or _ODD_INDENT.search(chunk)
    if found is None:
        return
    before = chunk[: found.end() - 1]
    place = (first_line + 1 + before.count("\n"), len(before) - before.rfind("\n"))
    sign = ord(found[0][-1])
    if _FIRST_BYTE <= sign <= _LAST_BYTE:
        raise _Refused(place, f"byte 0x{sign - 0xDC00:02x} is not UTF-8", "save the file as UTF-8")
    raise _Refused(place, f"U+{sign:04X} stands before the first word", "indent with plain spaces")


def _check_events(chunk: str, first_line: int) -> None:
    """Walk the flat events before anything nested is built: bombs end here."""
    depth = 0
    for count, event in enumerate(yaml.parse(chunk, yaml.CSafeLoader)):
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(
                _place(event.start_mark, first_line),
                f"aliases are not allowed: *{str(event.anchor)[:80]}",
                "write the value out, or put a text that begins with '*' in quotes",
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise _Refused(_place(event.start_mark, first_line), f"nested deeper than {DEEPEST}")
        if count > MOST_NODES:
            raise _Refused(
                _place(event.start_mark, first_line), f"more than {MOST_NODES} values", "split it"
            )


def _place(mark: Any, first_line: int) -> Place:
    return (mark.line + first_line + 1, mark.column + 1)


def _cure(error: yaml.MarkedYAMLError) -> str:
    problem = f"{error.problem} {error.context}"
    return next((cure for words, cure in _CURES.items() if words in problem), "")


class _Builder:
    """Builds one document out of its nodes; collects what is wrong on the way."""

    def __init__(self, file: str, first_line: int, root: yaml.Node) -> None:
        self._first_line = first_line
        self._scalars = yaml.constructor.SafeConstructor()
        self.mistakes: list[Mistake] = []
        self.document = Document(file, _place(root.start_mark, first_line))
        if isinstance(root, yaml.MappingNode):
            self.document.value.update(self._mapping(root, ()))
        else:
            self._wrong(root, "a rule is a mapping of keys", "write 'title: ...' and so on")

    def _wrong(self, node: yaml.Node, text: str, fix: str = "") -> None:
        place = _place(node.start_mark, self._first_line)
        self.mistakes.append(Mistake(self.document.file, *place, text, fix, sections.YAML))

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self.document.values[path] = _place(node.start_mark, self._first_line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(child, (*path, index)) for index, child in enumerate(node.value)]
        before = len(self.mistakes)
        value = self._scalar(node)
        if len(self.mistakes) > before:
            self.document.unread.add(path)
        elif not isinstance(value, str):
            self.document.literals[path] = node.value
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None:
                self.document.unread.add(path)
                continue
            if key in built:
                self._wrong(key_node, f"{quoted(key)} stands here twice", "keep one of them")
                continue
            self.document.keys[*path, key] = _place(key_node.start_mark, self._first_line)
            built[key] = self._value(value_node, (*path, key))
        return built

    def _key(self, node: yaml.Node) -> str | None:
        key = self._scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if isinstance(key, str):
            return key
        if node.tag not in _PLAIN and isinstance(node, yaml.ScalarNode):
            return None
        shown = quoted(node.value) if isinstance(node, yaml.ScalarNode) else "this"
        self._wrong(node, f"{shown} is not a text, so it cannot be a key", "put it in quotes")
        return None

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag not in _PLAIN:
            self._wrong(node, f"tag {quoted(node.tag.replace(_TAG, '!!'))} is not allowed")
            return None
        try:
            return self._scalars.construct_object(node)
        except (ValueError, OverflowError, yaml.YAMLError) as error:
            text = f"{quoted(node.value)} cannot be read: {str(error).splitlines()[0]}"
            self._wrong(node, text, "mend it, or put it in quotes if it is a text")
            return None
