"""What the engine is told to run: rule, model, people and network files as texts, and as a plan.

The texts are kept in the log, so that history can be replayed under the rules of its time.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from ipaddress import ip_network
from typing import Any, Protocol, TypeVar

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from detector import networks, workhours
from detector.anomaly.declaration import Declaration
from detector.as_shipped import without_broken_changes
from detector.kernel import Plan
from detector.networks import NamedNetwork, Networks
from detector.people import Colleague, Duty, Holiday, People
from detector.rulebook import sections
from detector.rulebook.loaded import Loaded
from detector.rulebook.mistakes import Mistake, did_you_mean, quoted

_T = TypeVar("_T", bound=BaseModel)


@dataclass(frozen=True)
class Texts:
    """The files by name: what a person wrote, before anything is read into it."""

    rules: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    lists: Mapping[str, str] = field(default_factory=dict)

    def dump(self) -> bytes:
        """As bytes for the log."""
        return zlib.compress(json.dumps(asdict(self), sort_keys=True).encode())

    @staticmethod
    @lru_cache(maxsize=8)
    def parse(body: bytes) -> Texts:
        """Read back what `dump` wrote; the same for all accounts that have the same."""
        return Texts(**json.loads(zlib.decompress(body)))

    def __hash__(self) -> int:
        return hash(self.version)

    @cached_property
    def version(self) -> str:
        """A name for exactly these texts."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Built:
    """The plan that the texts make, what loaded, and every mistake in any of the files."""

    plan: Plan
    loaded: Loaded
    mistakes: tuple[Mistake, ...]


class _PersonEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: str = Field(min_length=3)
    name: str | None = None
    timezone: str | None = None
    group: str | None = None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        if name is not None and workhours.zone(name) is None:
            msg = f"{name!r} is no IANA time zone; write it like 'Europe/Paris'"
            raise ValueError(msg)
        return name


class _HolidayEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    date: date
    name: str = ""
    timezones: list[str] = []

    @field_validator("timezones")
    @classmethod
    def _zones(cls, names: list[str]) -> list[str]:
        for name in names:
            if workhours.zone(name) is None:
                msg = f"{name!r} is no IANA time zone; write it like 'Europe/Paris'"
                raise ValueError(msg)
        return names


class _DutyEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: str = Field(min_length=3)
    start: AwareDatetime = Field(alias="from")
    until: AwareDatetime


class _PeopleFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    people: list[_PersonEntry]
    holidays: list[_HolidayEntry] = []
    on_call: list[_DutyEntry] = []


class _NetworkEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    kind: str
    cidrs: list[str]

    @field_validator("kind")
    @classmethod
    def _kind(cls, text: str) -> str:
        if text not in networks.KINDS:
            msg = f"{text!r} is no kind of network; there are {', '.join(networks.KINDS)}"
            raise ValueError(msg)
        return text

    @field_validator("cidrs")
    @classmethod
    def _ranges(cls, texts: list[str]) -> list[str]:
        for text in texts:
            ip_network(text, strict=False)
        return texts


class _NetworksFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    networks: list[_NetworkEntry]


_ABOUT: Mapping[type[BaseModel], str] = {
    Declaration: sections.MODELS,
    _PeopleFile: sections.PEOPLE,
    _NetworksFile: sections.NETWORKS,
}


class LoadRules(Protocol):
    """Loads rule files and lists: `load`, or a cache of what it made."""

    def __hash__(self) -> int:
        """What loads the same in the same way is the same."""

    def __call__(
        self, texts: Mapping[str, str], *, today: date | None, lists: Mapping[str, str]
    ) -> Loaded:
        """What comes of rule files (path to text) on that day."""


def _load(texts: Mapping[str, str], *, today: date | None, lists: Mapping[str, str]) -> Loaded:
    # What parses Sigma is slow to import, and a cache may know the answer.
    from detector.rulebook.loading import load

    return load(texts, today=today, lists=lists)


