"""`behavior:` documents: checked by the catalog, its complaints put where they belong."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from detector import events
from detector.rule_types import catalog
from detector.rule_types.base import Behavior, Document
from detector.rulebook import sections
from detector.rulebook.documents import Path
from detector.rulebook.items import where_else
from detector.rulebook.mistakes import did_you_mean, nearest, quoted
from detector.rulebook.references import Draft, Register
from detector.rulebook.reports import Report
from detector.rulebook.schemas import of_feed
from detector.rulebook.vocabulary import PSEUDO_FIELDS

_TYPES: Final = {
    str(kind.model_fields["type"].annotation.__args__[0]): kind  # type: ignore[union-attr]
    for kind in catalog.BEHAVIORS
}
_FIELD_KEYS: Final = {"group-by": "group_by", "fields": "fields", "with-any-new": "with_any_new"}
_FIELD_KEY: Final = "of"
"""The key with one field."""


def read_behavior(report: Report) -> Document | None:
    """The behaviour of a document; null, and mistakes, if the catalog refuses it."""
    mapping = report.at(("behavior",))
    if not isinstance(mapping, dict):
        report.wrong(("behavior",), "not a mapping", "write 'type:' and 'rules:' under it")
        return None
    if "type" not in mapping:
        _check_keys(report, mapping)
    kind = type_of(report)
    if kind is None:
        return None
    behavior, problems = _validated(mapping, kind)
    if misspelt := [each for each in problems if each["type"] == "extra_forbidden"]:
        for problem in misspelt:
            _complain(report, kind, problem)
        behavior, problems = _validated(mapping, kind)
    for problem in problems:
        if problem["type"] != "extra_forbidden":
            _complain(report, kind, problem)
    return behavior


def _check_keys(report: Report, mapping: Mapping[str, Any]) -> None:
    """Tell of keys that no type of behaviour has: one of them may have been to be `type`."""
    known = {key for kind in _TYPES.values() for key in _keys(kind, ())}
    for key in [key for key in mapping if key not in known]:
        _misspelt(report, ("behavior", key), known, "")


def _misspelt(report: Report, path: Path, known: Collection[str], about: str) -> None:
    fix = did_you_mean(path[-1], sorted(known))
    report.wrong(path, "not a key here", fix, key=True, about=about)
    report.mend_key(path, known)


def type_of(report: Report) -> str | None:
    """The type of a behaviour; after the mistake the one that was probably meant, if any was."""
    told = report.at(("behavior", "type"))
    if isinstance(told, str) and told in _TYPES:
        return told
    if told is None:
        report.wrong(("behavior", "type"), "is missing", "write it like 'type: first_seen'")
    else:
        report.not_one_of(("behavior", "type"), told, "a behavior", _TYPES)
    return nearest(told, _TYPES)


def _validated(mapping: Mapping[str, Any], kind: str) -> tuple[Document | None, list[Any]]:
    try:
        return catalog.adapter.validate_python({**mapping, "type": kind}), []
    except ValidationError as error:
        return None, list(error.errors(include_url=False))


def read_bases(report: Report, register: Register) -> tuple[Draft, ...]:
    """The drafts of the rules that a behaviour looks at."""
    path: Path = ("behavior", "rules")
    told = report.at(path)
    places = [(*path, index) for index in range(len(told))] if isinstance(told, list) else []
    found = (register.find(report, place) for place in places if not report.spoilt(place))
    return tuple(draft for draft in found if draft)


def check_fields(report: Report, behavior: Behavior | None, feeds: Iterable[str]) -> None:
    """Tell of every field of a behaviour that the events of its rules do not have."""
    names = _columns(feeds)
    for key, attribute in _FIELD_KEYS.items():
        told = getattr(behavior, attribute, None) or report.at(("behavior", key))
        for index, field in enumerate(told if isinstance(told, tuple | list) else ()):
            _check_field(report, ("behavior", key, index), field, names)
    _check_field(report, ("behavior", _FIELD_KEY), report.at(("behavior", _FIELD_KEY)), names)


def _check_field(report: Report, path: Path, field: object, names: Mapping[str, str]) -> None:
    if isinstance(field, str) and field not in names:
        fix = where_else(field, names) or did_you_mean(field, names)
        text = f"{quoted(field)} is not a field of the rules it looks at"
        report.wrong(path, text, fix, about=sections.FIELDS)


def in_columns(behavior: Behavior, feeds: Iterable[str]) -> Behavior:
    """The behaviour with columns in place of raw names."""
    names = _columns(feeds)
    update: dict[str, Any] = {
        attribute: tuple(names.get(field, field) for field in fields)
        for attribute in _FIELD_KEYS.values()
        if (fields := getattr(behavior, attribute, None)) is not None
    }
    one = getattr(behavior, _FIELD_KEY, None)
    if one is not None:
        update[_FIELD_KEY] = names.get(one, one)
    return behavior.model_copy(update=update)


def _columns(feeds: Iterable[str]) -> Mapping[str, str]:
    """What a behaviour may name: columns that any of the feeds fills, and what the engine makes."""
    names = {name: name for name in PSEUDO_FIELDS}
    for feed in feeds:
        schema = of_feed(feed)
        names |= {
            name: column for name in events.ours(schema.fields) if (column := schema.column(name))
        }
    return names


def _complain(report: Report, name: str, problem: Any) -> None:
    """Put one of pydantic's errors where it belongs, in our words."""
    steps, kind = tuple(problem["loc"]), _TYPES[name]
    path: Path = ("behavior", *(steps[1:] if steps and steps[0] in _TYPES else steps))
    about = sections.of_behavior(name)
    match problem["type"]:
        case "tuple_type":
            report.wrong(path, "is not a list", f"write [{problem['input']}]", about=about)
        case "extra_forbidden":
            _misspelt(report, path, _keys(kind, path[1:-1]), about)
        case "too_short":
            report.wrong(path, "is empty", about=about)
        case "string_pattern_mismatch":
            default = _default(kind, path[1:])
            fix = f"write it like {default}" if isinstance(default, str) else ""
            report.wrong(path, f"cannot read {quoted(problem['input'])}", fix, about=about)
        case "missing":
            report.wrong(path, "is missing", about=about)
        case "literal_error":
            expected = str(problem["ctx"]["expected"]).replace("' or '", "', '").split("', '")
            words = [word.strip("'") for word in expected]
            report.not_one_of(
                path, problem["input"], "one of the words for this", words, about=about
            )
        case _:
            text = f"{quoted(problem['input'])}: {_first_line(problem['msg'])}"
            report.wrong(path, text, about=about)


def _keys(kind: type[Document], path: Path) -> list[str]:
    """The keys that may stand under `path` in a behaviour of this kind."""
    return [field.alias or name for name, field in _fields(kind, path).items()]


def _default(kind: type[Document], path: Path) -> object:
    """What stands at `path` of a behaviour if nothing is written."""
    fields = _fields(kind, path[:-1])
    named = (field for name, field in fields.items() if (field.alias or name) == path[-1])
    return next((field.default for field in named), None)


def _fields(kind: type[Document], path: Path) -> dict[str, FieldInfo]:
    fields: dict[str, FieldInfo] = dict(kind.model_fields)
    for step in path:
        inner = fields[str(step)].annotation if str(step) in fields else None
        fields = dict(getattr(inner, "model_fields", {}))
    return fields


def _first_line(message: str) -> str:
    return message.splitlines()[0].removeprefix("Value error, ") if message else "not valid"
