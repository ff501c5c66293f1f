"""The configuration: `vaultwatch.toml`, then `VAULTWATCH_*`; every mistake with its field and a fix.

Secrets never stand in the file: they are named by `{ env = "NAME" }` or `{ file = "PATH" }`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

DEFAULT_FILE: Final = "vaultwatch.toml"
PREFIX: Final = "VAULTWATCH_"
_SPAN: Final = re.compile(r"(\d+)([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ConfigError(Exception):
    """The configuration cannot be used: one line for each mistake, with file, field and fix."""


def _span(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _SPAN.fullmatch(value.strip())
    if match is None:
        msg = f"{value!r} is not a span; write it like '60s', '5m', '24h' or '35d'"
        raise ValueError(msg)
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


Span = Annotated[timedelta, BeforeValidator(_span)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Secret(_Part):
    """Where a secret is: in an environment variable or in a file."""

    env: str | None = None
    file: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _never_literal(cls, value: object) -> object:
        if isinstance(value, str):
            msg = "secrets do not stand in the file; write { env = \"NAME\" } or { file = \"PATH\" }"
            raise ValueError(msg)
        if isinstance(value, dict) and len(value) != 1:
            msg = "name exactly one place: { env = \"NAME\" } or { file = \"PATH\" }"
            raise ValueError(msg)
        return value

    def read(self, environ: Mapping[str, str]) -> SecretStr:
        """The secret itself. Raises ConfigError where there is none."""
        if self.env is not None:
            text = environ.get(self.env, "")
            where = f"environment variable {self.env}"
        else:
            path = Path(self.file or "")
            where = f"file {path}"
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                msg = f"{where}: cannot be read: {error}"
                raise ConfigError(msg) from error
        if not text.strip():
            msg = f"{where}: is empty or not set; put the token there"
            raise ConfigError(msg)
        return SecretStr(text.strip())


class SourceConfig(_Part):
    """One 1Password account."""

    name: str = Field(min_length=1, description="Permanent name of the account.")
    token: Secret
    base_url: str | None = Field(default=None, description="Override; plain http only for loopback.")
    poll_every: Span = timedelta(seconds=60)
    backfill: Span = Field(default=timedelta(days=35), description="History fetched at first start.")


class DataConfig(_Part):
    """Where things are kept, and for how long."""

    directory: Path = Path("vaultwatch-data")
    window: Span = timedelta(days=30)
    remember: Span = timedelta(days=90)


class SlackConfig(_Part):
    """A Slack channel."""

    token: Secret | None = None
    channel: str
    base_url: str | None = None


class EmailConfig(_Part):
    """A mail server and who gets the mails."""

    host: str
    port: int = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    sender: str = ""
    to: tuple[str, ...] = Field(min_length=1)


class PathsConfig(_Part):
    """The user's own files; each overlays what is shipped."""

    rules: Path | None = None
    people: Path | None = None
    networks: Path | None = None
    templates: Path | None = None
    models: Path | None = None


class Match(_Part):
    """Which alerts a route takes; an empty list takes all."""

    level: tuple[Literal["informational", "low", "medium", "high", "critical"], ...] = ()
    account: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()


class Route(_Part):
    """Where matching alerts go."""

    match: Match = Match()
    send: tuple[str, ...] = Field(min_length=1)


class Settings(_Part):
    """The whole configuration."""

    sources: tuple[SourceConfig, ...] = ()
    data: DataConfig = DataConfig()
    slack: dict[str, SlackConfig] = {}
    email: dict[str, EmailConfig] = {}
    paths: PathsConfig = PathsConfig()
    routes: tuple[Route, ...] = ()
    timezone: str = Field(default="UTC", description="Zone of the organisation.")

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            msg = "sources: two sources have the same name"
            raise ValueError(msg)
        known = [*self.slack, *self.email, "console"]
        for route in self.routes:
            for name in route.send:
                if name not in known:
                    msg = f"routes: no destination {name!r}; there are {', '.join(known)}"
                    raise ValueError(msg)
        return self


_NAMED: Final = {"slack": SlackConfig, "email": EmailConfig}


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The configuration from a TOML file and the environment. Raises ConfigError.

    Without `path` the default file is read if it is there.
    """
    chosen = path or Path(DEFAULT_FILE)
    fields: dict[str, Any] = {}
    if path is not None or chosen.is_file():
        fields = _read(chosen)
    for name, value in environ.items():
        if name.startswith(PREFIX) and name != PREFIX + "CRASH_AT":
            _override(fields, name.removeprefix(PREFIX).lower().split("__"), value)
    for name in _NAMED:
        if name in fields and isinstance(fields[name], dict):
            fields[name] = _destinations(name, fields[name])
    try:
        return Settings.model_validate(fields)
    except ValidationError as error:
        lines = [_line(str(chosen), each) for each in error.errors()]
        raise ConfigError("\n".join(lines)) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; name another file with --config"
        raise ConfigError(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: not TOML: {error}"
        raise ConfigError(msg) from error


def _override(fields: dict[str, Any], names: list[str], value: str) -> None:
    """Set one field from the environment: VAULTWATCH_DATA__DIRECTORY is data.directory."""
    for name in names[:-1]:
        inner = fields.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        fields = inner
    fields[names[-1]] = value


def _destinations(kind: str, table: dict[str, Any]) -> dict[str, Any]:
    """`[slack]` is the destination 'slack'; each table in it is a further one that inherits."""
    own = {name: value for name, value in table.items() if not _is_table(kind, name, value)}
    found = {kind: own}
    for name, value in table.items():
        if _is_table(kind, name, value):
            found[name] = own | value
    return found


def _is_table(kind: str, name: str, value: object) -> bool:
    return isinstance(value, dict) and name not in _NAMED[kind].model_fields


def _line(file: str, error: Any) -> str:
    place = [str(part) for part in error["loc"]]
    where = ".".join(place) or "the whole file"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(place[-1], _keys(place[:-1]), n=1)
        fix = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(_keys(place[:-1]))}"
        return f"{file}: {where}: unknown key; {fix}"
    if error["type"] == "missing":
        return f"{file}: {where}: is missing"
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{file}: {where}: {text[:1].lower()}{text[1:]}"


def _keys(place: list[str]) -> list[str]:
    """The valid keys of the table at a place."""
    tables: dict[str, type[BaseModel]] = {
        "sources": SourceConfig, "data": DataConfig, "slack": SlackConfig, "email": EmailConfig,
        "paths": PathsConfig, "routes": Route, "match": Match, "token": Secret, "password": Secret,
    }  # fmt: skip
    for name in reversed(place):
        if name in tables:
            return sorted(tables[name].model_fields)
    return sorted(Settings.model_fields)

