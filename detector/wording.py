"""Audit actions and usages in words, for sentences that people read."""

from __future__ import annotations

from typing import Final

DEEDS: Final = {
    ("reveal", ""): "revealing an item",
    ("secure-copy", ""): "copying a secret",
    ("export", ""): "exporting an item",
    ("fill", ""): "filling in a login",
    ("share", ""): "sharing an item",
    ("success", ""): "signing in",
    ("join", "gm"): "adding a person to a group",
    ("role", "gm"): "changing a role in a group",
    ("leave", "gm"): "removing a person from a group",
    ("grant", "uva"): "giving a person access to a vault",
    ("update", "uva"): "changing a person's access to a vault",
    ("revoke", "uva"): "taking a person's access to a vault",
    ("grant", "gva"): "giving a group access to a vault",
    ("update", "gva"): "changing a group's access to a vault",
    ("export", "vault"): "exporting a vault",
    ("delete", "vault"): "deleting a vault",
    ("create", "vault"): "creating a vault",
    ("suspend", "user"): "suspending a person",
    ("reactive", "user"): "reactivating a person",
    ("delete", "user"): "deleting a person",
    ("beginr", "user"): "starting an account recovery",
    ("completr", "user"): "completing an account recovery",
    ("upguest", "user"): "upgrading a guest",
    ("disblmfa", "account"): "switching off two-factor authentication for everybody",
    ("updatfw", "account"): "changing the firewall rules",
    ("uisas", "account"): "changing the item-sharing policy",
    ("enblsso", "sso"): "switching on single sign-on",
    ("disblsso", "sso"): "switching off single sign-on",
    ("chngpsso", "sso"): "changing the single sign-on policy",
    ("chngasso", "sso"): "changing the single sign-on set-up",
    ("chngdsso", "sso"): "changing the single sign-on directory",
    ("create", "sa"): "creating a service account",
    ("create", "satoken"): "creating an access token",
    ("trevoke", "satoken"): "revoking an access token",
    ("create", "invite"): "inviting a person",
    ("create", "device"): "authorising a device",
    ("create", "cred"): "adding a passkey",
    ("export", "report"): "exporting a report",
    ("view", "report"): "viewing a report",
    ("changemp", "user"): "changing the account password",
    ("changesk", "user"): "replacing the Secret Key",
}
"""(action, object type) in words; usages have no object type."""


def deed(action: str | None, object_type: str | None) -> str:
    """An action in words, in its own code if there are none.

    >>> deed("export", "vault"), deed("ssotknv", "ssotkn")
    ('exporting a vault', "'ssotknv ssotkn'")
    """
    words = DEEDS.get((action or "", object_type or ""))
    return words or f"'{' '.join(part for part in (action, object_type) if part)}'"
