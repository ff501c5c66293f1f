"""The guard: what came under an alert is not learned, and how that ends (design.md 9)."""

from __future__ import annotations

from detector import kernel, workhours
from detector.alerts import Alert
from detector.findings import Level
from detector.observations import COUNTRY, DEVICE
from detector.triage import Judgement
from tests import stories
from tests.stories import play
from tests.team import learned_engine


def _knows(state: kernel.State, who: str, kind: int, value: str) -> bool:
    return state.memory.facts.days(who.upper(), kind, value) > 0


def _intrusion() -> kernel.State:
    """Ann's account exports a vault from Lagos, where Ann never was."""
    state = learned_engine(with_model=False)
    play(state, [stories.audit("ann", "lagos", "10:00", deed="export vault", device="stranger")])
    kernel.tick(state, stories.at("11:00"))
    return state


def _seen_again(state: kernel.State, day: int) -> None:
    play(state, [stories.usage("ann", "lagos", f"{day} 10:00")])
    kernel.tick(state, stories.at(f"{day} 11:00"))


def test_what_came_under_an_alert_is_not_learned() -> None:
    state = _intrusion()

    assert not _knows(state, "ann", COUNTRY, "NG")
    assert not _knows(state, "ann", DEVICE, "stranger")


def test_what_came_without_an_alert_is_learned_at_the_next_full_hour() -> None:
    state = learned_engine(with_model=False)
    play(state, [stories.usage("ann", "lagos", "10:00")])
    assert not _knows(state, "ann", COUNTRY, "NG")
    kernel.tick(state, stories.at("11:00"))

    assert _knows(state, "ann", COUNTRY, "NG")


def test_a_guarded_thing_stays_guarded_when_it_is_seen_the_next_days() -> None:
    state = _intrusion()
    for day in (3, 4, 5):
        _seen_again(state, day)

    assert not _knows(state, "ann", COUNTRY, "NG")


def _journey() -> kernel.State:
    """Ann signs in from Paris and an hour later from Lagos: an alert of medium."""
    state = learned_engine(with_model=False)
    trip = [stories.sign_in("ann", "paris", "9:10"), stories.sign_in("ann", "lagos", "10:10")]
    heard = play(state, trip)
    kernel.tick(state, stories.at("11:00"))
    assert max(alert.level.rank for alert in heard.alerts.values()) == Level.MEDIUM.rank
    return state


def test_the_guard_lifts_after_14_unjudged_days_and_two_further_days_of_use() -> None:
    state = _journey()
    for day in (3, 4, 13):
        _seen_again(state, day)
    assert not _knows(state, "ann", COUNTRY, "NG")
    _seen_again(state, 16)

    assert _knows(state, "ann", COUNTRY, "NG")


def test_the_guard_does_not_lift_without_two_further_days() -> None:
    state = _journey()
    for day in (16, 17):
        _seen_again(state, day)
        assert _knows(state, "ann", COUNTRY, "NG") == (day == 17)


def test_the_guard_of_a_high_alert_lifts_by_a_verdict_only() -> None:
    state = _intrusion()
    for day in (3, 4, 16, 17):
        _seen_again(state, day)

    assert not _knows(state, "ann", COUNTRY, "NG")


def test_the_guard_does_not_lift_if_a_high_alert_came_later() -> None:
    state = _journey()
    play(state, [stories.audit("ann", "paris", "8 10:00", deed="export vault")])
    for day in (10, 11, 16):
        _seen_again(state, day)

    assert not _knows(state, "ann", COUNTRY, "NG")


def _judge(state: kernel.State, alert: Alert, *, harmless: bool) -> None:
    span = (alert.first_time, max(alert.time, alert.detected_at))
    since, until = map(workhours.microseconds, span)
    subject = alert.subject
    kernel.judge(
        state, Judgement(alert.id, subject.type, subject.id, harmless, since=since, until=until)
    )


def _theft(state: kernel.State, place: str, time: str) -> Alert:
    """Ann's account exports a vault from somewhere; all that is alerted about it is one alert."""
    heard = play(state, [stories.audit("ann", place, time, deed="export vault")])
    [found] = [each for each in heard.alerts.values() if each.rule.name == "op_vault_exported"]
    for other in heard.alerts.values():
        if other.id != found.id:
            _judge(state, other, harmless=True)
    day, _, clock = time.rpartition(" ")
    kernel.tick(state, stories.at(f"{day or 0} {int(clock.split(':')[0]) + 1}:00"))
    return found


def test_a_benign_verdict_lifts_the_guard_at_once() -> None:
    state = learned_engine(with_model=False)
    _judge(state, _theft(state, "lagos", "10:00"), harmless=True)
    _seen_again(state, 1)

    assert _knows(state, "ann", COUNTRY, "NG")


def test_a_benign_verdict_lifts_nothing_of_an_alert_that_was_real() -> None:
    state = learned_engine(with_model=False)
    _judge(state, _theft(state, "lagos", "10:00"), harmless=False)
    _judge(state, _theft(state, "tokyo", "5 10:00"), harmless=True)
    play(
        state, [stories.usage("ann", "tokyo", "6 10:00"), stories.usage("ann", "lagos", "6 10:20")]
    )
    kernel.tick(state, stories.at("6 11:00"))

    assert _knows(state, "ann", COUNTRY, "JP")
    assert not _knows(state, "ann", COUNTRY, "NG")


def test_what_came_under_an_alert_that_was_real_is_not_learned_in_time() -> None:
    state = learned_engine(with_model=False)
    trip = [stories.sign_in("ann", "paris", "9:10"), stories.sign_in("ann", "lagos", "10:10")]
    for alert in play(state, trip).alerts.values():
        _judge(state, alert, harmless=False)
    kernel.tick(state, stories.at("11:00"))
    for day in (3, 4, 16, 17, 18):
        _seen_again(state, day)

    assert not _knows(state, "ann", COUNTRY, "NG")


def test_a_fact_whose_event_alerts_later_is_withdrawn_from_the_next_hour_on() -> None:
    state = learned_engine(with_model=False)
    play(state, [stories.sign_in("ann", "tokyo", "10:00")])
    kernel.tick(state, stories.at("13:00"))
    assert _knows(state, "ann", COUNTRY, "JP")
    before = stories.sign_in("ann", "lagos", "9:10")
    play(state, [before.after(stories.usage("ann", "paris", "13:10"))])
    assert _knows(state, "ann", COUNTRY, "JP")
    kernel.tick(state, stories.at("14:00"))

    assert not _knows(state, "ann", COUNTRY, "JP")


def test_an_alert_about_somebody_unknown_makes_nobody_known() -> None:
    state = learned_engine(with_model=False)
    play(state, [stories.audit("zoe", "paris", "10:00", deed="export vault")])

    assert "ZOE" not in state.memory.facts.people
