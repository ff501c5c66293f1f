"""The words that 1Password sends and that rules are written in, as far as they are known.

The lists of the API are open: a word that is not here is no mistake, only worth a hint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from detector import events

PRODUCT: Final = "onepassword"

PSEUDO_FIELDS: Final = (
    "device.id",
    "source.network",
    "hour",
    "client.fingerprint",
)
"""What behaviours may name beside the columns: made by the engine, not sent by 1Password."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _deeds(text: str) -> Mapping[str, frozenset[str]]:
    """A table of `kind: action action`; a kind's actions end where the next kind begins."""
    found: dict[str, set[str]] = {}
    kind = ""
    for word in text.split():
        if word.endswith(":"):
            kind = word[:-1]
        else:
            found.setdefault(kind, set()).add(word)
    return {kind: frozenset(actions) for kind, actions in found.items()}


DEEDS: Final = _deeds(
    """
    account: activate convert delete disblduo disblmfa dvrfydmn enblduo enblmfa prsndall uisas
        updatduo update updatea updatfw updatmfa uvrfydmn vrfydmn
    card: create delete update
    cred: create delete update
    device: create delete reauth update
    dlgdsess: create dlgsess
    ec: begin cancel complete delete propose
    famchild: create delete detchild rdmchild
    file: create delete
    gm: join leave role
    group: changeks create delete purge replace update updatea
    gva: grant revoke update
    invite: cancel create delete expire update
    item: create delete delshare patch share update
    itemhist: delete purge
    items: delete patch purge
    miguser: create musercom muserdec
    mngdacc: create launchi unlink
    pm: create delete update
    report: create delete export view
    sa: create delete suspend update
    satoken: create expire trename trevoke tverify
    slackapp: create delete update
    sso: addgsso chngasso chngdsso chngpsso delgsso disblsso enblsso
    ssotkn: create delete revoke ssotknv
    sub: cancel create patch update
    template: create delete hide unhide update
    user: activate beginr cancelr changeks changela changemp changenm changesk completr convert
        create dealldev delete deolddev disblmfa enblmfa join provsn reactive resendts sdvcsso
        sendpkg sendts suspend tdvcsso trvlaway trvlback update updatmfa upguest verify
    uva: grant revoke update
    vault: create delete export purge update updatea
    vaultkey: create replace
    """
)
"""The actions of audit events by the type of their object, as 1Password documents them."""
AUDIT_ACTIONS: Final = frozenset({"unknown"}).union(*DEEDS.values())
OBJECT_TYPES: Final = frozenset(DEEDS)
CATEGORIES: Final = _words(
    """
    success credentials_failed mfa_failed sso_failed modern_version_failed firewall_failed
    firewall_reported_success
    """
)
SIGNIN_TYPES: Final = _words(
    """
    all_blocked anonymous_blocked code_bad code_disabled code_timeout continent_blocked
    country_blocked credentials_ok duo_bad duo_disabled duo_native_bad duo_timeout federated
    ip_blocked mfa_missing mfa_ok modern_version_missing modern_version_old non_sso_user
    password_secret_bad platform_secret_bad platform_secret_disabled platform_secret_proxy
    service_account_sso_denied sso_user_mismatch totp_bad totp_disabled totp_timeout u2f_bad
    u2f_disabled u2f_timeout u2f_timout
    """
)
USAGE_ACTIONS: Final = _words(
    """
    enter-item-edit-mode export fill other reveal secure-copy select-sso-provider server-create
    server-fetch server-update share
    """
)
USER_TYPES: Final = frozenset({"user", "external_user"})

WORDS: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    (events.AUDIT, "event.action"): AUDIT_ACTIONS,
    (events.AUDIT, "object.type"): OBJECT_TYPES,
    (events.SIGNIN, "event.category"): CATEGORIES,
    (events.SIGNIN, "event.type"): SIGNIN_TYPES,
    (events.USAGE, "event.action"): USAGE_ACTIONS,
    **{(feed, "user.type"): USER_TYPES for feed in events.FEEDS},
    **{(feed, "event.feed"): frozenset(events.FEEDS) for feed in events.FEEDS},
}
"""The known values of the columns that have a list of them, by feed and column."""

SIGMA_KEYS: Final = _words(
    """
    title id related name taxonomy status description license references author date modified
    fields falsepositives level tags scope simulation regression_tests_path base
    """
)
"""The keys that every kind of document may have."""
KIND_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "detection": frozenset(
        {"detection", "logsource", "timezone", "alert", "tests", "example-lists"}
    ),
    "filter": frozenset({"filter", "logsource", "timezone", "expires"}),
    "behavior": frozenset({"behavior", "alert", "tests"}),
    "correlation": frozenset({"correlation", "alert", "tests"}),
}
"""The key that makes a document what it is, and the further keys of that kind."""
PACK: Final = "rules/"
"""How the names of shipped texts begin; a user's own never do."""
STATUSES: Final = ("stable", "test", "experimental", "deprecated", "unsupported")
