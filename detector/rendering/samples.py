"""Alerts and messages as the engine makes them, to try templates on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from detector.alerts import Alert, Reason, RuleRef, Status, alert_id
from detector.delivery.bulletins import (
    Bulletin,
    Cause,
    Digest,
    DigestKind,
    Kind,
    Message,
    Notice,
    Receipt,
    Section,
)
from detector.delivery.exposures import Exposed, Rotation
from detector.delivery.incidents import incident
from detector.delivery.journal import Change, How
from detector.findings import Level, Subject, SubjectType
from detector.rendering.messages import alone

_ANA: Final = Subject(SubjectType.PERSON, "5J3KQ7", "ana.diaz@acme.example", "Ana Diaz")
_MARK: Final = Subject(SubjectType.PERSON, "8T2MVX", "mark.olsen@acme.example", "Mark Olsen")
_BOT: Final = Subject(SubjectType.SERVICE_ACCOUNT, "K4WQ2N")
_OFFICE_WEEK: Final = ("0" * 8 + "3699999952" + "0" * 6) * 5 + "0" * 48
_WHEN: Final = datetime(2026, 3, 14, 10, 2, tzinfo=UTC)


def samples() -> tuple[Alert, ...]:
    """Impossible travel, a new device, an action at night, the model, and a plain match."""
    return (
        impossible_travel(),
        new_device(),
        off_hours_admin(),
        isolation_forest(),
        simple_match(),
    )


def sample_bulletins() -> tuple[Bulletin, ...]:
    """Each sample alone, and an incident of several with everything that a message may hold."""
    return (*(alone(alert) for alert in samples()), takeover(), worse())


def takeover() -> Bulletin:
    """Ana's account in other hands: two alerts, acknowledged by a colleague."""
    travel, hour = impossible_travel(), isolation_forest()
    told = incident("inc-b7ldwhlmfgipndfi", [replace(travel, status=Status.ACKNOWLEDGED), hour])
    note = "calling Ana"
    return Bulletin(
        Kind.UPDATE,
        Cause.ANOTHER_ALERT,
        told,
        changes=(hour.summary,),
        history=(Change(_WHEN, travel.id, "acknowledged", "mark.olsen", How.SLACK, note),),
        coverage="All three feeds are complete up to 10:01 UTC.",
        head=Receipt("C0SECURITY:1773482520.000100"),
        mentions=("<!subteam^S0SECURITY>",),
        delayed=timedelta(hours=2),
        rotation=_rotation(),
    )


def _rotation() -> Rotation:
    """What was taken from Lagos."""
    vaults = ("vq3tk5l2hwdq7mbyzr4x6pn2ae", "hx5w4r2ytqk7dn3vmbz6pl2cee")
    taken = [
        Exposed(vaults[0], "", ("export",), _WHEN, _WHEN, 1),
        Exposed(vaults[0], "n7q2xk4tzrw5ym3dhbv6pl2cae", ("reveal",), _WHEN, _WHEN, 1),
        Exposed(
            vaults[1],
            "t4zk7wq2xr5nm3ydhbv6pl2cfi",
            ("reveal", "secure-copy"),
            _WHEN,
            _WHEN + timedelta(minutes=4),
            3,
        ),
    ]
    return Rotation(tuple(taken), vaults=1, items=16, elsewhere=2, since=_WHEN)


def worse() -> Bulletin:
    """The word in the thread that a second alert has come."""
    return replace(takeover(), kind=Kind.ALARM, delayed=None)


def sample_messages() -> dict[str, Message]:
    """Every sample message by a name to ask for it."""
    named: dict[str, Message] = {alert.rule.name: alone(alert) for alert in samples()}
    return named | {
        "takeover": takeover(),
        "digest": sample_lists()[0],
        "notice": sample_lists()[1],
    }


def sample_lists() -> tuple[Digest | Notice, ...]:
    """A daily digest, and a notice of the service itself."""
    sections = (
        Section("New alerts", ("Low: 6 reports exported by 3 people", "Medium: 1 new device")),
        Section("Health", ("Complete up to 06:00 UTC, no gaps.",)),
    )
    summary = "7 alerts in 24 hours; none is high."
    until = _WHEN.replace(hour=7, minute=0)
    since = until - timedelta(days=1)
    return (
        Digest("dig-1", DigestKind.DAILY, "The last day", summary, sections, since, until),
        Notice("not-1", "A silence ends", ("Mark's silence of new devices has ended.",), until),
    )


