"""The renderer: alerts in, messages out; no network, no disk, no clock."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType

from detector.alerts import Alert
from detector.rendering.mail import Mail, fill_mail, read_mail
from detector.rendering.slack import SlackMessage, fill_slack, read_slack
from detector.rendering.terminal import panel
from detector.rendering.view import view


class Renderer:
    """Renders alerts through one set of templates, given as name -> text.

    Raises TemplateError at once if a template is not well formed, and from a method if it
    asks for what is not there. What `words` says needs no template and cannot fail.
    """

    def __init__(self, templates: Mapping[str, str]) -> None:
        layout, errors = read_slack(templates)
        if layout is None:
            raise errors[0]
        self._layout = layout
        self._mail = read_mail(templates)

    def slack(self, alert: Alert) -> SlackMessage:
        """Blocks and fallback text, within every limit of Slack."""
        return fill_slack(self._layout, view(alert))

    def email(self, alert: Alert) -> Mail:
        """Subject, text and HTML."""
        return fill_mail(self._mail, view(alert))

    def console(self, alert: Alert) -> RenderableType:
        """What a terminal shows; a rich renderable that holds no markup to be parsed."""
        return panel(view(alert))


def overlay(shipped: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The shipped templates, with the operator's own in place of those of the same name."""
    return {**shipped, **own}
