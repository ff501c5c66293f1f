"""Every kind of request, and how one travels: a JSON object there, a JSON object back."""

from __future__ import annotations

from typing import Any, Final, Union

import msgspec

from detector.changes.alerts import Act
from detector.changes.base import ChangeRefused, Office, Request
from detector.changes.facts import Correct
from detector.changes.forgetting import Forget
from detector.changes.models import Adopt, Train
from detector.changes.outbox import Retry
from detector.changes.reloading import Reload
from detector.store.sqlite import StoreError

KINDS: Final[tuple[type[Request], ...]] = (Act, Retry, Train, Adopt, Correct, Forget, Reload)

_requests: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(Union[KINDS])  # noqa: UP007


class _Answer(msgspec.Struct):
    """What came of a request: the refusal in words, or what was done."""

    refusal: str | None = None
    done: dict[str, Any] = {}


def write(request: Request) -> bytes:
    """The request as it travels."""
    return msgspec.json.encode(request)


def answer(office: Office, body: bytes) -> bytes:
    """Carry out the request that came as `body`; the answer as it travels."""
    try:
        request: Request = _requests.decode(body)
        found = _Answer(done=request.carry_out(office))
    except msgspec.DecodeError as error:
        found = _Answer(f"the running service does not know this request ({error}); restart it")
    except (ChangeRefused, StoreError) as error:
        found = _Answer(str(error))
    return msgspec.json.encode(found)


def read(body: bytes) -> dict[str, Any]:
    """What was done, from the answer as it travelled. Raises ChangeRefused."""
    try:
        found = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError as error:
        msg = "the service went away before it answered; see whether the change is there"
        raise ChangeRefused(msg) from error
    if found.refusal is not None:
        raise ChangeRefused(found.refusal)
    return found.done
