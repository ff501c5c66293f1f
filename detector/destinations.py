"""Destinations built from the configuration: what sends, and what hears buttons."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import structlog

from detector.notifiers.deadline import Deadline
from detector.ports import Notifier
from detector.rendering import Renderer
from detector.settings import (
    ConfigError,
    EmailConfig,
    OtherConfig,
    Secret,
    Settings,
    SlackConfig,
    WebhookConfig,
    pictures_of,
)

if TYPE_CHECKING:
    from detector.delivery.commands import Command
    from detector.notifiers.slack_api import SlackApi
    from detector.notifiers.slack_socket import SlackSocket

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
log = structlog.get_logger()


def notifiers(
    settings: Settings, words: Renderer, environ: Mapping[str, str], now: Callable[[], datetime]
) -> dict[str, Notifier]:
    """Every configured destination by name. Raises ConfigError."""
    found: dict[str, Notifier] = {}
    for name, slack in settings.slack.items():
        found |= _slack(name, slack, words, environ)
    for name, email in settings.email.items():
        found[name] = _email(name, email, words, environ)
    for name, webhook in settings.webhook.items():
        found[name] = _webhook(name, webhook, environ, now)
    for name, other in settings.other.items():
        found[name] = _other(name, other, words, environ)
    return {name: Deadline(each) for name, each in found.items()}


def slack_api(name: str, config: SlackConfig, environ: Mapping[str, str]) -> SlackApi:
    """The Web API of a Slack destination. Raises ConfigError."""
    from detector.notifiers.slack_api import SlackApi, slack_client
    from detector.notifiers.slack_pace import Pace

    if config.token is None:
        msg = f'{name}.token: is missing; write token = {{ env = "SLACK_TOKEN" }}'
        raise ConfigError(msg)
    token = config.token.read(environ)
    try:
        client = slack_client(token.get_secret_value(), base_url=config.base_url)
    except ValueError as error:
        msg = f"{name}.base_url: {error}"
        raise ConfigError(msg) from error
    return SlackApi(client, Pace(monotonic=time.monotonic, sleep=time.sleep))


def sockets(
    settings: Settings,
    environ: Mapping[str, str],
    obey: Callable[[Command], str],
    now: Callable[[], datetime],
) -> list[SlackSocket]:
    """What hears the buttons of each Slack destination that has an app token; not yet connected."""
    from detector.notifiers.slack_buttons import Buttons
    from detector.notifiers.slack_people import People
    from detector.notifiers.slack_socket import SlackSocket

    found = []
    for name, config in settings.slack.items():
        if config.app_token is None:
            continue
        api, notice = slack_api(name, config, environ), _notice(name)
        app_token = config.app_token.read(environ).get_secret_value()
        people, zone = People(api, config.people), ZoneInfo(settings.timezone)
        buttons = Buttons(api, people, obey, now=now, zone=zone, notice=notice)
        found.append(SlackSocket(app_token, api.client, buttons, notice=notice))
    return found


def _slack(
    name: str, config: SlackConfig, words: Renderer, environ: Mapping[str, str]
) -> dict[str, Notifier]:
    """The destination, and what posts its pictures."""
    if config.webhook is not None:
        return {name: _slack_hook(name, config.webhook, words, environ)}
    from detector.notifiers.slack import Slack
    from detector.notifiers.slack_pictures import SlackPictures

    api, notice, beside = slack_api(name, config, environ), _notice(name), pictures_of(name)
    return {
        name: Slack(
            api,
            words,
            config.channel,
            name=name,
            buttons=config.app_token is not None,
            notice=notice,
        ),
        beside: SlackPictures(api, name=beside, notice=notice),
    }


def _slack_hook(name: str, url: Secret, words: Renderer, environ: Mapping[str, str]) -> Notifier:
    from detector.notifiers.loopback import is_loopback
    from detector.notifiers.slack_hook import TIMEOUT_S, SlackHook
    from detector.notifiers.slack_http import HookClient

    said = url.read(environ).get_secret_value()
    asked = urlsplit(said)
    if asked.scheme != "https" and not is_loopback(asked.hostname or ""):
        msg = f"{name}.webhook: is no https URL; Slack shows it as https://hooks.slack.com/..."
        raise ConfigError(msg)
    client = HookClient(said, timeout=TIMEOUT_S, retry_handlers=[])
    return SlackHook(client, words, name=name, notice=_notice(name))


def _email(name: str, config: EmailConfig, words: Renderer, environ: Mapping[str, str]) -> Notifier:
    from detector.notifiers.email import Email
    from detector.notifiers.mail_server import MailServer

    password = config.password.read(environ).get_secret_value() if config.password else None
    try:
        server = MailServer(
            config.host, config.port, tls=config.tls, user=config.user, password=password
        )
        return Email(
            server, words, to=config.to, sender=config.sender, name=name, notice=_notice(name)
        )
    except ValueError as error:
        msg = f"{name}: {error}"
        raise ConfigError(msg) from error


def _webhook(
    name: str, config: WebhookConfig, environ: Mapping[str, str], now: Callable[[], datetime]
) -> Notifier:
    from detector.notifiers.webhook import PagerDuty, Signed, Webhook

    secret = config.secret.read(environ).get_secret_value()
    is_pagerduty = config.style == "pagerduty"
    url = config.url or (PAGERDUTY_URL if is_pagerduty else "")
    envelope = PagerDuty(secret) if is_pagerduty else Signed(secret)
    try:
        return Webhook(url, envelope, now=now, name=name)
    except ValueError as error:
        msg = f"{name}.url: {error}"
        raise ConfigError(msg) from error


def _other(name: str, config: OtherConfig, words: Renderer, environ: Mapping[str, str]) -> Notifier:
    from detector.notifiers.other import Other

    url = config.url.read(environ).get_secret_value()
    try:
        return Other(url, words, name=name, notice=_notice(name))
    except ValueError as error:
        msg = f"{name}.url: {error}"
        raise ConfigError(msg) from error


def _notice(name: str) -> Callable[[str], None]:
    def notice(text: str) -> None:
        log.warning("delivery", destination=name, note=text)

    return notice
