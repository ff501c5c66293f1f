"""The ladder of innocent explanations that a finding climbed, rung by rung."""

from __future__ import annotations

from typing import Any

from detector import rungs
from detector.explaining.explanation import Line, Part
from detector.findings import Finding


def climbed(finding: Finding) -> Part | None:
    """The innocent explanations that were tried, in their order; null where there are none."""
    tested: dict[str, Any] = finding.evidence.get("rungs") or {}
    if not tested and finding.suppressed_by is not None:
        tested = {finding.suppressed_by: 0.0 if finding.margin is None else finding.margin}
    lines = [
        Line(
            holds=margin >= 0 and rung == finding.suppressed_by,
            text=rungs.said(rung),
            gap=margin if rung in rungs.UNITS else None,
            unit=rungs.UNITS.get(rung, ""),
        )
        for rung, margin in tested.items()
    ]
    return Part("Innocent explanations, tried in this order", tuple(lines)) if lines else None