@lru_cache(maxsize=8)
def build(texts: Texts, today: date, load_rules: LoadRules = _load) -> Built:
    """Read all texts; a broken file is reported and the rest works on.

    What is built holds no state of an account: a thousand accounts share it.
    """
    loaded = load_rules(texts.rules, today=today, lists=texts.lists)
    mistakes: list[Mistake] = list(loaded.mistakes)
    if mended := without_broken_changes(texts.rules, mistakes):
        # A change that is wrong must not cost the rule that it was to change.
        own = [each for each in mistakes if mended.get(each.file) != texts.rules.get(each.file)]
        loaded = load_rules(mended, today=today, lists=texts.lists)
        mistakes = list(dict.fromkeys((*own, *loaded.mistakes)))
    declarations = _models(texts.models, mistakes)
    people = _people(texts, mistakes)
    named = [
        each for name, text in texts.networks.items() for each in _networks(name, text, mistakes)
    ]
    plan = Plan(
        loaded.rulebook,
        declarations[0] if declarations else None,
        people,
        Networks(tuple(named)),
    )
    return Built(plan, loaded, tuple(mistakes))


def _models(texts: Mapping[str, str], mistakes: list[Mistake]) -> list[Declaration]:
    """The declared models; the engine runs one, so a further one is a mistake."""
    found: list[Declaration] = []
    for name, text in texts.items():
        declared = _read(Declaration, name, text, mistakes)
        if declared is None:
            continue
        if found:
            mistakes.append(
                Mistake(
                    name, 1, 1, "a second model", "keep one file in the folder", sections.MODELS
                )
            )
        found.append(declared)
    return found


def _people(texts: Texts, mistakes: list[Mistake]) -> People:
    read = [_read(_PeopleFile, name, text, mistakes) for name, text in texts.people.items()]
    files = [file for file in read if file is not None]
    return People(
        tuple(
            Colleague(each.email, each.name, each.timezone, each.group)
            for file in files
            for each in file.people
        ),
        timezone=texts.timezone,
        holidays=tuple(
            Holiday(each.date, each.name, tuple(each.timezones))
            for file in files
            for each in file.holidays
        ),
        duties=tuple(
            Duty(each.email, each.start, each.until) for file in files for each in file.on_call
        ),
    )


def _networks(name: str, text: str, mistakes: list[Mistake]) -> list[NamedNetwork]:
    found = _read(_NetworksFile, name, text, mistakes)
    return [
        NamedNetwork(
            entry.name, entry.kind, tuple(ip_network(cidr, strict=False) for cidr in entry.cidrs)
        )
        for entry in (found.networks if found else [])
    ]


def _read(kind: type[_T], name: str, text: str, mistakes: list[Mistake]) -> _T | None:
    node = None
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        fields = yaml.load(text, Loader=yaml.CSafeLoader)
        return kind.model_validate(fields)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        mistakes.append(
            Mistake(name, line, column, f"not YAML: {_problem(error)}", "", sections.YAML)
        )
    except RecursionError:
        mistakes.append(Mistake(name, 1, 1, "nested too deeply", "", sections.YAML))
    except ValidationError as error:
        for each in error.errors():
            line, column = _mark(node, each["loc"])
            text, fix = _worded(kind, each)
            mistakes.append(Mistake(name, line, column, text, fix, _ABOUT[kind]))
    except (ValueError, OverflowError) as error:
        # What looks like a date to YAML and is none.
        mistakes.append(Mistake(name, 1, 1, f"not YAML: {error}", "", sections.YAML))
    return None


def _worded(kind: type[BaseModel], error: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong in words, and the word that was probably meant."""
    where = ".".join(str(part) for part in error["loc"] if " " not in str(part))
    words, fix = str(error["msg"]).removeprefix("Value error, "), ""
    if error["type"] == "extra_forbidden":
        words, fix = "is no key here", did_you_mean(error["loc"][-1], _keys(kind))
    elif error["type"] == "literal_error":
        known = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
        words, fix = f"there is no {quoted(error['input'])}", did_you_mean(error["input"], known)
    return f"{where or 'the whole file'}: {words}", fix


def _keys(kind: type[BaseModel]) -> set[str]:
    """Every key that a file of a kind may have somewhere."""
    schema = kind.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", {})}


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]


def _mark(node: Any, place: tuple[int | str, ...]) -> tuple[int, int]:
    """Line and column of the node at a place, or of the nearest one above it."""
    for part in place:
        inner = None
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            inner = node.value[part] if part < len(node.value) else None
        # A part may be a kind of entry, which has no place of its own.
        node = inner or node
    if node is None:
        return 1, 1
    return node.start_mark.line + 1, node.start_mark.column + 1
