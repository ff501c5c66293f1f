"""Which audit actions and item usages matter how much: the consequence, not the clock.

From shared/audit-actions.csv: pairs confirmed by public rules, samples or help pages, and the
privileged core named there.
"""

from __future__ import annotations

from typing import Final

from detector.findings import Level

_HIGH: Final = {
    "sso": "enblsso disblsso chngpsso chngasso chngdsso addgsso delgsso",
    "account": "disblmfa updatfw disblduo updatduo updatmfa uisas uvrfydmn dvrfydmn delete convert updatea",
    "vault": "export purge",
    "user": "beginr completr reactive upguest delete",
    "satoken": "create",
    "sa": "create delete",
    "report": "export",
    "itemhist": "delete purge",
    "items": "purge",
    "sub": "cancel",
    "mngdacc": "create unlink launchi",
    "ec": "complete",
}
_MEDIUM: Final = {
    "user": "suspend disblmfa create convert dealldev changesk",
    "gm": "join role",
    "uva": "grant update",
    "gva": "grant update",
    "vault": "delete",
    "group": "update updatea delete",
    "satoken": "tverify trevoke",
    "invite": "create",
    "cred": "create",
    "account": "enblmfa enblduo vrfydmn update",
    "slackapp": "create",
    "sa": "update",
    "report": "delete",
}


def _pairs(table: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((action, kind) for kind, words in table.items() for action in words.split())


SENSITIVE: Final = _pairs(_HIGH)
"""(action, object type) of changes that weaken the account or take secrets out of it."""

PRIVILEGED: Final = SENSITIVE | _pairs(_MEDIUM)
"""(action, object type) of every privileged change."""


def level_of(action: str | None, object_type: str | None) -> Level:
    """How bad an audit action is in the wrong hands.

    >>> level_of("export", "vault"), level_of("join", "gm"), level_of("view", "report")
    (<Level.HIGH: 'high'>, <Level.MEDIUM: 'medium'>, <Level.LOW: 'low'>)
    """
    pair = (action or "", object_type or "")
    if pair in SENSITIVE:
        return Level.HIGH
    return Level.MEDIUM if pair in PRIVILEGED else Level.LOW
