"""Every behaviour that takes fields takes every field of its events, whatever the field holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest

from detector import kernel
from detector.rule_types.base import KIND_OF
from detector.rulebook.loading import load
from tests import stories
from tests.stories import ROOT, play, usage

RULE: Final = """
title: Of any field
name: any_field
id: 0d8a2c1e-52a7-4ac0-8d8b-4a3f1a2b9d55
level: low
behavior: {{rules: [op_secret_taken], {how}}}
"""
TYPES: Final = {
    "all of a volume": "type: volume, least: 2, of: {field}",
    "new of a volume": "type: volume, least: 2, only: new, of: {field}",
    "first seen": "type: first_seen, fields: [{field}]",
    "first seen by all": "type: first_seen, group-by: [account.id], fields: [{field}]",
    "rare": "type: rare_value, fields: [{field}]",
    "changed": "type: change_of_value, fields: [{field}]",
}
FIELDS: Final = sorted(
    {*KIND_OF, "account_uuid", "item_uuid", "used_version", "client.app_version", "user.email"}
)


@pytest.mark.parametrize("how", TYPES)
def test_no_field_of_a_usage_breaks_a_behaviour(how: str) -> None:
    base = (ROOT / "rules/base/items.yml").read_text()
    items = [
        usage(who, place, stories.at("9:00") + timedelta(minutes=minute), client=client,
              action="reveal", item=f"i{minute}")
        for minute, (who, place, client) in enumerate(
            [("ann", "paris", "mac"), ("ben", "paris", "web"), ("ann", "tokyo", "web")] * 3
        )
    ]  # fmt: skip
    for field in FIELDS:
        texts = {"base.yml": base, "a.yml": RULE.format(how=TYPES[how].format(field=field))}
        loaded = load(texts)
        assert loaded.rulebook.behaviors or loaded.mistakes, field
        state = stories.engine(kernel.Plan(loaded.rulebook))
        whole = play(state, items)
        cut = play(stories.engine(kernel.Plan(loaded.rulebook)), items, range(len(items)))
        told = [[each.subject.id for each in found.of("any_field")] for found in (whole, cut)]
        assert told[0] == told[1], field
