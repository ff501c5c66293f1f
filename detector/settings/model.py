"""What can be configured: every field with its type, its default and what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

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
    try:
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        msg = f"{value!r} is too long"
        raise ValueError(msg) from None


def _some(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        msg = "must be longer than nothing"
        raise ValueError(msg)
    return span


Span = Annotated[timedelta, BeforeValidator(_span), AfterValidator(_some)]


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
            msg = 'secrets do not stand in the file; write { env = "NAME" } or { file = "PATH" }'
            raise ValueError(msg)
        if isinstance(value, dict) and len(value) != 1:
            msg = 'name exactly one place: { env = "NAME" } or { file = "PATH" }'
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


class SweepConfig(_Part):
    """An overlap sweep: how often recent events are read a second time, and how far back."""

    every: Span
    over: Span


class SourceConfig(_Part):
    """One 1Password account."""

    name: str = Field(min_length=1, description="Permanent name of the account.")
    token: Secret
    base_url: str | None = Field(
        default=None, description="Override; plain http only for loopback."
    )
    poll_every: Span = timedelta(seconds=60)
    backfill: Span = Field(
        default=timedelta(days=35), description="History fetched at first start."
    )
    sweeps: tuple[SweepConfig, ...] = Field(
        default=(
            SweepConfig(every=timedelta(minutes=15), over=timedelta(hours=2)),
            SweepConfig(every=timedelta(days=1), over=timedelta(days=3)),
        ),
        description="Second readings, for what syncs late.",
    )


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

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            msg = f"{name!r} is no IANA time zone; write it like 'Europe/Paris'"
            raise ValueError(msg) from None
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            msg = "sources: two sources have the same name"
            raise ValueError(msg)
        for name in set(self.slack) & set(self.email):
            msg = f"email.{name}: there is a Slack destination {name!r} already; name it otherwise"
            raise ValueError(msg)
        known = [*self.slack, *self.email, "console"]
        for route in self.routes:
            for name in route.send:
                if name not in known:
                    msg = f"routes: no destination {name!r}; there are {', '.join(known)}"
                    raise ValueError(msg)
        return self
