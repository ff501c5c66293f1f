"""Kill -9 over a faulty API and a real sink: nothing lost, nothing doubled, little told twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import kills


def _whole(found: kills.Found) -> None:
    assert not any(found.faults.values()), found
    assert found.served > 500
    assert found.points >= 1
    assert found.alerts > found.held
    assert found.messages > 0


def test_a_handful_of_kills_costs_nothing(tmp_path: Path) -> None:
    _whole(kills.survive(tmp_path, kills=4, seed=3))


@pytest.mark.slow
def test_many_kills_cost_nothing(tmp_path: Path) -> None:
    found = kills.survive(tmp_path, kills=40, seed=1)

    _whole(found)
    assert found.points >= 8
