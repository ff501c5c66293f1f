"""The renderer: messages in, what each channel shows out; no network, no disk, no clock."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType

from detector.delivery.bulletins import Bulletin, Kind, Message
from detector.rendering.layout import Item
from detector.rendering.mail import Mail, MailTemplates, fill_mail, read_mail
from detector.rendering.messages import incident_view, list_view
from detector.rendering.slack import (
    INCIDENT,
    LIST,
    REPLY,
    SlackMessage,
    fill_slack,
    read_slack,
)
from detector.rendering.terminal import board, panel


class Renderer:
    """Renders messages through one set of templates, given as name -> text.

    Raises TemplateError at once if a template is not well formed, and from a method if it
    asks for what is not there. What `words` says needs no template and cannot fail.
    """

    def __init__(self, templates: Mapping[str, str]) -> None:
        self._layouts, self._mail = _read(templates)

    def use(self, templates: Mapping[str, str]) -> None:
        """Render through these templates from the next message on; if one is broken, as before."""
        self._layouts, self._mail = _read(templates)

    def slack(self, message: Message, *, buttons: bool = False) -> SlackMessage:
        """Blocks and fallback text, within every limit of Slack.

        `buttons`: whether somebody hears them; without, there are none.
        """
        if not isinstance(message, Bulletin):
            return fill_slack(self._layouts[LIST], list_view(message))
        is_reply = message.kind in {Kind.NOTE, Kind.ALARM} and message.head is not None
        layout = self._layouts[REPLY if is_reply else INCIDENT]
        return fill_slack(layout, incident_view(message, buttons=buttons))

    def email(self, message: Message, *, picture: str = "") -> Mail:
        """Subject, text and HTML; `picture` says what the inline picture shows, if there is one."""
        is_list = not isinstance(message, Bulletin)
        names = incident_view(message) if isinstance(message, Bulletin) else list_view(message)
        return fill_mail(self._mail, names | {"picture": picture}, is_list=is_list)

    def console(self, message: Message) -> RenderableType:
        """What a terminal shows; a rich renderable that holds no markup to be parsed."""
        if isinstance(message, Bulletin):
            return panel(incident_view(message))
        return board(list_view(message))


def _read(templates: Mapping[str, str]) -> tuple[dict[str, Item], MailTemplates]:
    layouts = dict[str, Item]()
    for name in (INCIDENT, REPLY, LIST):
        layout, errors = read_slack(name, templates)
        if layout is None:
            raise errors[0]
        layouts[name] = layout
    return layouts, read_mail(templates)


def overlay(shipped: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The shipped templates, with the operator's own in place of those of the same name."""
    return {**shipped, **own}
