"""What went wrong in other systems (shared/behaviours.md 2.5 and 2.6), each as a test of ours.

The names of the tests say what must hold; the comments say which defect it was.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from detector import jobs, kernel, plans
from detector.findings import Level
from detector.networks import NamedNetwork, Networks
from detector.ports import DeliveryError, SourceError
from detector.rule_types.journeys import Point, leg
from detector.sources.onepassword import Budget, OnePassword, Pace, client
from tests import stories
from tests.fakes import Clock, Mailbox, ScriptedSource, close, open_desk, round_, shipped_texts
from tests.stories import at, audit, play, sign_in, usage
from tests.team import learned_engine

START = at("0:00")
THEFT = audit("ann", "lagos", "11:00", deed="export vault")
OFFICE = """
networks:
  - {name: office, kind: office, cidrs: [81.0.0.0/8, '2001:db8::/32']}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[jobs.Desk]:
    opened = open_desk(tmp_path, START)
    yield opened
    close(opened)


def told(desk: jobs.Desk, mailbox: Mailbox, now: datetime) -> int:
    return jobs.tell(round_(desk.store, now), {"mailbox": mailbox})


def at_home(day: int) -> list[stories.Item]:
    return [
        sign_in("ann", "paris", f"{day} 8:00", session=f"S{day}"),
        audit("ann", "paris", f"{day} 8:02", session=f"S{day}"),
        usage("ann", "paris", f"{day} 15:00"),
    ]


def test_what_a_rung_holds_back_is_told_to_nobody(tmp_path: Path) -> None:
    # BuffaLogs 1: filters only labelled alerts; every alerter sent them all the same.
    texts = shipped_texts(networks={"networks.yml": OFFICE})
    desk, mailbox = open_desk(tmp_path, START, texts=texts), Mailbox()
    trip = [sign_in("ann", "paris", "10:00"), sign_in("ann", "tokyo", "11:00")]
    jobs.poll(desk, ScriptedSource(trip), Clock(at("11:01")))
    held = desk.store.counts()["suppressed"]
    sent = told(desk, mailbox, at("11:02"))
    stored = desk.store.alerts()
    close(desk)

    assert held
    assert not [alert for alert in stored if alert.rule.name == "op_impossible_travel"]
    assert sent == len(mailbox.messages) == 0


def test_a_low_alert_that_nobody_was_told_of_can_still_rise() -> None:
    # BuffaLogs 2: an alert under the minimum never raised the risk, so it stayed under it for ever.
    state = learned_engine(with_model=False)
    new_browser = sign_in("ann", "paris", "10:00", client="web", session="S1")
    low = play(state, [new_browser]).of("op_new_device")
    export = audit("ann", "paris", "10:20", session="S1", device="new", deed="export vault")
    high = play(state, [export]).of("op_new_device")

    assert [alert.level for alert in low] == [Level.LOW]
    assert [(alert.id, alert.level) for alert in high] == [(low[0].id, Level.HIGH)]


def test_a_message_that_failed_is_not_marked_as_sent(desk: jobs.Desk) -> None:
    # BuffaLogs 3: the exception was logged and the alert saved as notified.
    mailbox = Mailbox(refuse=1, error=DeliveryError("550 no"))
    jobs.poll(desk, ScriptedSource([THEFT]), Clock(at("11:01")))

    assert told(desk, mailbox, at("11:02")) == 0
    assert "sent" not in {letter.state for letter in desk.store.outbox.listed()}


def test_a_message_that_failed_is_sent_however_much_later(desk: jobs.Desk) -> None:
    # BuffaLogs 4: a failed message was tried again inside one time window only, then lost.
    mailbox = Mailbox(refuse=1)
    jobs.poll(desk, ScriptedSource([THEFT]), Clock(at("11:01")))
    told(desk, mailbox, at("11:02"))

    assert told(desk, mailbox, at("3 11:00")) == len(mailbox.messages) >= 1


def test_what_happened_while_nobody_polled_is_fetched_and_alerts(desk: jobs.Desk) -> None:
    # BuffaLogs 5: after a day without a run the gap was declared lost and skipped.
    source, clock = ScriptedSource(at_home(-1)), Clock(START)
    jobs.poll(desk, source, clock)
    source.add([*at_home(1), THEFT, *at_home(3)])
    clock.time = at("4 9:00")
    polled = jobs.poll(desk, source, clock)

    assert polled.events == 7
    assert "op_vault_exported" in {alert.rule.name for alert in polled.alerts}


def test_a_fetch_that_failed_is_not_counted_as_done(desk: jobs.Desk) -> None:
    # BuffaLogs 6: the window was saved as done before fetching, and an error read as "no events".
    refused = [SourceError("auditevents: 500", permanent=True)] * 10
    source = ScriptedSource([THEFT], answers={"auditevents": refused})
    first = jobs.poll(desk, source, Clock(at("11:01")))
    source.answers = {}
    second = jobs.poll(desk, source, Clock(at("12:01")))

    assert (first.events, second.events) == (0, 1)
    assert first.failures


def test_travel_is_judged_also_for_an_address_that_was_seen_before() -> None:
    # BuffaLogs 7: travel was computed for addresses that were new to the person only.
    state = learned_engine(with_model=False)
    play(state, [sign_in("ann", "tokyo", "10:00")])
    kernel.tick(state, at("12:00"))
    trip = [sign_in("ann", "paris", "2 10:00"), sign_in("ann", "tokyo", "2 11:00")]

    assert play(state, trip).of("op_impossible_travel")


