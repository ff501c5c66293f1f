"""What a failure of a mail server means: later, perhaps arrived, never, or not set up."""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from detector.ports import DeliveryError

TOO_LARGE: Final = 552
_SIGN_IN: Final = frozenset({530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class Refusals:
    """The recipients that the server did not take, and whether it may later."""

    later: dict[str, str]
    never: dict[str, str]

    @classmethod
    def of(cls, refused: dict[str, tuple[int, bytes]]) -> Refusals:
        """Sort the server's answers: 4xx may work later, 5xx will not."""
        said = {
            address: f"{address} refused: {_line(*answer)}" for address, answer in refused.items()
        }
        later = {address: said[address] for address, (code, _text) in refused.items() if code < 500}
        never = {address: text for address, text in said.items() if address not in later}
        return cls(later, never)

    @property
    def permanent_lines(self) -> list[str]:
        """One line for each recipient that will never get this mail."""
        return list(self.never.values())

    def raise_if_undelivered(self, served: frozenset[str]) -> None:
        """Raise DeliveryError unless everyone who can get the mail is among those who have it."""
        if self.later:
            raise DeliveryError("mail: " + "; ".join(self.later.values()), served=served)
        if not served:
            raise DeliveryError("mail: " + "; ".join(self.never.values()), permanent=True)


def classified(error: Exception, *, sending: bool) -> DeliveryError:
    """Classify a failure; while `sending`, a lost connection may have delivered."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(error, sending=sending)
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError):
        return DeliveryError(f"mail: {_reason(error)}", parked=not sending, permanent=sending)
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return DeliveryError(f"mail: not reached: {type(error).__name__}")
    return DeliveryError(f"mail: connection lost: {type(error).__name__}", ambiguous=sending)


def _answered(error: smtplib.SMTPResponseException, *, sending: bool) -> DeliveryError:
    """Only what is said of the message itself is its fault: 5xx to its text or its size."""
    said, is_never = f"mail: {_line(error.smtp_code, error.smtp_error)}", error.smtp_code >= 500
    is_sender = isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code != TOO_LARGE
    if error.smtp_code in _SIGN_IN or (is_never and (is_sender or not sending)):
        return DeliveryError(said, parked=True)
    return DeliveryError(said, permanent=is_never)


def _reason(error: Exception) -> str:
    return error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)


def _line(code: int, text: bytes | str) -> str:
    """The server's answer as one short, printable line."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    shown = "".join(c if c.isprintable() else " " for c in words)
    return f"{code} {' '.join(shown.split())}"[:200]
