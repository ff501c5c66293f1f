"""The demo: a small company, the real engine, honest numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from detector import demo
from detector.cli.main import run


def test_a_short_demo_teaches_watches_and_counts(tmp_path: Path) -> None:
    length = demo.Length(teach=10, live=2)
    plan = demo.plan_of(7, 8, datetime(2026, 3, 2, tzinfo=UTC), length)
    heard = demo.Heard(None)

    with demo.stage(tmp_path, plan, {"console": heard}, length) as stage:
        learned = stage.backfill(lambda *_: None)
        assert stage.store.alerts() == []
        times = list(stage.live())
        found = demo.score(stage.company, stage.store.alerts(), length)

    assert learned > 1000
    assert len(times) == 144
    assert len(found.catches) == 12
    assert any(catch.told for catch in found.catches)
    assert found.quiet_days <= found.days == 2
    assert {alert.id for catch in found.catches for alert in catch.told} <= {
        alert.id for alert in heard.alerts
    }


@pytest.mark.slow
def test_the_demo_command_ends_with_plausible_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--json", "--people", "8"]) == 0

    structlog.reset_defaults()
    found = json.loads(capsys.readouterr().out)
    assert (found["attacks"], found["days"]) == (12, 14)
    assert found["found"] + len(found["missed"]) == 12
    assert found["found"] > 0
    assert 0 <= found["quiet_days"] <= 14
