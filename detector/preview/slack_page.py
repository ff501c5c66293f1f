"""Slack's blocks as a web page that looks as Slack does, near enough to judge a message by.

It stands for Slack's own rendering in pictures only; what Slack accepts is asked of Slack.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any, Final

Block = dict[str, Any]

_PAGE: Final = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body {{ margin: 0; padding: 16px; background: {paper}; color: {ink}; font: 15px/22px Lato, "Noto Sans", "DejaVu Sans", sans-serif }}
.message {{ display: flex; gap: 8px; max-width: 640px }} .body {{ min-width: 0; flex: 1 }}
.face {{ width: 36px; height: 36px; border-radius: 6px; background: #111c2e; flex: none; display: flex }}
.face i {{ margin: auto; width: 14px; height: 8px; border: 2px solid #fff; border-radius: 60% / 80%; position: relative }}
.face i::after {{ content: ""; position: absolute; left: 4px; top: 1px; width: 6px; height: 6px; border-radius: 50%; background: #f39c12 }}
.from {{ font-weight: 900 }} .app {{ font-size: 10px; font-weight: 700; background: {chip}; color: {dim}; border-radius: 2px; padding: 1px 3px; margin: 0 4px }}
.clock {{ font-size: 12px; color: {dim} }} .header {{ font-size: 18px; font-weight: 900; line-height: 24px; margin: 2px 0 }}
.fields {{ display: grid; grid-template-columns: 1fr 1fr; gap: 0 16px; margin: 8px 0 }} .text, .rich {{ margin: 4px 0; overflow-wrap: anywhere }}
ul, ol {{ margin: 0; padding-left: 28px }} hr {{ border: 0; border-top: 1px solid {line}; margin: 8px 0 }}
.context {{ font-size: 13px; line-height: 18px; color: {dim}; margin: 4px 0 }} .actions {{ display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 }}
.button {{ border: 1px solid {edge}; border-radius: 8px; padding: 3px 11px; font-weight: 700; font-size: 13px }}
.primary {{ background: #007a5a; border-color: #007a5a; color: #fff }} .danger {{ color: #e01e5a; border-color: #e01e5a }}
a, .mention {{ color: #1264a3; text-decoration: none }} .mention {{ background: #e8f0f7; border-radius: 3px; padding: 0 2px }}
.thread {{ margin: 8px 0 0 44px; max-width: 590px; color: {dim}; font-size: 13px }} .thread img {{ display: block; width: 100%; max-width: 440px; border: 1px solid {line}; border-radius: 8px; margin-top: 6px }}
@media (max-width: 480px) {{ .fields {{ grid-template-columns: 1fr }} body {{ padding: 10px }} }}
</style></head><body>{message}{thread}</body></html>
"""
_LIGHT: Final = {
    "paper": "#ffffff", "ink": "#1d1c1d", "dim": "#616061", "chip": "#e8e8e8", "line": "#dddddd",
    "edge": "#bbbabb",
}  # fmt: skip
_DARK: Final = {
    "paper": "#1a1d21", "ink": "#d1d2d3", "dim": "#ababad", "chip": "#35373b", "line": "#35373b",
    "edge": "#565856",
}  # fmt: skip
_MARKUP: Final = (
    (re.compile(r"&lt;(?:!subteam\^\w+|[!@#]\w+)&gt;"), r'<span class="mention">@security</span>'),
    (re.compile(r"\*([^*\n]+)\*"), r"<b>\1</b>"),
    (re.compile("\n"), "<br>"),
)


def slack_page(
    blocks: list[Block], *, clock: str = "", picture: str = "", dark: bool = False
) -> str:
    """A page with the message, as the app posted it at `clock`; `picture` is a URL for its thread."""
    body = "".join(_block(block) for block in blocks)
    sender = f'<span class="from">Vaultwatch</span><span class="app">APP</span><span class="clock">{escape(clock)}</span>'
    message = f'<div class="message"><div class="face"><i></i></div><div class="body">{sender}{body}</div></div>'
    thread = (
        f'<div class="thread">In the thread<img src="{escape(picture)}"></div>' if picture else ""
    )
    return _PAGE.format(message=message, thread=thread, **(_DARK if dark else _LIGHT))


def _block(block: Block) -> str:
    return _BLOCKS[block["type"]](block)


def _text(node: Block) -> str:
    """A text object: markup of Slack where it says so, else as it stands."""
    shown = escape(node["text"], quote=False)
    if node["type"] != "mrkdwn":
        return shown.replace("\n", "<br>")
    # What Slack was given as an entity is shown as the character, and starts nothing.
    for pattern, made in _MARKUP:
        shown = pattern.sub(made, shown)
    return (
        shown.replace("&amp;lt;", "&lt;").replace("&amp;gt;", "&gt;").replace("&amp;amp;", "&amp;")
    )


def _section(block: Block) -> str:
    text = f'<div class="text">{_text(block["text"])}</div>' if "text" in block else ""
    fields = "".join(f"<div>{_text(field)}</div>" for field in block.get("fields", []))
    return text + (f'<div class="fields">{fields}</div>' if fields else "")


def _rich_text(block: Block) -> str:
    return f'<div class="rich">{"".join(_rich_part(part) for part in block["elements"])}</div>'


def _rich_part(part: Block) -> str:
    inner = "".join(
        f"<li>{_rich_part(each)}</li>" if each["type"] == "rich_text_section" else _rich_word(each)
        for each in part["elements"]
    )
    if part["type"] == "rich_text_list":
        name = "ol" if part["style"] == "ordered" else "ul"
        return f"<{name}>{inner}</{name}>"
    return f"<div>{inner}</div>"


def _rich_word(word: Block) -> str:
    shown = escape(word["text"], quote=False).replace("\n", "<br>")
    if word["type"] == "link":
        return f'<a href="{escape(word["url"])}">{shown}</a>'
    return f"<b>{shown}</b>" if word.get("style", {}).get("bold") else shown


def _context(block: Block) -> str:
    return "".join(f'<div class="context">{_text(each)}</div>' for each in block["elements"])


def _actions(block: Block) -> str:
    buttons = (
        f'<span class="button {each.get("style", "")}">{_text(each["text"])}</span>'
        for each in block["elements"]
    )
    return f'<div class="actions">{"".join(buttons)}</div>'


_BLOCKS: Final[dict[str, Callable[[Block], str]]] = {
    "header": lambda block: f'<div class="header">{_text(block["text"])}</div>',
    "section": _section,
    "rich_text": _rich_text,
    "divider": lambda _block: "<hr>",
    "context": _context,
    "actions": _actions,
    "image": lambda block: f'<img src="{escape(block["image_url"])}">',
}
