"""The windows that buttons open: what a person is asked before something is done.

Names of blocks and elements are what `slack_presses` reads back. Every text is ours.
"""

from __future__ import annotations

import json
from typing import Any, Final

from detector.delivery.commands import Verb

NOTE: Final = "note"
UNTIL: Final = "until"
DATE: Final = "date"
VERDICT: Final = "verdict"

MORNING: Final = "morning"
SPANS: Final = {
    "1h": "1 hour", "4h": "4 hours", MORNING: "until tomorrow morning", "24h": "1 day",
    "7d": "7 days", "30d": "30 days",
}  # fmt: skip
_SPANS_OF: Final = {
    Verb.SNOOZE: ("1h", "4h", MORNING, "24h", "7d"),
    Verb.SILENCE: ("24h", "7d", "30d"),
}
VERDICTS: Final = {
    Verb.FALSE_POSITIVE: "False positive: the rule was wrong",
    Verb.BENIGN: "Benign: it happened, and was harmless",
    Verb.RESOLVE: "Resolved: it was dealt with",
}
_TITLES: Final = {
    Verb.SNOOZE: "Snooze this incident",
    Verb.SILENCE: "Silence alerts like it",
    Verb.FALSE_POSITIVE: "Close this incident",
    Verb.RESOLVE: "Close this incident",
}

Element = dict[str, Any]


def modal(verb: Verb, incident: str, channel: str) -> Element:
    """The window for what `verb` begins; SNOOZE, SILENCE, FALSE_POSITIVE or RESOLVE."""
    if verb in _SPANS_OF:
        blocks = [_spans(verb), _date(), _note(optional=verb is Verb.SNOOZE)]
    else:
        blocks = [_verdicts(verb), _note(optional=False)]
    return {
        "type": "modal",
        "callback_id": verb.value,
        "private_metadata": json.dumps({"incident": incident, "channel": channel}),
        "title": _plain(_TITLES[verb]),
        "submit": _plain("Do it"),
        "close": _plain("Cancel"),
        "blocks": blocks,
    }


def _spans(verb: Verb) -> Element:
    options = [_option(SPANS[span], span) for span in _SPANS_OF[verb]]
    asked = {
        "type": "static_select",
        "action_id": UNTIL,
        "options": options,
        "initial_option": options[0],
    }
    return _input(UNTIL, "For how long", asked)


def _date() -> Element:
    asked = {"type": "datetimepicker", "action_id": DATE}
    return _input(DATE, "Or until exactly", asked, optional=True)


def _verdicts(first: Verb) -> Element:
    options = {verb: _option(words, verb.value) for verb, words in VERDICTS.items()}
    asked = {
        "type": "radio_buttons",
        "action_id": VERDICT,
        "options": list(options.values()),
        "initial_option": options[first],
    }
    return _input(VERDICT, "What was it", asked)


def _note(*, optional: bool) -> Element:
    asked = {"type": "plain_text_input", "action_id": NOTE, "multiline": True, "max_length": 1000}
    return _input(NOTE, "Why", asked, optional=optional)


def _input(name: str, label: str, element: Element, *, optional: bool = False) -> Element:
    return {
        "type": "input",
        "block_id": name,
        "label": _plain(label),
        "element": element,
        "optional": optional,
    }


def _option(words: str, value: str) -> Element:
    return {"text": _plain(words), "value": value}


def _plain(words: str) -> Element:
    return {"type": "plain_text", "text": words, "emoji": False}
