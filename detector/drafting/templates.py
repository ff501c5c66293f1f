"""A rule file of each kind to begin with: it loads, and its tests come true."""

from __future__ import annotations

from typing import Final

from detector.drafting.scalars import scalar

HEAD: Final = """\
# yaml-language-server: $schema=rule.schema.json
title: {title}
id: {id}
status: test                # the rule runs, but reaches only the digest; 'stable' when it is proven
level: low
description: {description}
falsepositives:
    - Write here what is harmless and looks the same
"""
_DETECTION: Final = """\
logsource: {product: onepassword, service: auditevents}
detection:
    selection:
        object_type: vault
        action: export
    condition: selection
alert:
    runbook:
        - Ask the person, not by e-mail, whether it was theirs.
tests:
    - name: a vault is exported
      events:
          - {at: 0h, feed: auditevents, user: ana, object_type: vault, action: export}
      expect: {alerts: 1, level: low}
    - name: a vault is renamed
      events:
          - {at: 0h, feed: auditevents, user: ana, object_type: vault, action: update}
      expect: {alerts: 0}
    - name: a report is exported, which is another matter
      look-alike: true
      events:
          - {at: 0h, feed: auditevents, user: ana, object_type: report, action: export}
      expect: {alerts: 0}
"""
_CORRELATION: Final = """\
correlation:
    type: event_count
    rules: [op_signin_failed]
    group-by: [user.email]
    timespan: 10m
    condition: {gte: 5}
alert:
    runbook:
        - Ask the person, not by e-mail, whether it was theirs.
tests:
    - name: five failures in five minutes
      events:
          - {at: 9h, times: 5, every: 1m, use: op_signin_failed, user: ana}
      expect: {alerts: 1, level: low}
    - name: one failure
      events:
          - {at: 9h, use: op_signin_failed, user: ana}
      expect: {alerts: 0}
    - name: five failures over an hour
      look-alike: true
      events:
          - {at: 9h, times: 5, every: 15m, use: op_signin_failed, user: ana}
      expect: {alerts: 0}
"""
_BEHAVIOR: Final = """\
behavior:
    type: first_seen
    rules: [op_signin_ok]
    group-by: [user.id]
    fields: [source.country]
    learn: {until: 14d or 10 events, remember: 90d}
alert:
    runbook:
        - Ask the person, not by e-mail, whether it was theirs.
tests:
    - name: a sign-in from a country that is new for the person
      learned: true
      people: {ana: {home: London}}
      events:
          - {at: 9h, use: op_signin_ok, user: ana}
          - {at: 3d9h, use: op_signin_ok, user: ana, from: Tokyo}
      expect: {alerts: 1, level: low}
    - name: a sign-in from home
      learned: true
      people: {ana: {home: London}}
      events:
          - {at: 9h, use: op_signin_ok, user: ana}
      expect: {alerts: 0}
    - name: another city of the same country
      look-alike: true
      learned: true
      people: {ana: {home: London}}
      events:
          - {at: 9h, use: op_signin_ok, user: ana}
          - {at: 3d9h, use: op_signin_ok, user: ana, from: Manchester}
      expect: {alerts: 0}
"""
KINDS: Final = {"detection": _DETECTION, "correlation": _CORRELATION, "behavior": _BEHAVIOR}
"""What stands below the head, by the kind of document."""
_TELL: Final = "Write here what happened, and what it may mean, for whoever gets the message."


def of_kind(kind: str, title: str, identity: str) -> str:
    """The text of a new rule file of one of KINDS. `identity` is a UUID nobody has yet."""
    return head(title, identity) + KINDS[kind]


def head(title: str, identity: str) -> str:
    """What every new rule file begins with."""
    return HEAD.format(title=scalar(title), id=identity, description=_TELL)
