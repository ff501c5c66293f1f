"""The mail of an alert: subject, text and HTML, each from its own template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jinja2

from detector.rendering.environments import compiled, html_environment, plain_environment, rendered
from detector.rendering.text import clean, shorten

SUBJECT: Final = "email.subject.j2"
TEXT: Final = "email.txt.j2"
HTML: Final = "email.html.j2"
MOST_SUBJECT: Final = 150


@dataclass(frozen=True, slots=True)
class Mail:
    """The words of a mail; addresses and headers are the notifier's business."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class MailTemplates:
    """The three templates of a mail, ready to be filled in."""

    subject: jinja2.Template
    text: jinja2.Template
    html: jinja2.Template


def read_mail(templates: Mapping[str, str]) -> MailTemplates:
    """Compile the three. Raises TemplateError."""
    plain, html = plain_environment(templates), html_environment(templates)
    return MailTemplates(compiled(plain, SUBJECT), compiled(plain, TEXT), compiled(html, HTML))


def fill_mail(templates: MailTemplates, context: Mapping[str, Any]) -> Mail:
    """The mail of one alert; the subject is always one line."""
    # An encoded word is decoded again by header libraries, line breaks and all.
    subject = clean(rendered(templates.subject, context, file=SUBJECT)).replace("=?", "= ?")
    text = rendered(templates.text, context, file=TEXT)
    html = rendered(templates.html, context, file=HTML)
    return Mail(shorten(subject, MOST_SUBJECT), text.strip("\n") + "\n", html.strip("\n") + "\n")
