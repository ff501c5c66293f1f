"""The configuration: `vaultwatch.toml`, then `VAULTWATCH_*`; every mistake with its field and a fix.

Secrets never stand in the file: they are named by `{ env = "NAME" }` or `{ file = "PATH" }`.
"""

from detector.settings.delivery import Route
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
    WebhookConfig,
)
from detector.settings.orders import destinations, orders, pictures_of
from detector.settings.reading import load

__all__ = [
    "ConfigError",
    "DataConfig",
    "EmailConfig",
    "OtherConfig",
    "PathsConfig",
    "Route",
    "Secret",
    "Settings",
    "SlackConfig",
    "SourceConfig",
    "WebhookConfig",
    "destinations",
    "load",
    "orders",
    "pictures_of",
]
