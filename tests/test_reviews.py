"""Reports of a backtest: the figures add up, and no text of an event gets out of its cell."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from detector.backtesting import Replayed
from detector.cli.main import run
from detector.findings import LEVELS
from detector.preview.chromium import photograph
from detector.rendering.samples import impossible_travel, off_hours_admin
from detector.reviews import figures, page, tables
from detector.reviews.figures import Review

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=https://evil.example/x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "</title></svg><svg onload=alert(1)>",
    "\x1b[31m\u202eab\u200b\r\nnext",
]
hostile = st.sampled_from(HOSTILE) | st.text(max_size=80)


class Seen(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def reviewed(*words: str) -> Review:
    """A review of two alerts, which say these words wherever an event can."""
    alerts = [impossible_travel(), off_hours_admin()]
    said = " ".join(words)
    alerts = [
        replace(
            alert,
            summary=alert.summary + said,
            why=(*alert.why, f"+ {said}"),
            rule=replace(alert.rule, title=alert.rule.title + said),
        )
        for alert in alerts
    ]
    done = Replayed(alerts={alert.id: alert for alert in alerts}, events=10)
    return figures.review(done)


@given(st.lists(hostile, max_size=3))
def test_no_text_of_an_event_becomes_markup_or_a_link(words: list[str]) -> None:
    plain, found = Seen(page.page(reviewed(), title="t", made="m")), reviewed(*words)
    told = Seen(page.page(found, title=" ".join(words), made="m"))

    assert told.tags <= plain.tags
    assert told.attributes <= plain.attributes
    assert not told.tags & {"script", "img", "link", "iframe", "object", "a", "base", "form"}
    assert not any("//" in value for value in told.values)
    assert not any(re.search(r"https?://", text) for text in told.texts)


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_text_is_shown_as_it_is_written(word: str) -> None:
    text = "".join(Seen(page.page(reviewed(word), title="t", made="m")).texts)

    wanted = "".join(char for char in word if char.isprintable() or char == "\n").split("\n")
    assert all(part.replace("https", "hxxps") in text for part in wanted)


def test_the_page_asks_nothing_of_anybody() -> None:
    text = page.page(reviewed(), title="t", made="m")

    assert "default-src 'none'" in text
    assert not re.search(r"(src=|href=|url\(|@import|<script)", text)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=90))
def test_a_row_of_bars_shows_every_count(counts: list[int]) -> None:
    line = tables.sparkline(counts)

    assert len(line) == len(counts)
    assert [char == " " for char in line] == [count == 0 for count in counts]
    if any(counts):
        assert line[counts.index(max(counts))] == "█"
    assert sum(tables.gathered(counts)) == sum(counts)
    assert len(tables.gathered(counts)) <= tables.WIDEST


@given(st.integers(0, 10**7))
def test_lines_across_a_chart_are_few_and_round(most: int) -> None:
    step, top = page.scale(most)

    assert top >= most
    assert top % step == 0
    assert top // step <= 6
    assert str(step).rstrip("0") in {"1", "2", "5"}


@given(
    st.lists(st.lists(st.integers(0, 50), min_size=5, max_size=5), min_size=30, max_size=30),
)
def test_the_bars_of_a_chart_stand_on_each_other_and_stay_inside(drawn: list[list[int]]) -> None:
    days = [date(2026, 3, 1) + timedelta(days=at) for at in range(len(drawn))]
    counts = {level: [row[at] for row in drawn] for at, level in enumerate(LEVELS)}

    chart = page.stacked(days, counts)

    assert len(chart.bars) == sum(count > 0 for row in drawn for count in row)
    for bar in chart.bars:
        assert -1e-6 <= bar.y <= chart.height
        assert bar.y + bar.height <= chart.height + 1e-6
        assert 0 <= bar.x <= bar.x + bar.width <= chart.width + 1
    for bar, other in zip(chart.bars, chart.bars[1:], strict=False):
        if bar.x == other.x:
            assert other.y + other.height == pytest.approx(bar.y)


def test_one_item_of_long_ago_does_not_make_the_table_long() -> None:
    done = Replayed(events=2, by_day={date(1990, 1, 1): 1, date(2026, 3, 2): 1})

    found = figures.review(done)

    assert len(found.days) == figures.MOST_DAYS
    assert found.days[-1] == date(2026, 3, 2)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    words = ["simulate", "--people", "12", "--days", "20", "--attacks", "4"]
    assert run([*words, "--start", "2026-03-02", "--out", str(folder)]) == 0
    return folder


def test_the_figures_of_a_backtest_add_up(
    company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["backtest", "--from", str(company), "--suppressed", "--train-until", "2026-03-12"]
    files = [tmp_path / "report.json", tmp_path / "report.html"]
    capsys.readouterr()
    assert run([*words, "--report", str(files[0]), "--report", str(files[1])]) == 0
    said = capsys.readouterr()
    alerts = [json.loads(line) for line in said.out.splitlines()]
    told = json.loads(files[0].read_text())

    raised = [alert for alert in alerts if not alert["suppressed_by"]]
    assert told["alerts"] == len(raised) == sum(rule["alerts"] for rule in told["rules"])
    assert told["held_back"] == len(alerts) - len(raised) == sum(told["held_back_by_rung"].values())
    assert sum(told["events_by_day"]) == told["events"]
    assert len(told["days"]) == 20
    for rule in told["rules"]:
        mine = [alert for alert in raised if alert["rule"]["id"] == rule["id"]]
        assert rule["alerts"] == len(mine) == sum(rule["by_day"]) == sum(rule["by_level"].values())
        assert {sample["id"] for sample in rule["samples"]} <= {alert["id"] for alert in mine}
        for at, day in enumerate(told["days"]):
            assert rule["by_day"][at] == sum(alert["first_time"][:10] == day for alert in mine)
    for level in LEVELS:
        assert sum(told["alerts_by_day"][level]) == sum(each["level"] == level for each in raised)
    page_ = files[1].read_text()
    assert f"<b>{len(raised)}</b>alerts" in page_
    assert all(rule["name"] in page_ and rule["name"] in said.err for rule in told["rules"])


def test_a_report_that_cannot_be_written_is_exit_code_2(
    company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "no" / "report.html"
    words = ["backtest", "--from", str(company), "--out", str(tmp_path / "a"), "--report"]
    assert run([*words, str(target)]) == 2
    assert f"{target}: cannot be written" in capsys.readouterr().err


def test_the_terminal_shows_hostile_names_as_text() -> None:
    done = Replayed(
        alerts={alert.id: alert for alert in [impossible_travel()]},
        events=1,
        by_day={datetime(2026, 3, 2, tzinfo=UTC).date(): 1},
    )
    found = figures.review(done)
    rule = replace(found.rules[0].rule, name="[bold]x[/bold]")
    terminal = Console(record=True, width=120, file=io.StringIO())

    tables.show(terminal, replace(found, rules=[replace(found.rules[0], rule=rule)]))

    assert "[bold]x[/bold]" in terminal.export_text()


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium takes the pictures.")
def test_a_browser_shows_the_page_by_day_and_by_night() -> None:
    text = page.page(reviewed(*HOSTILE), title="A backtest", made="m")

    day, night = (photograph(text, width=900, dark=dark) for dark in (False, True))

    assert day.startswith(b"\x89PNG")
    assert day != night


MEASURE = """
<iframe style="border:0;width:{width}px;height:3000px" srcdoc="{page}"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const all = (what) => [...frame.contentDocument.querySelectorAll(what)];
  const labels = all("text.scale").map((each) => each.getBoundingClientRect().height);
  document.body.innerHTML = JSON.stringify({{
    hidden: all("html, .wide").filter((each) => each.scrollWidth > each.clientWidth).length,
    smallest: Math.min(...labels.filter((height) => height > 0)),
  }});
}};
</script>
"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium lays the page out.")
@pytest.mark.parametrize("width", [360, 900])
def test_nothing_of_the_page_is_beyond_the_screen_or_too_small_also_on_a_phone(
    tmp_path: Path, width: int
) -> None:
    text = page.page(reviewed("a rule with a name", "of some length"), title="t", made="m")
    source = tmp_path / "page.html"
    source.write_text(MEASURE.format(width=width, page=escape(text)))
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    shown = subprocess.run(
        [*words, profile, source.as_uri()], capture_output=True, text=True, check=True, timeout=60
    )
    found = json.loads(re.search(r"\{.*\}", shown.stdout)[0])  # type: ignore[index]
    assert found["hidden"] == 0, "there is something to scroll to at the side"
    assert found["smallest"] >= 10, "labels of charts are too small to read"
