"""E-mail: one message to each recipient, over a connection that is never in the open."""

from __future__ import annotations

import hashlib
import re
import smtplib
from collections.abc import Callable, Iterator
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from detector.delivery.bulletins import Bulletin, Digest
from detector.findings import Level
from detector.notifiers.email_errors import TOO_LARGE, Refusals, classified
from detector.notifiers.mail_server import MailServer
from detector.pictures import Picture, picture
from detector.ports import Attempt, Message, Receipt
from detector.rendering import PICTURE, Mail, Renderer, TemplateError, paragraphs

_PLAIN_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._-]{1,128}@[A-Za-z0-9.-]{1,255}>")
_AGAIN: Final = "Re: "
_CLOSING: Final = 421


class TooLarge(Exception):
    """The server does not take so large a mail; without its picture it may."""


class Email:
    """A list of recipients, each of whom gets a message once as far as the server says so.

    `notice` is told what went wrong although the message was sent, as a refused recipient.
    """

    edits = False

    def __init__(  # noqa: PLR0913 - what a mail needs, by name
        self,
        server: MailServer,
        renderer: Renderer,
        *,
        to: tuple[str, ...],
        sender: str = "",
        name: str = "email",
        notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        if not all(address.isascii() for address in (*to, sender)):
            raise ValueError("mail: addresses beyond ASCII are not supported")
        self.name = name
        self._server = server
        self._renderer = renderer
        self._to = to
        self._sender = sender or f"vaultwatch@{to[0].rsplit('@', 1)[-1]}"
        self._domain = self._sender.rstrip(">").rsplit("@", 1)[-1]
        self._notice = notice

    def send(self, message: Message, attempt: Attempt) -> Receipt:
        """Send to whoever has not got it yet. A repeat has the same Message-ID and folds."""
        shown = _picture(message, self._notice)
        letter = self._letter(message, attempt.key, shown)
        waiting = [address for address in self._to if address not in attempt.served]
        if waiting:
            self._deliver(message, attempt, letter, waiting)
        return Receipt(f"{letter['Message-ID']} {letter['Subject']}")

    def _deliver(
        self, message: Message, attempt: Attempt, letter: EmailMessage, waiting: list[str]
    ) -> None:
        """Hand it in for those who wait. Raises DeliveryError."""
        with self._server.connect(self._domain) as smtp:
            try:
                refused = _hand_in(smtp, letter, waiting)
            except TooLarge:
                smtp.rset()
                refused = _hand_in(smtp, self._letter(message, attempt.key, None), waiting)
        refusals = Refusals.of(refused)
        for line in refusals.permanent_lines:
            self._notice(f"{self.name}: {line}")
        served = attempt.served.union(waiting) - refused.keys()
        refusals.raise_if_undelivered(served)

    def _letter(self, message: Message, key: str, shown: Picture | None) -> EmailMessage:
        mail = self._mail(message, shown)
        letter = EmailMessage()
        letter["Subject"] = _subject(message, mail)
        letter["From"] = self._from(message)
        letter["To"] = ", ".join(self._to)
        letter["Date"] = _date(message)
        letter["Message-ID"] = f"<{_local_part(key)}@{self._domain}>"
        for name, value in self._thread(message):
            letter[name] = value
        letter["Auto-Submitted"] = "auto-generated"
        letter["X-Auto-Response-Suppress"] = "All"
        letter.set_content(mail.text, cte="quoted-printable")
        if mail.html:
            letter.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        if mail.html and shown is not None and PICTURE in mail.html:
            _add_picture(letter, shown)
        return letter

    def _thread(self, message: Message) -> Iterator[tuple[str, str]]:
        """The headers by which mail programs put the mails of one incident together."""
        root = f"<{_local_part(_about(message))}@{self._domain}>"
        first, _ = _first(message)
        if first:
            yield "In-Reply-To", first
            yield "References", f"{root} {first}"
        else:
            yield "References", root

    def _mail(self, message: Message, shown: Picture | None) -> Mail:
        try:
            return self._renderer.email(message, picture=shown.alt if shown else "")
        except TemplateError as problem:
            self._notice(f"{self.name}: sent as plain text: {problem}")
        said = paragraphs(message)
        return Mail(said[0][:150], "\n".join(said) + "\n", "")

    def _from(self, message: Message) -> str | Address:
        """The level stands here too: the subject stays as it was, so that a thread stays one."""
        if "<" in self._sender:
            return self._sender
        level = message.incident.level if isinstance(message, Bulletin) else message.level
        name = f"Vaultwatch {level}" if level.rank >= Level.HIGH.rank else "Vaultwatch"
        return Address(name, addr_spec=self._sender)


def _first(message: Message) -> tuple[str, str]:
    """Message-ID and subject of the first mail about the same thing; empty if this is the first."""
    head = getattr(message, "head", None)
    named, _, subject = (
        head.message_id.partition(" ") if isinstance(head, Receipt) else ("", "", "")
    )
    return (named, subject) if _MESSAGE_ID.fullmatch(named) else ("", "")


def _subject(message: Message, mail: Mail) -> str:
    """The subject of the thread: mail programs that find another one begin another thread."""
    _, subject = _first(message)
    return _AGAIN + subject if subject else mail.subject


def _about(message: Message) -> str:
    return message.incident.id if isinstance(message, Bulletin) else message.id


def _date(message: Message) -> datetime:
    if isinstance(message, Bulletin):
        return message.incident.worst.detected_at
    return message.until if isinstance(message, Digest) else message.at


def _picture(message: Message, notice: Callable[[str], None]) -> Picture | None:
    """The picture of the alert that speaks for an incident; a failure leaves it out."""
    if not isinstance(message, Bulletin):
        return None
    try:
        return picture(message.incident.worst)
    except Exception as error:
        notice(f"picture left out: {type(error).__name__}: {error}")
        return None


def _add_picture(letter: EmailMessage, shown: Picture) -> None:
    """Put the picture beside the HTML that shows it."""
    html = letter.get_body(("html",))
    assert isinstance(html, EmailMessage)
    content_id = f"<{PICTURE.removeprefix('cid:')}>"
    html.add_related(
        shown.png, "image", "png", cid=content_id, filename=shown.name, disposition="inline"
    )


def _hand_in(
    smtp: smtplib.SMTP, message: EmailMessage, to: list[str]
) -> dict[str, tuple[int, bytes]]:
    """Whom the server refused; nobody, if all is well."""
    try:
        # Not `send_message`: it writes `>From` where a line begins with that word.
        sender = message["From"].addresses[0].addr_spec
        return smtp.sendmail(sender, to, message.as_bytes(policy=SMTP))
    except smtplib.SMTPRecipientsRefused as error:
        # Nobody has it, those neither who were not asked because the server hung up before.
        return dict.fromkeys(to, (_CLOSING, b"the server closed the connection")) | error.recipients
    except smtplib.SMTPResponseException as error:
        if error.smtp_code == TOO_LARGE and any(
            part.get_content_maintype() == "image" for part in message.walk()
        ):
            raise TooLarge from error
        raise classified(error, sending=True) from error
    except (OSError, smtplib.SMTPException) as error:
        raise classified(error, sending=True) from error


def _local_part(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()[:32]
