"""The server that mail is handed in to, and a connection to it that is never in the open."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from detector.notifiers.email_errors import classified
from detector.notifiers.loopback import is_loopback

Tls = Literal["starttls", "implicit", "none"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. Without TLS only on this machine, and only if asked for."""

    host: str
    port: int = 587
    tls: Tls = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 10
    trust: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse to send in the open to anywhere else. Raises ValueError."""
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(
                f"mail to {self.host} without TLS: only a loopback host may be used so"
            )

    @contextmanager
    def connect(self, helo: str) -> Iterator[smtplib.SMTP]:
        """A connection that is encrypted and signed in. Raises DeliveryError."""
        try:
            smtp = self._open(helo)
        except (OSError, smtplib.SMTPException) as error:
            raise classified(error, sending=False) from error
        try:
            yield smtp
        finally:
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()

    def _open(self, helo: str) -> smtplib.SMTP:
        trust = self.trust or ssl.create_default_context()
        if self.tls == "implicit":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, local_hostname=helo, timeout=self.timeout_s, context=trust
            )
        else:
            smtp = smtplib.SMTP(self.host, self.port, local_hostname=helo, timeout=self.timeout_s)
        try:
            if self.tls == "starttls":
                smtp.starttls(context=trust)
            if self.user is not None:
                smtp.login(self.user, self.password or "")
        except BaseException:
            smtp.close()
            raise
        return smtp
