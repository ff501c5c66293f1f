"""A layout: Slack's own JSON written in YAML, whose texts are Jinja templates.

A template fills one text and nothing else, so that no value can become another block. The
object around a text decides how it is escaped: `type: mrkdwn` as markup, anything else as
text that Slack shows as it stands. Beside Slack's keys an object may have `when:` (an
expression; left out if false), `for:` (`step in steps`; repeated) and, for a block,
`importance:` (0-9, 5 if not given; the least important goes first where room is short).
An object with `parts:` stands for the objects in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jinja2
import yaml

from detector.rendering.environments import TemplateError, rendered

TEXTS: Final = {"text", "alt_text", "title", "url", "value", "fallback"}
"""The keys whose strings are templates; every other string is Slack's own word."""

_EACH = re.compile(r"(\w+) in (.+)")
_STRING: Final = "tag:yaml.org,2002:str"

Value = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Environments:
    """How texts are escaped: as Slack's markup, or as text that stands for itself."""

    mrkdwn: jinja2.Environment
    plain: jinja2.Environment


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text."""

    template: jinja2.Template
    file: str
    line: int

    def expand(self, context: Mapping[str, Any]) -> Iterator[Any]:
        """The text, filled in."""
        yield rendered(self.template, context, file=self.file, line=self.line)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number, as the timestamp of a date."""

    ask: Value

    def expand(self, context: Mapping[str, Any]) -> Iterator[Any]:
        """The number, worked out."""
        yield int(self.ask(context))


@dataclass(frozen=True, slots=True)
class Constant:
    """A word, number or truth value of Slack's."""

    value: Any

    def expand(self, _context: Mapping[str, Any]) -> Iterator[Any]:
        """The value itself, whatever the context."""
        yield self.value


@dataclass(frozen=True, slots=True)
class Row:
    """A list; each of its parts may become none, one or many."""

    parts: tuple[Node, ...]

    def expand(self, context: Mapping[str, Any]) -> Iterator[Any]:
        """All that the parts become."""
        yield [made for part in self.parts for made in part.expand(context)]


@dataclass(frozen=True, slots=True)
class Item:
    """A mapping, perhaps conditional, perhaps repeated."""

    fields: Mapping[str, Node]
    when: Value | None
    each: tuple[str, Value] | None

    def expand(self, context: Mapping[str, Any]) -> Iterator[Any]:
        """One mapping for each turn that is wanted."""
        turns = [context]
        if self.each is not None:
            name, values = self.each
            turns = [{**context, name: value} for value in values(context)]
        for turn in turns:
            if self.when is None or self.when(turn):
                yield from self._once(turn)

    def _once(self, context: Mapping[str, Any]) -> Iterator[Any]:
        made = {key: value for key, node in self.fields.items() for value in node.expand(context)}
        yield from made.get("parts", [made])


Node = Leaf | Number | Constant | Row | Item


class Reader:
    """Reads one layout, and keeps every mistake with its line."""

    def __init__(self, file: str, environments: Environments) -> None:
        self.file = file
        # A text is not a page: a line break after a tag is meant.
        self.environments = Environments(
            environments.mrkdwn.overlay(trim_blocks=False, lstrip_blocks=False),
            environments.plain.overlay(trim_blocks=False, lstrip_blocks=False),
        )
        self.errors: list[TemplateError] = []

    def read(self, text: str) -> Node | None:
        """The layout, or nothing; `errors` says why."""
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self._mistake(line, f"not YAML: {error.problem}")
            return None
        except yaml.YAMLError as error:
            self._mistake(1, f"not YAML: {error}")
            return None
        made = None if root is None else self._node(root, self.environments.mrkdwn)
        return None if self.errors else made

    def _node(
        self, node: yaml.Node, environment: jinja2.Environment, *, template: bool = False
    ) -> Node:
        if isinstance(node, yaml.MappingNode):
            return self._item(node)
        if isinstance(node, yaml.SequenceNode):
            return Row(tuple(self._node(part, environment) for part in node.value))
        if template and isinstance(node, yaml.ScalarNode) and node.tag == _STRING:
            return self._leaf(node, environment)
        return Constant(yaml.SafeLoader("").construct_object(node))

    def _item(self, node: yaml.MappingNode) -> Item:
        pairs = {key.value: value for key, value in node.value}
        kind = pairs.get("type")
        is_markup = kind is None or kind.value == "mrkdwn"
        environment = self.environments.mrkdwn if is_markup else self.environments.plain
        when, each = pairs.pop("when", None), pairs.pop("for", None)
        fields = {
            key: self._node(value, environment, template=key in TEXTS)
            for key, value in pairs.items()
        }
        if "timestamp" in pairs:
            fields["timestamp"] = Number(
                self._expression(pairs["timestamp"], pairs["timestamp"].value)
            )
        return Item(fields, when and self._expression(when, when.value), each and self._each(each))

    def _leaf(self, node: yaml.ScalarNode, environment: jinja2.Environment) -> Node:
        line = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
        try:
            return Leaf(environment.from_string(node.value), self.file, line)
        except jinja2.TemplateSyntaxError as error:
            self._mistake(line + error.lineno - 1, str(error.message))
            return Constant("")

    def _each(self, node: yaml.Node) -> tuple[str, Value] | None:
        found = _EACH.fullmatch(str(node.value).strip())
        if found is None:
            self._mistake(
                node.start_mark.line + 1, f"for: {node.value!r} is not like 'step in steps'"
            )
            return None
        return found[1], self._expression(node, found[2])

    def _expression(self, node: yaml.Node, source: str) -> Value:
        line = node.start_mark.line + 1
        try:
            ask = self.environments.plain.compile_expression(str(source), undefined_to_none=False)
        except jinja2.TemplateSyntaxError as error:
            self._mistake(line, str(error.message))
            return lambda _context: None
        return lambda context: _answer(ask, context, file=self.file, line=line)

    def _mistake(self, line: int, text: str) -> None:
        self.errors.append(TemplateError(self.file, line, text))


def _answer(ask: Callable[..., Any], context: Mapping[str, Any], *, file: str, line: int) -> Any:
    try:
        value = ask(dict(context))
        return list(value) if not isinstance(value, str | bool | int | float | None) else value
    except Exception as error:  # an expression is a program: it may fail in any way
        raise TemplateError(file, line, f"{error}") from error
