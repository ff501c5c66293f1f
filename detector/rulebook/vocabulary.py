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


AUDIT_ACTIONS: Final = _words(
    """
    activate addgsso begin beginr cancel cancelr changeks changela changemp changenm changesk
    chngasso chngdsso chngpsso complete completr convert create dealldev delete delgsso delshare
    deolddev detchild disblduo disblmfa disblsso dlgsess dvrfydmn enblduo enblmfa enblsso expire
    export grant hide join launchi leave musercom muserdec patch propose provsn prsndall purge
    rdmchild reactive reauth replace resendts revoke role sdvcsso sendpkg sendts share ssotknv
    suspend tdvcsso trename trevoke trvlaway trvlback tverify uisas unhide unknown unlink
    updatduo update updatea updatfw updatmfa upguest uvrfydmn verify view vrfydmn
    """
)
OBJECT_TYPES: Final = _words(
    """
    account card cred device dlgdsess ec famchild file gm group gva invite item itemhist items
    miguser mngdacc pm report sa satoken slackapp sso ssotkn sub template user uva vault
    vaultkey
    """
)
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
