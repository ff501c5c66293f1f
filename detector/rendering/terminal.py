"""An alert in the terminal: calm, one coloured edge, the sentence first, the ids last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.box import Box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from detector.alerts import Alert
from detector.findings import Level
from detector.rendering.text import authored, plain

STYLES: Final = {
    Level.INFORMATIONAL: "bright_black",
    Level.LOW: "blue",
    Level.MEDIUM: "yellow",
    Level.HIGH: "dark_orange",
    Level.CRITICAL: "red",
}
WIDTH: Final = 96
_EDGE: Final = Box("▌   \n▌   \n    \n▌   \n    \n    \n▌   \n▌   \n")


def panel(context: Mapping[str, Any]) -> RenderableType:
    """The alert behind a coloured edge; every text is literal, none is parsed as markup."""
    alert: Alert = context["alert"]
    style = STYLES[context["incident"].level]
    parts: list[RenderableType] = [
        _headline(context, style),
        Text(plain(alert.summary), style="bold"),
        *(Text(plain(said)) for said in context["changes"] if said != alert.summary),
        Text(),
        _facts(context),
        *_listed("Why this fired", context["reasons"], ("+", style)),
        *_listed("What speaks against it", context["doubts"], ("-", "green")),
        *_steps(context["steps"]),
        *_rotate(context, style),
        *_listed("Also in this incident", _others(context), ("*", style)),
        *_listed("What was done", context["history"], ("*", "dim")),
        Text(),
        Text(
            plain(
                " · ".join(
                    filter(None, (alert.id, alert.rule.name, context["events"], alert.account))
                )
            ),
            style="dim",
        ),
    ]
    return _edged(parts, style)


def board(context: Mapping[str, Any]) -> RenderableType:
    """A digest or a notice: a title, a summary, and lines under headings."""
    parts: list[RenderableType] = [Text(plain(context["title"]), style="bold")]
    parts += [Text(plain(said)) for said in (context["summary"], *context["lines"]) if said]
    for section in context["sections"]:
        parts += _listed(plain(section.title), section.lines, ("*", "dim"))
    parts += [Text(), Text(plain(f"{context['id']} · {context['period']}"), style="dim")]
    return _edged(parts, "bright_black")


def _edged(parts: list[RenderableType], style: str) -> RenderableType:
    return Panel(Group(*parts), box=_EDGE, border_style=style, padding=(0, 1), width=WIDTH)


def _others(context: Mapping[str, Any]) -> Iterable[str]:
    for other in context["others"]:
        level = f"{other.level}: " if other.level else ""
        when = f" ({'; '.join(filter(None, (other.when, other.state)))})" if other.when else ""
        yield f"{level}{other.summary}{when}"


def _headline(context: Mapping[str, Any], style: str) -> Text:
    alert: Alert = context["alert"]
    line = Text(f" {context['level'].upper()} ", style=f"bold reverse {style}")
    line.append(f"  {plain(alert.rule.title)}", style="not reverse")
    for said in (context["state"], context["update"]):
        if said:
            line.append(f"  {said}", style="italic not reverse")
    line.append(f"  score {alert.score}", style="dim not bold not reverse")
    return line


def _facts(context: Mapping[str, Any]) -> RenderableType:
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True, max_width=24)
    rows.add_column(overflow="fold")
    when = Text(context["when"])
    if context["local"]:
        when.append(f" · {plain(context['local'])}")
    rows.add_row(Text("Who"), Text(plain(context["who"])))
    rows.add_row(Text("When"), when)
    for fact in context["facts"]:
        rows.add_row(Text(plain(fact.label)), Text(plain(fact.value)))
    return rows


def _rotate(context: Mapping[str, Any], style: str) -> Iterable[RenderableType]:
    yield from _listed(plain(context["rotate_title"]), context["rotate"], ("□", style))
    if context["rotate_note"]:
        yield Text(plain(context["rotate_note"]), style="dim")


def _steps(steps: Iterable[str]) -> Iterable[RenderableType]:
    numbered = [(f"{number}.", authored(step)) for number, step in enumerate(steps, start=1)]
    return (
        [Text(), Text("What to do next", style="bold"), _bullets(numbered, "dim")]
        if numbered
        else []
    )


def _listed(
    title: str, sentences: Iterable[str], bullet: tuple[str, str]
) -> Iterable[RenderableType]:
    marked = [(bullet[0], plain(said)) for said in sentences]
    return [Text(), Text(title, style="bold"), _bullets(marked, bullet[1])] if marked else []


def _bullets(lines: Iterable[tuple[str, str]], style: str) -> RenderableType:
    rows = Table.grid(padding=(0, 1))
    rows.add_column(style=style, no_wrap=True)
    rows.add_column(overflow="fold")
    for mark, said in lines:
        rows.add_row(Text(mark), Text(said))
    return rows
