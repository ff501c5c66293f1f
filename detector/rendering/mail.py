"""A mail: subject, text and HTML, each from its own template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jinja2

from detector.rendering.environments import compiled, html_environment, plain_environment, rendered
from detector.rendering.text import plain, shorten

SUBJECT: Final = "email.subject.j2"
TEXT: Final = "email.txt.j2"
HTML: Final = "email.html.j2"
LIST_TEXT: Final = "email.list.txt.j2"
LIST_HTML: Final = "email.list.html.j2"
FRAME: Final = "email.frame.html.j2"
"""What both HTML templates extend."""
PICTURE: Final = "cid:picture@vaultwatch"
"""By which the HTML shows the picture that lies beside it in the mail."""
MOST_SUBJECT: Final = 150


@dataclass(frozen=True, slots=True)
class Mail:
    """The words of a mail; addresses and headers are the notifier's business."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class MailTemplates:
    """The templates of mails, ready to be filled in."""

    subject: jinja2.Template
    text: jinja2.Template
    html: jinja2.Template
    list_text: jinja2.Template
    list_html: jinja2.Template


def read_mail(templates: Mapping[str, str]) -> MailTemplates:
    """Compile them. Raises TemplateError."""
    plain, html = plain_environment(templates), html_environment(templates)
    return MailTemplates(
        compiled(plain, SUBJECT),
        compiled(plain, TEXT),
        compiled(html, HTML),
        compiled(plain, LIST_TEXT),
        compiled(html, LIST_HTML),
    )


def fill_mail(templates: MailTemplates, context: Mapping[str, Any], *, is_list: bool) -> Mail:
    """The mail of an incident, or of a list; the subject is always one line."""
    if is_list:
        subject = f"{context['level']}: {context['title']}"
        text = rendered(templates.list_text, context, file=LIST_TEXT)
        html = rendered(templates.list_html, context, file=LIST_HTML)
    else:
        subject = rendered(templates.subject, context, file=SUBJECT)
        text = rendered(templates.text, context, file=TEXT)
        html = rendered(templates.html, context, file=HTML)
    return Mail(_one_line(subject), text.strip("\n") + "\n", html.strip("\n") + "\n")


def _one_line(subject: str) -> str:
    # An encoded word is decoded again by header libraries, line breaks and all.
    return shorten(plain(subject).replace("=?", "= ?"), MOST_SUBJECT)