def impossible_travel() -> Alert:
    """Toronto, then Lagos an hour later."""
    return _alert(
        ("impossible_travel", "Impossible travel"),
        Level.HIGH,
        _ANA,
        "Ana Diaz signed in from Lagos 61 minutes after signing in from Toronto, 9,041 km away.",
        {
            "from_place": "Toronto, CA",
            "to_place": "Lagos, NG",
            "distance_km": 9041.0,
            "speed_kmh": 8893.0,
            "minutes": 61.0,
            "latitudes": [43.6532, 6.4541],
            "longitudes": [-79.3832, 3.3947],
            "source.ip": "198.51.100.24",
            "source.city": "Lagos",
            "source.country": "NG",
            "device": "Windows PC",
            "client": "1Password for Web 8.10",
            "timezone": "America/Toronto",
        },
        (
            "+ No airliner flies at 8,893 km/h.",
            "+ Ana was never seen in Nigeria in 90 days.",
            "+ The device in Lagos is new for Ana; the one in Toronto has been hers since May.",
            "- The address in Lagos belongs to a hosting company, so it may be a VPN.",
        ),
        (
            "Call Ana: did she sign in from Lagos or through a VPN?",
            "If not: suspend the account and end its sessions in 1Password.",
            "See what the Lagos session opened, and rotate those items.",
        ),
    )


def new_device() -> Alert:
    """A first session on a device that nobody knows."""
    return _alert(
        ("new_device", "First session from a new device"),
        Level.MEDIUM,
        _MARK,
        "Mark Olsen signed in on a Linux computer for the first time in 90 days.",
        {
            "device": "Linux, Firefox 148",
            "client": "1Password for Web",
            "source.ip": "203.0.113.9",
            "source.city": "Oslo",
            "source.country": "NO",
            "timezone": "Europe/Oslo",
            "known_devices": ["MacBook Pro", "iPhone 16"],
        },
        (
            "+ Mark has used two devices in 90 days, both from Apple.",
            "- The place, Oslo, is where Mark usually is.",
        ),
        ("Ask Mark whether the computer is his.",),
    )


def off_hours_admin() -> Alert:
    """Somebody was made an owner in the middle of the night."""
    return _alert(
        ("off_hours_admin", "Admin action outside working hours"),
        Level.HIGH,
        _MARK,
        "Mark Olsen added Ana Diaz to the group Owners at 03:14 on a Saturday.",
        {
            "action": "join",
            "target.email": "ana.diaz@acme.example",
            "group": "Owners",
            "local_time": "Sat 03:14",
            "week": _OFFICE_WEEK,
            "usual_hours": "Mon-Fri 08:00-18:00",
            "timezone": None,
            "source.ip": "203.0.113.9",
        },
        ("+ None of Mark's 212 admin actions was at night.", "+ The group Owners rarely changes."),
        ("Ask Mark on another channel.", "https://wiki.acme.example/runbooks/owners"),
    )


def isolation_forest() -> Alert:
    """An hour that looks like no other."""
    return _alert(
        ("model", "Unusual hour"),
        Level.MEDIUM,
        _ANA,
        "Ana Diaz's last hour is unlike any of hers: 94 items revealed in 11 vaults.",
        {
            "items_revealed": 94,
            "usual_items_revealed": 3.5,
            "vaults": 11,
            "anomaly_score": 0.83,
            "timezone": "America/Toronto",
        },
        (
            "+ 94 items revealed; Ana's usual busy hour has 6.",
            "+ 9 of the 11 vaults were new for Ana.",
            "- Travel, a new laptop or a migration also look like this.",
        ),
        ("Ask Ana what she was doing.",),
    )


def simple_match() -> Alert:
    """A plain rule matched one event."""
    return _alert(
        ("service_account_token", "Service account token created"),
        Level.LOW,
        _BOT,
        "A token was created for the service account deploy.",
        {"action": "create", "object": "deploy"},
        (),
        (),
    )


def _alert(  # noqa: PLR0913, PLR0917 - an alert in short, for five samples
    rule: tuple[str, str],
    level: Level,
    subject: Subject,
    summary: str,
    evidence: dict[str, Any],
    why: tuple[str, ...],
    runbook: tuple[str, ...],
) -> Alert:
    name, title = rule
    ids = ("4DQ6ZKXWJ5FRTHKJ5VQXKJ2XAE", "ZT7QKH2GQZGJ3IO5FJW3EMVXPY")
    return Alert(
        id=alert_id(name, subject, ids),
        rule=RuleRef("8a3c7a1e-2b76-4b54-8f2c-9f3f4d1a0004", name, title),
        level=level,
        score=level.rank * 20 + 13,
        status=Status.OPEN,
        reason=Reason.FIRST_SEEN,
        subject=subject,
        time=_WHEN,
        first_time=_WHEN - timedelta(minutes=61),
        detected_at=_WHEN + timedelta(seconds=40),
        event_ids=ids,
        count=len(ids),
        summary=summary,
        evidence=evidence,
        why=why,
        suppressed_by=None,
        incident_id=None,
        tags=("attack.t1078",),
        account="acme",
        runbook=runbook,
    )
