"""What can be configured: every field with its type, its default and what it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from detector.settings.delivery import (
    DeliveryConfig,
    DigestConfig,
    FloodConfig,
    Inhibition,
    QuietHours,
    Route,
    SilencesConfig,
)
from detector.settings.parts import Part, Place, Span, Zone


class ConfigError(Exception):
    """The configuration cannot be used: one line for each mistake, with file, field and fix."""


class Secret(Part):
    """Where a secret is: in an environment variable or in a file."""

    env: str | None = None
    file: Place | None = None

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
            path = self.file or Path()
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


class SweepConfig(Part):
    """An overlap sweep: how often recent events are read a second time, and how far back."""

    every: Span
    over: Span


class SourceConfig(Part):
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


class DataConfig(Part):
    """Where things are kept, and for how long."""

    directory: Place = Field(default=Path("vaultwatch-data"), validate_default=True)
    window: Span = timedelta(days=30)
    remember: Span = timedelta(days=90)


class Destination(Part):
    """Somewhere messages go."""

    fallback: str | None = Field(
        default=None, description="Destination that hears when this one is away."
    )


class SlackConfig(Destination):
    """A Slack channel."""

    token: Secret | None = None
    channel: str = ""
    webhook: Secret | None = Field(
        default=None, description="URL of an incoming webhook, in place of token and channel."
    )
    base_url: str | None = None
    app_token: Secret | None = Field(
        default=None, description="App token (xapp-...): buttons are heard over Socket Mode."
    )
    people: tuple[str, ...] = Field(
        default=(), description="Slack ids or e-mail addresses of who may press buttons."
    )

    @model_validator(mode="after")
    def _somebody_may(self) -> SlackConfig:
        if self.app_token is not None and not self.people:
            msg = "people: is missing; name who may press the buttons, by Slack id or e-mail"
            raise ValueError(msg)
        if bool(self.channel) == (self.webhook is not None):
            msg = "name either a channel, with a token, or a webhook"
            raise ValueError(msg)
        if self.webhook is not None and (self.token is not None or self.app_token is not None):
            msg = "webhook: stands alone; a token has edits, threads, pictures and buttons"
            raise ValueError(msg)
        return self


class EmailConfig(Destination):
    """A mail server and who gets the mails."""

    host: str
    port: int = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    sender: str = ""
    to: tuple[str, ...] = Field(min_length=1)


class WebhookConfig(Destination):
    """An address that gets every message as signed JSON, or PagerDuty."""

    style: Literal["signed", "pagerduty"] = "signed"
    url: str = Field(default="", description="https, or http on this machine.")
    secret: Secret = Field(description="What signs; PagerDuty's routing key.")


class OtherConfig(Destination):
    """Any other channel by Apprise, text only; needs the extra 'apprise'."""

    url: Secret = Field(description="The Apprise URL, as ntfys://... or discord://...")


class PathsConfig(Part):
    """The user's own files; each overlays what is shipped."""

    rules: Place | None = None
    people: Place | None = None
    networks: Place | None = None
    lists: Place | None = Field(
        default=None, description="Folder of lists of values for |expand: .txt or YAML."
    )
    templates: Place | None = None
    models: Place | None = None
    geoip: Place | None = Field(default=None, description="City database, MaxMind format (.mmdb).")
    asn: Place | None = Field(default=None, description="ASN database, MaxMind format (.mmdb).")
    network_lists: Place | None = Field(
        default=None, description="Folder of lists of networks: .txt or .csv, with kind and date."
    )
    silences: Place | None = None


class Settings(Part):
    """The whole configuration."""

    sources: tuple[SourceConfig, ...] = ()
    data: DataConfig = DataConfig()
    slack: dict[str, SlackConfig] = {}
    email: dict[str, EmailConfig] = {}
    webhook: dict[str, WebhookConfig] = {}
    other: dict[str, OtherConfig] = {}
    paths: PathsConfig = PathsConfig()
    routes: tuple[Route, ...] = ()
    delivery: DeliveryConfig = DeliveryConfig()
    quiet_hours: QuietHours | None = None
    inhibitions: tuple[Inhibition, ...] = ()
    flood: FloodConfig = FloodConfig()
    digest: DigestConfig = DigestConfig()
    silences: SilencesConfig = SilencesConfig()
    timezone: Zone = Field(default="UTC", description="Zone of the organisation.")
    reference: str = Field(
        default="",
        pattern=r"^(https?://\S+)?$",
        description="Address at which docs/reference is published; links in mistakes lead there.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            msg = "sources: two sources have the same name"
            raise ValueError(msg)
        for name in set(self.slack) & set(self.email):
            msg = f"email.{name}: there is a Slack destination {name!r} already; name it otherwise"
            raise ValueError(msg)
        for name in set(self.webhook) & {*self.slack, *self.email}:
            msg = f"webhook.{name}: there is a destination {name!r} already; name it otherwise"
            raise ValueError(msg)
        for name in set(self.other) & {*self.slack, *self.email, *self.webhook}:
            msg = f"other.{name}: there is a destination {name!r} already; name it otherwise"
            raise ValueError(msg)
        known = [*self.by_name(), "console"]
        for where, wanted in self._wanted():
            for name in wanted:
                if name not in known:
                    msg = f"{where}: no destination {name!r}; there are {', '.join(known)}"
                    raise ValueError(msg)
        return self

    def by_name(self) -> dict[str, Destination]:
        """The destinations that are configured, by name."""
        return {**self.slack, **self.email, **self.webhook, **self.other}

    def _wanted(self) -> Iterator[tuple[str, Iterable[str]]]:
        """Every place that names destinations, and what it names."""
        for route in self.routes:
            yield "routes", (*route.send, *route.escalate)
        yield "digest.send", self.digest.send
        for name, each in self.by_name().items():
            yield f"{name}.fallback", [each.fallback] if each.fallback else []

    @model_validator(mode="after")
    def _no_circle(self) -> Settings:
        for name, each in self.by_name().items():
            if each.fallback == name:
                msg = f"{name}.fallback: a destination is no fallback of its own; name another"
                raise ValueError(msg)
        return self
