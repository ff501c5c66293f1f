"""The chart is well-formed and says its numbers; reasons are read as an alert tells them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.anomaly.causes import CAUSE_OF
from detector.anomaly.declaration import FEATURES
from detector.evaluation import charts
from detector.evaluation.figures import ratio
from detector.evaluation.reasons import TRUE_CAUSES, told
from detector.evaluation.spending import Days, kept
from detector.simulator.attacks import SCRIPTS

_SVG = "{http://www.w3.org/2000/svg}"


@given(
    parts=st.lists(st.tuples(st.integers(0, 9), st.integers(9, 20)), min_size=2, max_size=6),
    name=st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20),
)
def test_a_chart_is_xml_and_stays_within_its_frame(parts: list[tuple[int, int]], name: str) -> None:
    lines = {name: [ratio([part, part]) for part in parts], "other": [ratio([(0, 1)])] * len(parts)}
    drawn = ET.fromstring(charts.shares(name, ["x"] * len(parts), lines))
    first = drawn.findall(f"{_SVG}polyline")[0]
    heights = [float(point.split(",")[1]) for point in first.attrib["points"].split()]

    assert len(heights) == len(parts)
    assert all(charts.TOP <= height <= charts.HEIGHT - charts.BOTTOM for height in heights)
    higher = [a / b for a, b in parts]
    assert np.argmin(heights) == np.argmax(higher) or len(set(higher)) < len(higher)


@given(surprise=st.lists(st.floats(0, 12), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_reasons_are_one_a_cause_and_rarest_first(surprise: list[float]) -> None:
    found = told(FEATURES, np.array(surprise))

    assert len(found) == len(set(found)) <= 3
    if max(surprise) >= 1.6 and FEATURES[int(np.argmax(surprise))] != "ratio":
        assert found[0] == CAUSE_OF[FEATURES[int(np.argmax(surprise))]]


def test_every_kind_of_attack_has_causes_that_are_right_to_name() -> None:
    assert set(TRUE_CAUSES) == {*SCRIPTS, "swapped_people"}
    assert set().union(*TRUE_CAUSES.values()) <= set(CAUSE_OF.values())


def test_a_budget_that_is_kept_is_one() -> None:
    found = kept([Days(0.5, (0, 1, 0, 1), right=1), Days(1.0, (1, 1, 2, 0), right=0)])

    assert found.spent.value == 1.0
    assert found.false.value == round(5 / 6, 4)
    assert found.days == 8
    assert 1.9 < found.high_day <= 2.0
