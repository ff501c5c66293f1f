"""What Slack may say of buttons and windows: whatever it is, it is understood or nothing.

Apart from the tests with sockets: the SDK masks its frames by `random`, which hypothesis owns.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from detector.delivery.commands import Verb
from detector.notifiers.slack_modals import modal
from detector.notifiers.slack_presses import command, press
from tests.slack_edge import sent_off

NOW = datetime(2026, 3, 14, 10, 2, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
INCIDENT = "inc-b7ldwhlmfgipndfi"

leaf = st.none() | st.booleans() | st.integers() | st.text(max_size=6)
names = st.sampled_from(["type", "id", "state", "values", "selected_option", "value", "action_id"])
shallow = st.dictionaries(names, leaf, max_size=4) | st.lists(leaf, max_size=2)
junk = leaf | shallow | st.dictionaries(names, shallow, max_size=3) | st.lists(shallow, max_size=2)


@given(
    st.sampled_from(["block_actions", "view_submission", "shortcut"]),
    st.dictionaries(names, junk),
    junk,
    junk,
)
def test_whatever_comes_is_a_press_or_nothing(
    kind: str, payload: dict[str, Any], actions: Any, view: Any
) -> None:
    assert press(payload | {"type": kind, "actions": actions, "view": view}) is None


@given(junk, junk, junk)
def test_whatever_a_window_says_is_a_command(until_said: Any, note: Any, verdict: Any) -> None:
    view = modal(Verb.SNOOZE, INCIDENT, "C0ALERTS")
    found = press(
        sent_off(view, {"until": until_said, "note": note, "verdict": verdict}, user="U0MARK")
    )
    assert found is not None
    assert command(found, "mark", NOW, PARIS).target == INCIDENT