@pytest.mark.parametrize("text", ["198.51.100.77", "::ffff:198.51.100.77", "2001:db8:1::9"])
def test_declared_networks_are_ranges_of_both_kinds_of_address(text: str) -> None:
    # BuffaLogs 8: ranges passed the validation, but were compared as texts; IPv4 only.
    ranges = (ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"))
    networks = Networks((NamedNetwork("office", "office", ranges),))

    assert networks.kind(text) == "office"
    assert networks.kind("203.0.113.7") is None


def test_earlier_places_stay_and_speed_is_never_negative() -> None:
    # BuffaLogs 9: one row for each country was overwritten; a late event gave a negative speed.
    evening = usage("ann", "paris", "20:00")
    trip = [sign_in("ann", place, f"{hour}:00").after(evening) for place, hour in
            (("paris", 9), ("lagos", 11), ("tokyo", 10))]  # fmt: skip
    alert = play(learned_engine(with_model=False), [evening, *trip]).of("op_impossible_travel")[-1]
    points = [
        Point(0, 1, "a", 48.8, 2.3, "FR", None, None, None, None, None, None, None),
        Point(3_600_000_000, 2, "b", 6.5, 3.4, "NG", None, None, None, None, None, None, None),
    ]
    forth, back = leg(*points), leg(*reversed(points))

    assert set(alert.event_ids) == {item.id for item in trip}
    assert forth
    assert back
    assert forth.speed_kmh == back.speed_kmh > 0


def test_one_sign_in_is_one_alert_of_a_rule_however_much_is_new_about_it() -> None:
    # BuffaLogs 10: one sign-in made an alert each for the device, the country and the address.
    heard = play(learned_engine(with_model=False), [sign_in("ann", "lagos", "10:00", client="web")])
    (alert,) = heard.of("op_new_device")

    assert alert.evidence["also_new"] == ["source.country", "source.network"]
    assert len(heard.alerts) == len({alert.rule.name for alert in heard.alerts.values()})


def test_an_api_whose_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    # BuffaLogs 11: the verification of certificates was switched off.
    server = _with_own_certificate(tmp_path)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"https://127.0.0.1:{server.server_port}"
    budget = Budget(1_000_000, monotonic=time.monotonic, sleep=lambda _: None)
    pace = Pace(budget, lambda: START, deadline_s=1.0)
    api = OnePassword("token", pace=pace, base_url=url, http=client(url, read_timeout_s=1.0))
    with pytest.raises(SourceError, match="certificate"):
        api.fetch("auditevents", None, START)
    api.close()
    server.shutdown()
    server.server_close()


class _Answer(BaseHTTPRequestHandler):
    """Answers every question with an empty page, and would be believed without certificates."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"items": [], "cursor": "c", "has_more": false}')


def _with_own_certificate(folder: Path) -> HTTPServer:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "cert.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    server = HTTPServer(("127.0.0.1", 0), _Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


def test_from_event_to_message_is_one_poll_and_one_round_of_telling(desk: jobs.Desk) -> None:
    # BuffaLogs 12: detection and notification ran by the hour, one trailing the other.
    mailbox = Mailbox()
    jobs.poll(desk, ScriptedSource([THEFT]), Clock(at("11:01")))
    told(desk, mailbox, at("11:01"))

    assert "op_vault_exported" in {alert.rule.name for alert in mailbox.alerts}


def test_an_event_is_no_part_of_its_own_baseline() -> None:
    # Sentinel's "anomalous sign-in": the baseline reached up to now, so nothing was ever new.
    first = sign_in("ann", "lagos", "10:00", client="web")
    heard = play(learned_engine(with_model=False), [first])

    assert [alert.event_ids for alert in heard.of("op_new_device")] == [(first.id,)]


@pytest.mark.parametrize(
    ("read_at", "found"),
    [("9:59:50", False), ("10:00:10", True), ("10:04", True), ("11:50", True)],
)
@pytest.mark.parametrize("grant_comes_late", [False, True])
def test_secrets_count_after_the_grant_that_opened_them_and_at_once(
    read_at: str, found: bool, grant_comes_late: bool
) -> None:
    # Sentinel's "secret extraction after access change": the order was not checked, and what was
    # read in the last five minutes was not looked at.
    grant = audit("ann", "paris", "10:00", deed="grant uva", object="vault-of-ben")
    grant.fields["aux_uuid"] = "ANN"
    read = usage("ann", "paris", read_at, action="reveal", vault="vault-of-ben", item="new")
    day = [grant, read] if grant.time < read.time else [read, grant]
    if grant_comes_late:
        day = [read, grant.after(read, minutes=1)]
    alerts = play(learned_engine(with_model=False), day).of("op_self_grant_then_read")

    assert [set(alert.event_ids) for alert in alerts] == [{grant.id, read.id}] * found


def test_the_plan_reads_ranges_of_both_kinds() -> None:
    built = plans.build(shipped_texts(networks={"networks.yml": OFFICE}), START.date())

    assert not built.mistakes
    assert built.plan.networks.kind("2001:db8::1") == "office"
