"""Where a Slack message is: its channel and its timestamp, which are also its receipt."""

from __future__ import annotations

from dataclasses import dataclass

from detector.ports import Receipt


@dataclass(frozen=True, slots=True)
class Place:
    """A message's channel (empty: the configured one) and its `ts`."""

    channel: str
    ts: str

    @classmethod
    def of(cls, receipt: Receipt) -> Place:
        """The place that a receipt names.

        >>> Place.of(Receipt("C1:17.5")), Place.of(Receipt("17.5"))
        (Place(channel='C1', ts='17.5'), Place(channel='', ts='17.5'))
        """
        channel, _, ts = receipt.message_id.rpartition(":")
        return cls(channel, ts)

    @property
    def receipt(self) -> Receipt:
        """The receipt that names this place: edits go there even if the configuration changes."""
        return Receipt(f"{self.channel}:{self.ts}")
