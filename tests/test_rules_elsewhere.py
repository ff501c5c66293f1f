"""Our rules in other Sigma tools: what `rules export` writes is plain Sigma, all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline

from detector.cli.main import run
from detector.rulebook.elsewhere import exported, pipeline
from detector.rulebook.loading import load

BEHAVIOR = """\
title: New country
name: new_country
id: 00000000-0000-4000-8000-000000000001
level: medium
tags: [attack.t1078]
behavior:
    type: first_seen
    rules: [ok]
    fields: [source.country]
"""
CHAIN = """\
---
# A comment that stays.
title: New country, then an export
id: 00000000-0000-4000-8000-000000000002
correlation:
    type: temporal_ordered
    rules: [new_country, exported]
    group-by: [user.id]
    timespan: 1h
---
title: Exported
name: exported
id: 00000000-0000-4000-8000-000000000003
logsource: {product: onepassword, service: auditevents}
detection: {s: {event.action: export, user.id: x}, condition: s}
"""


def test_a_behavior_becomes_a_rule_that_matches_its_alerts_and_all_else_stays() -> None:
    text = exported({"r.yml": BEHAVIOR + CHAIN})["r.yml"]
    whole = SigmaCollection.from_yaml(text)

    assert text.endswith(CHAIN)
    assert [rule.name for rule in whole.rules if rule.name] == ["new_country", "exported"]
    made = sqliteBackend(ProcessingPipeline.from_yaml(pipeline()), timestamp_format="unix")
    queries = "\n".join(map(str, made.convert(whole)))
    assert "`rule.id`='00000000-0000-4000-8000-000000000001'" in queries
    assert "`action`='export'" in queries
    assert "actor_uuid" in queries


def test_every_shipped_rule_is_read_by_another_tool(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rules", "export", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.endswith(f"are in {tmp_path / 'out'}\n")
    texts = {
        str(path): path.read_text("utf-8")
        for path in sorted((tmp_path / "out").rglob("*.yml"))
        if path.name != "pipeline.yml"
    }

    whole = SigmaCollection.from_yaml("\n---\n".join(texts.values()), collect_errors=True)

    # pySigma reads a network before it puts the values of a list into it.
    errors = [str(error) for rule in whole.rules for error in rule.errors]
    assert [error for error in errors if "CIDR expression: '%" not in error] == []
    again = load(texts)
    assert not again.rulebook.behaviors
    assert again.loaded == again.documents
    assert run(["rules", "export", "--out", str(tmp_path / "out")]) == 2
