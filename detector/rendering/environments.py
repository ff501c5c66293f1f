"""One Jinja environment for each output, safe by default: `{{ x }}` needs no filter."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from detector.rendering.text import Ready, authored, clean, defang, escape, mrkdwn, plain

MOST_OUTPUT: Final = 200_000
# These hand out text as if it were escaped, some with the escaping of another output.
_UNSAFE_FILTERS: Final = (
    "safe",
    "e",
    "escape",
    "forceescape",
    "xmlattr",
    "urlize",
    "tojson",
    "pprint",
)


class TemplateError(Exception):
    """A template cannot be used; `line` counts from 1."""

    def __init__(self, file: str, line: int, text: str) -> None:
        super().__init__(f"{file}:{line}: {text}")
        self.file = file
        self.line = line
        self.text = text


def plain_environment(templates: Mapping[str, str]) -> jinja2.Environment:
    """For text that is shown as it stands: mail text, subject, and Slack's literal elements."""
    made = _environment(templates, plain, autoescape=False)
    made.filters["authored"] = lambda value: Ready(authored(value))
    made.filters["wrap"] = _wrap
    made.filters["row"] = _row
    return made


def mrkdwn_environment(templates: Mapping[str, str]) -> jinja2.Environment:
    """For Slack's markup and its fallback text."""
    made = _environment(templates, mrkdwn, autoescape=False)
    made.filters["authored"] = lambda value: Ready(escape(clean(value)))
    return made


def html_environment(templates: Mapping[str, str]) -> jinja2.Environment:
    """For the HTML part of a mail; Jinja escapes after our cleaning."""
    made = _environment(templates, lambda value: defang(clean(value)), autoescape=True)
    made.filters["authored"] = lambda value: Ready(clean(value))
    return made


def compiled(environment: jinja2.Environment, name: str) -> jinja2.Template:
    """The template of that name. Raises TemplateError with the line of the mistake."""
    try:
        return environment.get_template(name)
    except jinja2.TemplateNotFound as error:
        raise TemplateError(name, 1, f"there is no template {error.name!r}") from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(error.name or name, error.lineno, str(error.message)) from error


def rendered(
    template: jinja2.Template, context: Mapping[str, Any], *, file: str, line: int = 0
) -> str:
    """Fill a template in. `line` names the mistake's place for templates that are one leaf."""
    try:
        return template.render(context)[:MOST_OUTPUT]
    except Exception as error:  # a template is a program: it may fail in any way
        found = line or _line_of(error.__traceback__)
        raise TemplateError(file, found, f"{error}") from error


def _environment(
    templates: Mapping[str, str], harmless: Callable[[object], str], *, autoescape: bool
) -> jinja2.Environment:
    def finalize(value: object) -> object:
        return value if isinstance(value, Ready | Markup | jinja2.Undefined) else harmless(value)

    made = ImmutableSandboxedEnvironment(
        loader=jinja2.DictLoader(templates),
        undefined=jinja2.StrictUndefined,
        autoescape=autoescape,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in _UNSAFE_FILTERS:
        made.filters.pop(name, None)
    return made


def _wrap(value: object, first: str = "", indent: str = "", width: int = 76) -> Ready:
    text = value if isinstance(value, Ready) else plain(value)
    lines = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )
    return Ready("\n".join(lines))


def _row(value: object, label: object, width: int = 14) -> Ready:
    return _wrap(value, plain(label).ljust(width) + " ", " " * (width + 1))


def _line_of(trace: TracebackType | None) -> int:
    """Jinja writes its templates' own lines into the traceback; the innermost one counts."""
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
