"""Reading the configuration: `vaultwatch.toml`, then `VAULTWATCH_*`; every mistake on one line."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from detector.settings.delivery import (
    DeliveryConfig,
    DigestConfig,
    FloodConfig,
    Inhibition,
    Match,
    QuietHours,
    Route,
    SilencesConfig,
)
from detector.settings.model import (
    ConfigError,
    DataConfig,
    EmailConfig,
    OtherConfig,
    PathsConfig,
    Secret,
    Settings,
    SlackConfig,
    SourceConfig,
    SweepConfig,
    WebhookConfig,
)

DEFAULT_FILE: Final = "vaultwatch.toml"
PREFIX: Final = "VAULTWATCH_"
_NAMED: Final[dict[str, tuple[type[BaseModel], tuple[str, ...]]]] = {
    "slack": (SlackConfig, ("channel", "webhook")),
    "email": (EmailConfig, ("to",)),
    "webhook": (WebhookConfig, ("secret",)),
    "other": (OtherConfig, ("url",)),
}
"""Destinations, and the fields without which a table only says what further ones share."""
_RESERVED: Final = frozenset({"CRASH_AT", "DEBUG"})
_Place = tuple[str, ...]


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The configuration from a TOML file and the environment. Raises ConfigError.

    Without `path` the default file is read if it is there. Relative paths, those of the
    environment, too, are meant from the folder of the file.
    """
    chosen = path or Path(DEFAULT_FILE)
    fields: dict[str, Any] = {}
    if path is not None or chosen.is_file():
        fields = _read(chosen)
    from_environment: dict[_Place, str] = {}
    for name, value in sorted(environ.items()):
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in _RESERVED:
            place = tuple(name.removeprefix(PREFIX).lower().split("__"))
            from_environment[place] = name
            _override(fields, place, value, name)
    for name in _NAMED:
        if isinstance(fields.get(name), dict):
            fields[name] = _destinations(name, fields[name])
    fields.setdefault("data", {})
    try:
        return Settings.model_validate(fields, context={"folder": chosen.parent})
    except ValidationError as error:
        lines = [_line(str(chosen), each, from_environment) for each in error.errors()]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; name another file with --config"
        raise ConfigError(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path}: not TOML: {error}"
        raise ConfigError(msg) from error


def _override(fields: Any, place: _Place, value: str, variable: str) -> None:
    """Set one field from the environment: VAULTWATCH_DATA__DIRECTORY is data.directory."""
    for name, below in zip(place, (*place[1:], None), strict=True):
        key: Any = int(name) if isinstance(fields, list) and name.isdigit() else name
        try:
            if below is None:
                fields[key] = _value(value)
                return
            fields = fields[key] if isinstance(fields, list) else fields.setdefault(key, {})
        except (AttributeError, TypeError, LookupError):
            msg = f"{variable}: there is no such place in the configuration"
            raise ConfigError(msg) from None


def _value(text: str) -> Any:
    """Lists and tables are written as JSON; all else is the text itself."""
    if text[:1] not in {"[", "{"}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _destinations(kind: str, table: dict[str, Any]) -> dict[str, Any]:
    """`[slack]` is the destination 'slack'; each table in it is a further one that inherits."""
    model, needed = _NAMED[kind]
    further = {
        name: value
        for name, value in table.items()
        if isinstance(value, dict) and name not in model.model_fields
    }
    own = {name: value for name, value in table.items() if name not in further}
    found = {} if further and not own.keys() & set(needed) else {kind: own}
    return found | {name: own | value for name, value in further.items()}


def _line(file: str, error: Any, from_environment: Mapping[_Place, str]) -> str:
    place = [str(part) for part in error["loc"]]
    if place[:1] == place[1:2] != [] and place[0] in _NAMED:
        # [slack] is the destination 'slack': nobody wrote slack.slack.
        del place[0]
    variable = next((name for at, name in from_environment.items() if list(at) == place), None)
    where = variable or f"{file}: {'.'.join(place) or 'the whole file'}"
    if error["type"] == "extra_forbidden":
        keys = _keys(place[:-1])
        near = difflib.get_close_matches(place[-1], keys, n=1)
        fix = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(keys)}"
        return f"{where}: unknown key; {fix}"
    if error["type"] == "missing":
        return f"{where}: is missing"
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {text[:1].lower()}{text[1:]}"


def _keys(place: list[str]) -> list[str]:
    """The valid keys of the table at a place."""
    tables: dict[str, type[BaseModel]] = {
        "sources": SourceConfig, "sweeps": SweepConfig, "data": DataConfig, "slack": SlackConfig, "email": EmailConfig,
        "webhook": WebhookConfig, "other": OtherConfig, "url": Secret, "secret": Secret, "app_token": Secret,
        "paths": PathsConfig, "routes": Route, "match": Match, "token": Secret, "password": Secret,
        "delivery": DeliveryConfig, "quiet_hours": QuietHours, "inhibitions": Inhibition,
        "flood": FloodConfig, "digest": DigestConfig, "silences": SilencesConfig,
    }  # fmt: skip
    for name in reversed(place):
        if name in tables:
            return sorted(tables[name].model_fields)
    return sorted(Settings.model_fields)
