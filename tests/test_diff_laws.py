"""The law of a diff: run together as far as they go together, both sides are what they are alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from detector import kernel, window
from detector.alerts import Alert
from detector.backtesting import Replayed
from detector.cli import history
from detector.cli.rules_diff import replayed
from detector.comparing import changes
from detector.comparing.guests import Guests
from detector.plans import Plan
from detector.rulebook.book import Rulebook
from detector.rulebook.loading import load
from detector.settings import Settings
from tests import stories
from tests.stories import Item, audit, declaration, few, page, sign_in, usage

EXCEPTION = """
title: Ann is spared
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9c78
logsource: {product: onepassword}
filter:
    rules: [RULE]
    ann: {user.email: ann@acme.example}
    condition: not ann
"""
EDITS = {
    "nothing": ("exports.yml", "", ""),
    "words": ("new_device.yml", "title: First session", "title: A session"),
    "a level": ("exports.yml", "level: high", "level: low"),
    "a guarding level": ("new_device.yml", "level: medium", "level: low"),
    "learning": ("new_device.yml", "until: 14d or 10 events", "until: 1 events"),
    "how far": ("impossible_travel.yml", "type: impossible_travel",
                "type: impossible_travel\n    sensitivity: high"),
    "a base rule": ("base/op_signin_ok.yml", "level: informational", "level: low"),
    "gone": ("session_hijack.yml", None, None),
    "an exception for a rule": ("exception.yml", None, EXCEPTION.replace("RULE", "op_vault_exported")),
    "an exception for a base": ("exception.yml", None, EXCEPTION.replace("RULE", "op_signin_ok")),
}  # fmt: skip


@cache
def texts() -> dict[str, str]:
    folder = stories.ROOT / "rules"
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yml")}


@cache
def rulebook(edit: str = "") -> Rulebook:
    files = dict(texts())
    if edit:
        file, old, new = EDITS[edit]
        if old is None and new is None:
            del files[file]
        elif old is None:
            files[file] = new
        elif file in files:
            files[file] = files[file].replace(old, new)
    return load(files).rulebook


def past(items: list[Item], cut: int) -> history.History:
    """A history of pages of so many items."""
    whole = [page(items[at : at + cut])[0] for at in range(0, len(items), cut)]
    raws = [[item.raw for item in items[at : at + cut]] for at in range(0, len(items), cut)]
    pages = list(zip(whole, raws, strict=True))
    return history.History(
        lambda: iter(pages), len(items), is_log=False, teach_until=history.EPOCH, account="acme"
    )


def seen(done: Replayed) -> tuple[dict[str, Alert], Counter[tuple[str, str | None, int, object]]]:
    """What of a replay must be the same; why a page mentions an alert is not."""
    alerts = {key: replace(each, reason=None) for key, each in done.alerts.items()}  # type: ignore[arg-type]
    held = Counter(
        (each.rule_id, each.suppressed_by, each.seq, each.margin) for each in done.suppressed
    )
    return alerts, held


events = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["paris", "lagos", "tokyo"]),
        st.integers(0, 60 * 24 * 20),
        st.sampled_from(["in", "in", "use", "audit", "export", "report"]),
    ),
    min_size=1,
    max_size=30,
)


def items_of(drawn: list[tuple[str, str, int, str]]) -> list[Item]:
    made = []
    for who, place, minute, kind in sorted(set(drawn), key=lambda each: each[2]):
        time = stories.MONDAY + timedelta(minutes=minute)
        if kind in {"export", "report"}:
            deed = "export vault" if kind == "export" else "export report"
            made.append(audit(who, place, time, deed=deed))
        else:
            make = {"in": sign_in, "use": usage, "audit": audit}[kind]
            made.append(make(who, place, time))
    return made


@few
@given(events, st.sampled_from(sorted(EDITS)), st.integers(1, 9), st.booleans())
def test_both_sides_of_a_diff_are_what_they_are_alone(
    drawn: list[tuple[str, str, int, str]], edit: str, cut: int, swapped: bool
) -> None:
    one = past(items_of(drawn), cut)
    sides = [Plan(rulebook(), declaration()), Plan(rulebook(edit), declaration())]
    old, new = reversed(sides) if swapped else sides

    together = replayed(one, (old, new), Settings())

    for side, plan in zip(together, (old, new), strict=True):
        alone = history.played(one, plan, Settings(), advance=lambda _: None)
        assert seen(side) == seen(alone)


def test_sides_that_learn_the_same_are_never_run_apart() -> None:
    items = [audit("ann", "paris", f"{day} 9:00", deed="export report") for day in range(5)]
    old, new = Plan(rulebook()), Plan(rulebook("words"))
    guests = Guests(old, new, kernel.Memory("acme"))
    state = kernel.State(kernel.Memory("acme"), old)
    for item in items:
        frame, _ = page([item])
        kernel.detect(state, frame, window.contents([item.raw]), run_of=guests.run_of)

    assert not guests.parted
    assert guests.come
    loud = Guests(old, Plan(rulebook("a guarding level")), kernel.Memory("acme"))
    state = kernel.State(kernel.Memory("acme"), old)
    known = [sign_in("ann", "paris", f"{day} 9:00") for day in range(16)]
    for item in [*known, sign_in("ann", "lagos", "16 9:00", client="web")]:
        frame, _ = page([item])
        kernel.detect(state, frame, window.contents([item.raw]), run_of=loud.run_of)
    assert loud.parted


def test_a_rule_is_another_one_if_one_that_it_looks_at_is() -> None:
    old, new = rulebook(), rulebook("an exception for a base")

    names = {old.rules[rule].name for rule in changes.changed(old, new)}

    assert {"op_signin_ok", "op_new_device", "op_impossible_travel"} <= names
    assert "op_vault_exported" not in names
    assert changes.changed(old, old) == frozenset()
    part = changes.part(old, changes.changed(old, new))
    assert {base for entry in part.behaviors for base in entry.bases} <= set(part.rules)
