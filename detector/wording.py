"""What events show, in words: for sentences that people read."""

from __future__ import annotations

from typing import Final

from detector import geo

OWN: Final = ":self"
"""At the end of a deed that a person did to or for themselves."""

DEEDS: Final = {
    ("reveal", ""): "revealing an item",
    ("secure-copy", ""): "copying a secret",
    ("export", ""): "exporting an item",
    ("fill", ""): "filling in a login",
    ("share", ""): "sharing an item",
    ("success", ""): "signing in",
    ("firewall_reported_success", ""): "signing in past a firewall rule",
    ("server-fetch", ""): "fetching an item on the server",
    ("server-create", ""): "creating an item on the server",
    ("server-update", ""): "changing an item on the server",
    ("enter-item-edit-mode", ""): "editing an item",
    ("join", "gm"): "adding a person to a group",
    ("role", "gm"): "changing a role in a group",
    ("leave", "gm"): "removing a person from a group",
    ("grant", "uva"): "giving a person access to a vault",
    ("update", "uva"): "changing a person's access to a vault",
    ("revoke", "uva"): "taking a person's access to a vault",
    ("join", "gm:self"): "adding themselves to a group",
    ("role", "gm:self"): "changing their own role in a group",
    ("leave", "gm:self"): "leaving a group",
    ("grant", "uva:self"): "giving themselves access to a vault",
    ("update", "uva:self"): "changing their own access to a vault",
    ("revoke", "uva:self"): "giving up their own access to a vault",
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
    ("delete", "account"): "deleting the account",
    ("dvrfydmn", "account"): "removing a verified domain",
    ("vrfydmn", "account"): "verifying a domain",
    ("uvrfydmn", "account"): "changing the verified domains",
    ("updatduo", "account"): "changing the Duo set-up",
    ("disblduo", "account"): "switching off Duo",
    ("enblduo", "account"): "switching on Duo",
    ("updatmfa", "account"): "changing the two-factor policy",
    ("enblmfa", "account"): "switching on two-factor authentication",
    ("disblmfa", "user"): "switching off two-factor authentication for a person",
    ("delgsso", "sso"): "removing a group from single sign-on",
    ("addgsso", "sso"): "adding a group to single sign-on",
    ("launchi", "mngdacc"): "entering a managed account",
    ("create", "mngdacc"): "adding a managed account",
    ("unlink", "mngdacc"): "unlinking a managed account",
    ("teleport", "vault"): "moving a vault to another account",
    ("purge", "vault"): "deleting a vault for good",
    ("purge", "items"): "deleting items for good",
    ("purge", "itemhist"): "deleting the history of an item",
    ("delete", "itemhist"): "deleting the history of an item",
    ("delete", "sa"): "deleting a service account",
    ("delete", "group"): "deleting a group",
    ("create", "slackapp"): "connecting the Slack app",
    ("cancel", "sub"): "cancelling the subscription",
}
"""(action, object type) in words; usages have no object type."""


def plural(count: float, word: str) -> str:
    """A count with its word.

    >>> plural(1, "day"), plural(1204, "event"), plural(61.4, "minute")
    ('1 day', '1,204 events', '61 minutes')
    """
    return f"{count:,.0f} {word}" + ("" if round(count) == 1 else "s")


def span(minutes: float) -> str:
    """A length of time as people say it.

    >>> span(0.2), span(45), span(150)
    ('1 minute', '45 minutes', '2.5 hours')
    """
    if minutes < 90:
        return plural(max(1, minutes), "minute")
    return f"{minutes / 60:.1f} hours"


def client(fingerprint: str) -> str:
    """A client fingerprint as people say it.

    >>> client("1Password for Mac | Anas-MBP | MacOSX"), client("1Password CLI | ? | ?")
    ('1Password for Mac on Anas-MBP (MacOSX)', '1Password CLI')
    """
    app, _, rest = fingerprint.partition(" | ")
    platform, _, system = rest.partition(" | ")
    words = app if platform in {"?", ""} else f"{app} on {platform}"
    return words if system in {"?", ""} else f"{words} ({system})"


def place(value: str | None, country: str | None = None) -> str | None:
    """A place of the observations ('city|region|country code') as people say it.

    >>> place("Lagos|Lagos|NG"), place(None, "IN")
    ('Lagos, Nigeria', 'India')
    """
    if value is None:
        return geo.country_name(country) if country else None
    city, _, code = value.split("|")
    return ", ".join(part for part in (city, geo.country_name(code) if code else "") if part)


def hour(slot: str) -> str:
    """An hour of the week in words.

    >>> hour("Tue 04")
    'Tuesday 04-05 h'
    """
    day, start = slot.split(" ")
    return f"{_WEEKDAYS[day]} {start}-{(int(start) + 1) % 24:02} h"


_WEEKDAYS: Final = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}


def done(value: str) -> str:
    """A deed of the observations ('feed:action:object type') as people say it.

    >>> done("a:grant:uva"), done("a:grant:uva:self")
    ('giving a person access to a vault', 'giving themselves access to a vault')
    """
    _, action, object_type = value.split(":", 2)
    return deed(action, object_type)


def deed(action: str | None, object_type: str | None) -> str:
    """An action in words, in its own code if there are none.

    >>> deed("export", "vault"), deed("ssotknv", "ssotkn")
    ('exporting a vault', "'ssotknv ssotkn'")
    """
    words = DEEDS.get((action or "", object_type or ""))
    return words or f"'{' '.join(part for part in (action, object_type) if part)}'"
