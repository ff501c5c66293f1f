"""Try every template on sample messages, and name every mistake with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from jinja2 import TemplateSyntaxError, meta

from detector.rendering.environments import (
    TemplateError,
    compiled,
    html_environment,
    plain_environment,
    rendered,
)
from detector.rendering.mail import FRAME, HTML, LIST_HTML, LIST_TEXT, SUBJECT, TEXT
from detector.rendering.messages import incident_view, list_view
from detector.rendering.samples import sample_bulletins, sample_lists
from detector.rendering.slack import INCIDENT, LIST, REPLY, fill_slack, read_slack

NAMES: Final = (
    INCIDENT, REPLY, LIST, SUBJECT, TEXT, HTML, LIST_TEXT, LIST_HTML, FRAME,
)  # fmt: skip
"""The templates that there must be."""

_LISTS: Final = frozenset({LIST, LIST_TEXT, LIST_HTML})


def check_templates(templates: Mapping[str, str]) -> list[TemplateError]:
    """Every mistake in the templates; an empty list if each renders every sample message."""
    errors = list(_unused(templates))
    for name in (INCIDENT, REPLY, LIST):
        errors.extend(_slack_errors(name, templates))
    for name in (SUBJECT, TEXT, HTML, LIST_TEXT, LIST_HTML):
        errors.extend(_mail_errors(name, templates))
    unique = {(error.file, error.line, error.text): error for error in errors}
    return sorted(unique.values(), key=lambda error: (error.file, error.line))


def _slack_errors(name: str, templates: Mapping[str, str]) -> list[TemplateError]:
    layout, errors = read_slack(name, templates)
    if layout is None:
        return errors
    return _tried(name, lambda context: fill_slack(layout, context))


def _mail_errors(name: str, templates: Mapping[str, str]) -> list[TemplateError]:
    is_html = name in (HTML, LIST_HTML)
    environment = html_environment(templates) if is_html else plain_environment(templates)
    try:
        template = compiled(environment, name)
    except TemplateError as error:
        return [error]
    return _tried(name, lambda context: rendered(template, context, file=name))


def _tried(name: str, fill: Callable[[Mapping[str, Any]], object]) -> list[TemplateError]:
    """The first mistake that any sample shows."""
    try:
        for context in _lists() if name in _LISTS else _incidents():
            fill(context | {"picture": "a map"})
    except TemplateError as error:
        return [error]
    return []


def _incidents() -> Iterable[dict[str, Any]]:
    return (incident_view(each, buttons=True) for each in sample_bulletins())


def _lists() -> Iterable[dict[str, Any]]:
    return (list_view(each) for each in sample_lists())


def _unused(templates: Mapping[str, str]) -> Iterable[TemplateError]:
    used = set(NAMES) | {name for text in templates.values() for name in _includes(text)}
    for name in sorted(set(templates) - used):
        near = get_close_matches(name, NAMES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        yield TemplateError(name, 1, f"no message uses this template{hint}")


def _includes(text: str) -> set[str]:
    try:
        found = meta.find_referenced_templates(plain_environment({}).parse(text))
    except TemplateSyntaxError:
        return set()
    return {name for name in found if name is not None}
