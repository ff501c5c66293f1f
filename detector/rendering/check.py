"""Try every template on sample alerts, and name every mistake with its line."""

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
from detector.rendering.mail import HTML, SUBJECT, TEXT
from detector.rendering.samples import samples
from detector.rendering.slack import SLACK, fill_slack, read_slack
from detector.rendering.view import view

NAMES: Final = (SLACK, SUBJECT, TEXT, HTML)
"""The templates that there must be."""


def check_templates(templates: Mapping[str, str]) -> list[TemplateError]:
    """Every mistake in the templates; an empty list if each renders every sample alert."""
    errors = [*_unused(templates), *_slack_errors(templates)]
    for name in (SUBJECT, TEXT, HTML):
        errors.extend(_mail_errors(name, templates))
    return sorted(errors, key=lambda error: (error.file, error.line))


def _slack_errors(templates: Mapping[str, str]) -> list[TemplateError]:
    layout, errors = read_slack(templates)
    if layout is None:
        return errors
    return _tried(lambda context: fill_slack(layout, context))


def _mail_errors(name: str, templates: Mapping[str, str]) -> list[TemplateError]:
    environment = html_environment(templates) if name == HTML else plain_environment(templates)
    try:
        template = compiled(environment, name)
    except TemplateError as error:
        return [error]
    return _tried(lambda context: rendered(template, context, file=name))


def _tried(fill: Callable[[Mapping[str, Any]], object]) -> list[TemplateError]:
    """The first mistake that any sample shows."""
    try:
        for alert in samples():
            fill(view(alert))
    except TemplateError as error:
        return [error]
    return []


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
