"""The files that `vaultwatch init` writes beside the configuration: empty, and they explain themselves."""

from __future__ import annotations

from typing import Final

_LIST: Final = """\
# {what}
# One {unit} a line; what stands behind a # says nothing.
# {where}
#
# Looked at by {rules}.
# While there is none here, these rules look for an example that does not exist.
"""

_VAULTS: Final = _LIST.format(
    what="Vaults of which every change of access is worth a look, like those of the cloud's root accounts.",
    unit="vault id (26 characters)",
    where="Events name vaults by id only. Ids and names: op vault list --format json",
    rules="op_sensitive_vault_access",
)
_ITEMS: Final = _LIST.format(
    what="Items of which every opening is worth a line in the digest, like a root password.",
    unit="item id (26 characters)",
    where="Ids and titles: op item list --vault NAME --format json",
    rules="op_sensitive_item_opened",
)
_GROUPS: Final = _LIST.format(
    what="Groups whose members run 1Password: owners, administrators, security, recovery.",
    unit="group id (26 characters)",
    where="Ids and names: op group list --format json",
    rules="op_privileged_group_join and op_privileged_group_leave",
)
_ADMINISTRATORS: Final = _LIST.format(
    what="People who run 1Password: who takes over one of them holds the keys of all.",
    unit="e-mail address, as 1Password knows it; upper and lower case are the same",
    where="Members of a group: op group user list NAME --format json",
    rules="op_administrator_recovery and op_administrator_email_changed",
)
_COUNTRIES: Final = _LIST.format(
    what="Countries from which nobody of yours works.",
    unit="country (two letters, ISO 3166, like KP)",
    where="A firewall rule in 1Password can refuse them altogether.",
    rules="op_risky_country",
)
_BAD: Final = _LIST.format(
    what="Networks with a bad name, as threat intelligence lists them.",
    unit="range of addresses, like 192.0.2.0/24 or 2001:db8::/48",
    where="Keep it fresh: addresses change hands.",
    rules="op_listed_address",
)
_PEOPLE: Final = """\
# People whose time zone, holidays and shifts are known. Nobody has to stand here: what is missing is
# learned. Behaviours use it (op_off_hours_admin above all).
people: []
#   - {email: ana@example.com, name: Ana, timezone: Europe/Paris, group: support}

holidays: []                    # no hour of these days is usual; without timezones: everywhere
#   - {date: 2026-12-25, name: Christmas, timezones: [Europe/Paris]}

on_call: []                     # whoever is on call works at any hour
#   - {email: ana@example.com, from: 2026-03-02T18:00:00+01:00, until: 2026-03-03T08:00:00+01:00}
"""
_NETWORKS: Final = """\
# Networks of the company. A journey between two of them is none, and what happens in one is at home.
# Kinds: office, vpn, mobile, hosting, relay, tor, satellite. Used by op_impossible_travel,
# op_session_hijack, op_new_device and op_program_new_network.
networks: []
#   - {name: Paris office, kind: office, cidrs: [203.0.113.0/24, '2001:db8:1::/48']}
#   - {name: Company VPN, kind: vpn, cidrs: [198.51.100.0/28]}
"""
_OVERLAYS: Final = """\
# Your own rules, exceptions and changes of shipped rules, in as many files as you like. A document with
# the id of a shipped rule ('vaultwatch rules show NAME' tells it) changes only what it names:
#
# id: 899d172d-7bcb-4523-8de0-e68ab2de8265   # op_vault_exported
# level: critical
# ---
# id: a1a7e9e0-07f5-4b9e-9f0f-6e3f7811ed9e   # op_passkey_added
# enabled: false
"""

FILES: Final = {
    "rules/own.yml": _OVERLAYS,
    "people.yml": _PEOPLE,
    "networks.yml": _NETWORKS,
    "lists/sensitive_vaults.txt": _VAULTS,
    "lists/sensitive_items.txt": _ITEMS,
    "lists/privileged_groups.txt": _GROUPS,
    "lists/administrators.txt": _ADMINISTRATORS,
    "lists/risky_countries.txt": _COUNTRIES,
    "lists/bad_networks.txt": _BAD,
}
"""Text by path, beside the configuration."""
