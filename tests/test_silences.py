"""Silences: what they hold back, for how long, and who hears of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.alerts import Alert, Reason, Status
from detector.cli.main import run
from detector.delivery.bulletins import Bulletin, Cause, Notice
from detector.delivery.commands import Refused, Verb
from detector.delivery.journal import How
from detector.delivery.silences import FIELDS, OPERATORS, Matcher, holding, like, matcher, silence
from detector.findings import Level
from detector.jobs.hushing import follow
from tests.delivery import NOON, Day, alert, day, high
from tests.fakes import ORDERS

HOUR = timedelta(hours=1)
CALM = {"target": "", "matchers": ("rule=new_device",), "until": NOON + 8 * HOUR}


def notices(one: Day) -> list[Notice]:
    return [each for each in one.box.messages if isinstance(each, Notice)]


def told(one: Day) -> list[Bulletin]:
    return [each for each in one.box.messages if isinstance(each, Bulletin)]


def test_a_silenced_alert_is_kept_with_its_silence_and_not_sent(tmp_path: Path) -> None:
    with day(tmp_path) as one:
        made = one.say(Verb.SILENCE, **CALM)
        one.find(alert(), alert("ann", "export"))

        (found,) = one.store.alert(alert().id)
        assert (found.status, found.suppressed_by) == (Status.SILENCED, made.id)
        assert one.why(found) == ["silenced"]
        assert [each.incident.worst.rule.name for each in told(one)] == ["export"]
        assert [each.hidden for each in one.store.silences.kept()] == [1]


def test_everybody_hears_when_a_silence_begins_and_ends_and_what_it_hid_is_told(
    tmp_path: Path,
) -> None:
    with day(tmp_path) as one:
        one.find(alert("ben"))
        made = one.say(Verb.SILENCE, **CALM)
        assert [each.id for each in made.hidden] == [alert("ben").id]
        one.find(alert("ann"))
        one.tell(8 * HOUR)
        one.tell()

        began, ended = notices(one)
        assert began.title == "A silence began"
        assert "sam silenced rule=new_device" in began.lines[0]
        assert "held back 1 alert." in began.lines[2]
        assert ended.title == "A silence ended"
        assert "medium: Ann did new_device" in ended.lines
        assert [each.cause for each in told(one)] == [Cause.FIRST_TOLD, Cause.SILENCE_ENDED]
        assert one.status(alert("ann")) is Status.OPEN
        (kept,) = one.store.silences.kept()
        assert kept.ended == NOON + 8 * HOUR
        assert [each.what for each in one.store.journal.of(made.id)] == ["silenced", "ended"]


def test_a_silence_that_holds_nothing_back_ends_by_itself_and_says_so(tmp_path: Path) -> None:
    with day(tmp_path, replace(ORDERS, idle_silence=timedelta(days=3))) as one:
        made = one.say(Verb.SILENCE, **(CALM | {"until": NOON + timedelta(days=30)}))
        one.tell(timedelta(days=2))
        one.find(alert())
        one.tell(timedelta(days=2, hours=23))
        assert len(notices(one)) == 1, "it held something back three days ago"
        one.tell(HOUR)

        assert "it has held nothing back for 3 days" in notices(one)[1].lines[0]
        assert [each.what for each in one.store.journal.of(made.id)] == ["silenced", "ended"]
        assert one.store.silences.kept()[0].ended == one.now


def test_a_silence_of_a_file_is_idle_since_it_was_read(tmp_path: Path) -> None:
    with day(tmp_path, replace(ORDERS, idle_silence=timedelta(days=3))) as one:
        span = (datetime(1970, 1, 1, tzinfo=NOON.tzinfo), NOON + timedelta(days=300))
        ours = silence(["rule=new_device"], author="ops", reason="lab", span=span, how=How.FILE)
        follow(one.store, one.orders, [ours], one.now)
        one.tell(timedelta(days=2))
        assert one.store.silences.kept()[0].ended is None
        one.tell(timedelta(days=1))
        assert one.store.silences.kept()[0].ended == one.now


def test_a_silence_that_is_expired_by_hand_ends_at_once(tmp_path: Path) -> None:
    with day(tmp_path) as one:
        made = one.say(Verb.SILENCE, **CALM)
        one.find(alert())
        one.say(Verb.EXPIRE, made.id[:5])
        one.tell()

        assert len(told(one)) == 1
        assert "ended by sam" in notices(one)[1].lines[0]
        with pytest.raises(Refused, match="no silence of that id"):
            one.say(Verb.EXPIRE, made.id)


def test_nobody_hides_alerts_about_themselves(tmp_path: Path) -> None:
    with day(tmp_path) as one:
        one.find(alert("ann", "export"))
        one.say(Verb.SILENCE, **(CALM | {"matchers": ("subject=ann@acme.example",), "who": "ann"}))
        one.find(alert("ann", "takeover", time=NOON + 9 * HOUR, first_time=NOON + 9 * HOUR))

        (notice,) = notices(one)
        assert notice.level is Level.MEDIUM
        assert "1 alert of these are about ann: those are sent all the same." in notice.lines
        assert told(one)[1].changes == ("Although ann silenced it, whom it is about",)


def test_a_silence_of_somebody_else_hides_them(tmp_path: Path) -> None:
    with day(tmp_path) as one:
        one.say(Verb.SILENCE, **(CALM | {"matchers": ("subject=ann@acme.example",)}))
        one.find(alert("ann", "export"))
        assert told(one) == []


def test_an_alert_that_outgrows_its_silence_is_told(tmp_path: Path) -> None:
    with day(tmp_path) as one:
        one.say(Verb.SILENCE, **(CALM | {"matchers": ("rule=new_device", "level=medium")}))
        one.find(alert())
        one.find(alert(level=Level.HIGH, score=70), reason=Reason.LEVEL_RAISED)

        assert [each.incident.level for each in told(one)] == [Level.HIGH]
        assert one.status(alert()) is Status.OPEN


def test_the_rule_and_subject_of_an_alert_are_its_matchers(tmp_path: Path) -> None:
    with day(tmp_path) as one:
        one.find(alert())
        one.say(Verb.SILENCE, alert().id[:6], until=NOON + HOUR)
        (kept,) = one.store.silences.kept()
        assert kept.silence.text == "rule=new_device subject=ANN"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("rule=new_device", True),
        ("rule=new_dev", False),
        ("rule=~new", False),
        ("rule=~new.*", True),
        ("rule=~NEW.*", False),
        ("rule!=new_device", False),
        ("rule!~.*vault.*", True),
        ("subject=ann@acme.example", True),
        ("subject=ANN", True),
        ("subject=person:ANN", True),
        ("subject!=ben", True),
        ("level=medium", True),
        ("tag=attack.t1078", True),
        ("tag=~attack\\.t1.*", True),
        ("account=acme", True),
        ("evidence.source.ip=203.0.113.9", True),
        ("evidence.source.ip=~203\\.0\\.113\\.\\d+", True),
        ("evidence.new=true", True),
        ("evidence.seen=b", True),
        ("evidence.nothing=x", False),
        ("evidence.nothing!=x", True),
        ("evidence.words=~a|b", False),
    ],
)
def test_a_matcher_is_exact_or_a_whole_match(text: str, means: bool) -> None:
    evidence = {"source.ip": "203.0.113.9", "new": True, "seen": ["a", "b"], "words": "b\n"}
    assert matcher(text).matches(alert(evidence=evidence, tags=("attack.t1078",))) is means


@pytest.mark.parametrize(
    ("matchers", "text"),
    [
        (["rule"], "is no matcher"),
        (["rul=x"], "did you mean 'rule'"),
        (["colour=x"], "there are rule, subject"),
        (["rule="], "value is missing"),
        (["rule=~("], "is no pattern"),
        ([], "what it is about"),
        (["level!=high"], "what it is about"),
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused(matchers: list[str], text: str) -> None:
    with pytest.raises(Refused, match=text):
        silence(matchers, author="sam", reason="why", span=(NOON, NOON + HOUR), how=How.CLI)


@pytest.mark.parametrize(
    ("until", "text"),
    [
        (NOON + timedelta(days=31), "at most 30 days"),
        (NOON - HOUR, "ends after it starts"),
        (None, "needs an end"),
    ],
)
def test_a_silence_ends_in_time(tmp_path: Path, until: datetime | None, text: str) -> None:
    with day(tmp_path) as one, pytest.raises(Refused, match=text):
        one.say(Verb.SILENCE, **(CALM | {"until": until}))


def test_a_pattern_never_takes_long() -> None:
    evil = alert(evidence={"x": "a" * 50_000 + "!"})
    assert not matcher("evidence.x=~(a+)+").matches(evil)


values = st.text(st.characters(exclude_categories=("Cs", "Zs", "Cc", "Zl", "Zp")), min_size=1)


@given(st.sampled_from(FIELDS), st.sampled_from(OPERATORS[:1] + OPERATORS[3:]), values)
def test_a_matcher_reads_back_as_it_is_written(field: str, operator: str, value: str) -> None:
    made = Matcher(field, operator, value)
    read = matcher(str(made))
    assert str(read) == str(made)


@given(st.lists(st.sampled_from(["rule=export", "level=medium", "subject=ANN"]), min_size=1))
def test_a_silence_holds_only_in_its_time_and_what_all_its_matchers_mean(texts: list[str]) -> None:
    made = silence(texts, author="sam", reason="why", span=(NOON, NOON + HOUR), how=How.CLI)
    for found in (alert("ann", "export"), alert("ben", "export"), high("ann", "export")):
        meant = all(matcher(text).matches(found) for text in texts)
        for now in (NOON - HOUR, NOON, NOON + HOUR):
            assert (holding([made], found, now) is made) == (meant and now == NOON)


def test_an_own_silence_is_known_by_mail_name_and_login() -> None:
    made = silence(["rule=x"], author="Ann", reason="y", span=(NOON, NOON + HOUR), how=How.CLI)
    assert made.is_about_its_author(alert("ann"))
    assert not made.is_about_its_author(alert("ben"))
    assert replace(made, author="ANN@acme.example").is_about_its_author(alert("ann"))


def _odd(who: str, *causes: str) -> Alert:
    return alert(who, "isolation_forest", evidence={"causes": list(causes)})


def test_what_is_expected_is_the_same_person_and_the_same_causes() -> None:
    asked = silence(
        like(_odd("ann", "items", "volume", "place")),
        author="sam",
        reason="rotates secrets",
        span=(NOON, NOON + 24 * HOUR),
        how=How.CLI,
    )

    assert asked.matches(_odd("ann", "volume", "items", "time"))
    assert not asked.matches(_odd("ann", "items", "place", "device"))
    assert not asked.matches(_odd("ben", "items", "volume", "place"))
    assert not asked.matches(alert("ann"))


def test_the_command_marks_as_expected_and_shows_what_it_hides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULTWATCH_DATA__DIRECTORY", str(tmp_path))
    odd, grave = _odd("ann", "items", "volume"), high("ann")
    with day(tmp_path) as one:
        one.find(odd, grave)
    more = ["--for", "7d", "--reason", "rotates the build secrets"]

    assert run(["silences", "expected", odd.id[:9], *more, "--preview"]) == 0
    assert "nothing is changed" in capsys.readouterr().out
    assert run(["silences", "expected", odd.id[:9], *more]) == 0
    assert run(["silences", "list", "--json"]) == 0
    kept = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert kept["matchers"] == [
        "evidence.causes=items", "evidence.causes=volume", "rule=isolation_forest", "subject=ANN",
    ]  # fmt: skip
    assert run(["silences", "expected", grave.id[:9], *more]) != 0
    assert "is not expected for good" in capsys.readouterr().err
