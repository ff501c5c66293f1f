"""E-mail: encrypted or not at all, each recipient once, every refusal told for what it is."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import ssl
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.delivery.bulletins import Cause, Digest, Kind, Notice
from detector.delivery.incidents import incident_id
from detector.findings import Level
from detector.notifiers.email import Email
from detector.notifiers.mail_server import MailServer
from detector.ports import Attempt, DeliveryError
from detector.rendering import Renderer, overlay, sample_lists
from detector.rendering.samples import impossible_travel, simple_match
from tests.conftest_delivery import Mailbox, MailTrust, mail_server
from tests.dripping import dripping
from tests.fakes import bulletin

SOC = ("soc@example.com", "boss@example.com")
FIRST = Attempt("k")


def test_an_alert_arrives_as_text_and_html(mailbox: Mailbox, renderer: Renderer) -> None:
    receipt = mailer(mailbox, renderer).send(bulletin(impossible_travel()), Attempt("alert.1"))

    [mail] = arrived(mailbox)
    assert mail["Message-ID"] == "<alert.1@example.com>"
    assert receipt.message_id == f"{mail['Message-ID']} {mail['Subject']}"
    assert mail["Subject"] == "High: Impossible travel: Ana Diaz (ana.diaz@acme.example)"
    assert mail["From"] == "Vaultwatch high <vaultwatch@example.com>"
    assert mail["To"] == "soc@example.com, boss@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] == f"<{incident_id(impossible_travel())}@example.com>"
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "multipart/related"]
    text = mail.get_body(("plain",))
    assert text is not None
    assert (
        text.get_content().replace("\r\n", "\n")
        == renderer.email(bulletin(impossible_travel())).text
    )


def test_the_picture_lies_in_the_mail_and_the_html_shows_it(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    mailer(mailbox, renderer).send(bulletin(impossible_travel()), Attempt("k"))

    [mail] = arrived(mailbox)
    [shown] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    html = mail.get_body(("html",))
    assert html is not None
    assert f'src="cid:{shown["Content-ID"].strip("<>")}"' in html.get_content()
    assert 'alt="Map: Toronto, CA to Lagos, NG, 9,041 km in 61 minutes"' in html.get_content()
    assert shown.get_content()[:4] == b"\x89PNG"


def test_a_mail_that_is_too_large_goes_without_its_picture(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    mailbox.largest = 15_000
    mailer(mailbox, renderer).send(bulletin(impossible_travel()), Attempt("k"))
    [mail] = arrived(mailbox)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_what_follows_is_threaded_under_the_first_mail(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    mail = mailer(mailbox, renderer)
    first = mail.send(bulletin(simple_match()), Attempt("inc.1"))
    worst = dataclasses.replace(impossible_travel(), level=Level.CRITICAL)
    told = dataclasses.replace(bulletin(worst).incident, id=bulletin(simple_match()).incident.id)
    worse = bulletin(worst, kind=Kind.ALARM, cause=Cause.LEVEL_RAISED, head=first)
    mail.send(dataclasses.replace(worse, incident=told), Attempt("inc.2"))

    opened, second = arrived(mailbox)
    assert second["In-Reply-To"] == opened["Message-ID"]
    assert second["References"] == f"{opened['References']} {opened['Message-ID']}"
    assert second["Subject"] == f"Re: {opened['Subject']}"
    assert second["From"].startswith("Vaultwatch critical <")
    assert "critical" in second.get_body(("plain",)).get_content().lower()  # type: ignore[union-attr]


@pytest.mark.parametrize("message", sample_lists(), ids=lambda each: each.id)
def test_a_digest_and_a_notice_arrive_as_text_and_html(
    mailbox: Mailbox, renderer: Renderer, message: Digest | Notice
) -> None:
    mailer(mailbox, renderer).send(message, Attempt(message.id))
    [mail] = arrived(mailbox)
    assert mail["Subject"] == f"Low: {message.title}"
    for part in mail.iter_parts():
        assert message.title.lower() in part.get_content().lower()


def test_addresses_are_checked_when_they_are_configured(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        Email(mailbox.server(), renderer, to=("josé@example.com",))


def test_a_repeat_has_the_same_message_id(mailbox: Mailbox, renderer: Renderer) -> None:
    mailer(mailbox, renderer).send(bulletin(simple_match()), Attempt("any key / at all"))
    mailer(mailbox, renderer).send(
        bulletin(simple_match()), Attempt("any key / at all", again=True)
    )
    first, second = arrived(mailbox)
    assert first["Message-ID"] == second["Message-ID"]


def test_a_server_without_starttls_gets_nothing(renderer: Renderer, mail_trust: MailTrust) -> None:
    with mail_server(mail_trust) as box:
        assert failure(mailer(box, renderer)).parked
        assert box.received == []


def test_on_this_machine_mail_may_go_in_the_open(renderer: Renderer, mail_trust: MailTrust) -> None:
    with mail_server(mail_trust) as box:
        mailer(box, renderer, tls="none", user=None).send(bulletin(simple_match()), Attempt("k"))
        assert len(box.received) == 1


def test_implicit_tls_is_spoken_from_the_first_byte(
    renderer: Renderer, mail_trust: MailTrust
) -> None:
    with mail_server(mail_trust, ssl_context=mail_trust.server) as box:
        mailer(box, renderer, tls="implicit", user=None).send(
            bulletin(simple_match()), Attempt("k")
        )
        assert len(box.received) == 1


def test_mail_in_the_open_only_on_this_machine() -> None:
    for host in ("localhost", "127.0.0.2", "::1"):
        assert MailServer(host, tls="none").tls == "none"
    for host in ("mail.example.com", "10.0.0.1", "localhost.evil.example"):
        with pytest.raises(ValueError, match="without TLS"):
            MailServer(host, tls="none")


def test_a_certificate_that_nobody_knows_is_refused(mailbox: Mailbox, renderer: Renderer) -> None:
    error = failure(mailer(mailbox, renderer, trust=ssl.create_default_context()))
    assert error.parked
    assert mailbox.received == []


def test_a_wrong_password_parks_the_destination(mailbox: Mailbox, renderer: Renderer) -> None:
    error = failure(mailer(mailbox, renderer, password="hunter2"))
    assert error.parked
    assert "535" in str(error)
    assert "hunter2" not in str(error) + repr(mailbox.server(password="hunter2"))


def test_a_refused_recipient_is_told_and_the_others_have_it(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    told: list[str] = []
    mailbox.refusals["boss@example.com"] = "550 nobody here"
    Email(mailbox.server(), renderer, to=SOC, notice=told.append).send(
        bulletin(simple_match()), Attempt("k")
    )
    assert mailbox.received[0].rcpt_tos == ["soc@example.com"]
    assert told == ["email: boss@example.com refused: 550 nobody here"]


def test_a_recipient_who_is_busy_gets_it_later_and_the_others_once(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    mailbox.refusals["boss@example.com"] = "451 later please"
    error = failure(mailer(mailbox, renderer))
    assert (error.permanent, error.parked, error.ambiguous) == (False, False, False)
    assert error.served == {"soc@example.com"}

    later = Attempt("k", again=True, served=error.served)
    error = failure(mailer(mailbox, renderer), later)
    assert error.served == {"soc@example.com"}, "who has it is not forgotten"

    mailbox.refusals.clear()
    mailer(mailbox, renderer).send(bulletin(simple_match()), later)
    assert [envelope.rcpt_tos for envelope in mailbox.received] == [
        ["soc@example.com"],
        ["boss@example.com"],
    ]


def test_when_the_rest_will_never_get_it_the_mail_is_sent(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    mailbox.refusals["boss@example.com"] = "550 nobody here"
    attempt = Attempt("k", again=True, served=frozenset({"soc@example.com"}))
    mailer(mailbox, renderer).send(bulletin(simple_match()), attempt)
    assert mailbox.received == []


def test_nobody_has_a_mail_whose_server_hangs_up_between_two_recipients(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    mailbox.refusals["boss@example.com"] = "421 closing"
    error = failure(mailer(mailbox, renderer))
    assert error.served == set()
    assert (error.permanent, mailbox.received) == (False, [])


def test_when_nobody_is_there_trying_again_does_not_help(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    mailbox.refusals.update(dict.fromkeys(SOC, "550 nobody here"))
    assert failure(mailer(mailbox, renderer)).permanent


@pytest.mark.parametrize(
    ("answer", "permanent"), [("451 greylisted", False), ("554 looks like spam", True)]
)
def test_a_refused_message_may_be_taken_later_or_never(
    mailbox: Mailbox, renderer: Renderer, answer: str, permanent: bool
) -> None:
    mailbox.data_answer = answer
    assert failure(mailer(mailbox, renderer)).permanent is permanent


def test_a_sender_that_is_refused_is_not_the_fault_of_the_message(
    mailbox: Mailbox, renderer: Renderer
) -> None:
    mailbox.sender_answer = "550 not from you"
    error = failure(mailer(mailbox, renderer))
    assert (error.permanent, error.parked) == (False, True)


def test_a_server_that_sends_everybody_away_parks_the_destination(renderer: Renderer) -> None:
    with dripping(b"554 no service here\r\n") as port:
        error = failure(Email(MailServer("127.0.0.1", port), renderer, to=SOC))
    assert (error.permanent, error.parked) == (False, True)


def test_a_line_cut_after_the_data_may_have_delivered(mailbox: Mailbox, renderer: Renderer) -> None:
    mailbox.cuts_after_data = True
    error = failure(mailer(mailbox, renderer))
    assert error.ambiguous
    assert len(mailbox.received) == 1


def test_nobody_listening_is_not_ambiguous(mailbox: Mailbox, renderer: Renderer) -> None:
    server = dataclasses.replace(mailbox.server(), port=1)
    error = failure(Email(server, renderer, to=SOC))
    assert (error.permanent, error.parked, error.ambiguous) == (False, False, False)


def test_a_broken_template_does_not_hold_an_alert_back(
    mailbox: Mailbox, templates: dict[str, str]
) -> None:
    told: list[str] = []
    broken = Renderer(overlay(templates, {"email.txt.j2": "{{ nobody }}"}))
    Email(mailbox.server(), broken, to=SOC, notice=told.append).send(
        bulletin(simple_match()), Attempt("k")
    )
    [mail] = arrived(mailbox)
    assert simple_match().summary in mail.get_content()
    assert told == ["email: sent as plain text: email.txt.j2:1: 'nobody' is undefined"]


header = st.text(max_size=20) | st.sampled_from(
    ["\r\nBcc: evil@example.com", "\nSubject: x\n\nbody", "=?utf-8?q?=0ABcc?="]
)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=header, name=header, address=header, key=header)
def test_no_event_writes_a_header(
    mailbox: Mailbox, renderer: Renderer, said: str, name: str, address: str, key: str
) -> None:
    alert = simple_match()
    alert = dataclasses.replace(
        alert,
        id=said,
        rule=dataclasses.replace(alert.rule, title=said),
        subject=dataclasses.replace(alert.subject, name=name, email=address),
    )
    mailer(mailbox, renderer).send(bulletin(alert), Attempt(key or "k"))
    mail = arrived(mailbox)[-1]
    assert sorted(set(mail.keys())) == sorted(mail.keys())
    assert "Bcc" not in mail
    assert mailbox.received[-1].rcpt_tos == list(SOC)


def mailer(mailbox: Mailbox, renderer: Renderer, **fields: Any) -> Email:
    """The notifier, pointed at the mailbox."""
    return Email(mailbox.server(**fields), renderer, to=SOC)


def arrived(mailbox: Mailbox) -> list[EmailMessage]:
    """The mails that the server kept."""
    contents = [envelope.content for envelope in mailbox.received]
    return [
        email.message_from_bytes(content, policy=email.policy.default)
        for content in contents
        if isinstance(content, bytes)
    ]


def failure(mail: Email, attempt: Attempt = FIRST) -> DeliveryError:
    """How sending an alert fails."""
    with pytest.raises(DeliveryError) as caught:
        mail.send(bulletin(simple_match()), attempt)
    return caught.value
