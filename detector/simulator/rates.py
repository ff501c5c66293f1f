"""Every rate of the simulated company in one place, each with its reason.

They are judgements of how offices work, chosen before any rule or feature was looked at.
"""

from __future__ import annotations

from typing import Final

# -- the company ---------------------------------------------------------------------------
REMOTE_SHARE: Final = 0.22  # people who live far from every office
ADMIN_SHARE: Final = 0.03  # administrators besides the first three; small IT teams
SSO_SHARE: Final = 0.72  # the rest are owners, contractors and not yet migrated people
PRIVATE_VPN_SHARE: Final = 0.04  # people who use a commercial VPN with exits in any country
VPN_SHARE: Final = 0.30  # people whose browser goes through the company VPN at home
IPV6_SHARE: Final = 0.35  # homes with IPv6, about the public share of traffic
LISTED_SHARE: Final = 0.70  # HR data is incomplete: people in people.yml
DORMANT_SHARE: Final = 0.03  # accounts that nobody uses and nobody removed
OLD_CLIENT_SHARE: Final = 0.04  # clients that never update: no or `other` usage actions
SECOND_PHONE_SHARE: Final = 0.12  # people with a tablet or a second phone
HOME_COMPUTER_SHARE: Final = 0.15  # people who use a private computer now and then

# -- where and when people work ------------------------------------------------------------
HOME_DAY_SHARE: Final = 0.45  # hybrid work: days at home of people with an office
EVENING_SHARE: Final = 0.25  # people who often work in the evening
WEEKEND_RATE: Final = 0.12  # weekend days with some use, mostly a phone
VACATION_RATE: Final = 0.012  # vacations started per day: about four in a year
SICK_RATE: Final = 0.008  # sick spells started per day
TRIP_RATE: Final = 0.010  # trips started per day for people who travel much
RARE_TRIP_RATE: Final = 0.0015  # trips started per day for everybody else
WORKATION_SHARE: Final = 0.06  # trips that are private, with some work from abroad
ONBOARD_WIFI_SHARE: Final = 0.35  # flyers who pay for the network on board
ROAMING_HOME_SHARE: Final = 0.65  # phones abroad whose data leaves through the home carrier
PRIVATE_VPN_RATE: Final = 0.25  # stretches at home or in a café in which they have it on
SCIM_CHANGE_RATE: Final = 0.4  # daily runs of the bridge that change somebody's groups
CAFE_RATE: Final = 0.04  # half days in a café or co-working space
TETHER_RATE: Final = 0.03  # laptop stretches on the phone's connection
NEW_HOME_ADDRESS_RATE: Final = 0.015  # home address changes per day (forced reconnects)
NEW_PROVIDER_RATE: Final = 0.0006  # people who move house or change the provider, per day
FAR_GATEWAY_SHARE: Final = 0.08  # mobile connections through a gateway anywhere in the country
HEADQUARTERS_VPN_SHARE: Final = 0.15  # VPN users who are sent to the first gateway, however far
OFFLINE_RATE: Final = 0.012  # stretches without a connection: trains, outages, hotel Wi-Fi
ON_CALL_PAGE_RATE: Final = 0.12  # nights on which the engineer on call is woken

# -- signing in ----------------------------------------------------------------------------
SIGN_IN_RATE: Final = 0.55  # chance that a client needs a new session when work begins
MISTYPE_RATE: Final = 0.018  # sign-ins preceded by a wrong password
MFA_RATE: Final = 0.10  # password sign-ins that ask for the second factor
MFA_SLIP_RATE: Final = 0.09  # second factors mistyped or timed out at first
SSO_SLIP_RATE: Final = 0.006  # identity provider hiccups
FORGOTTEN_RATE: Final = 0.0007  # people who forget their password, per day: ends in a recovery
OUTDATED_RATE: Final = 0.002  # sign-ins refused because the client is too old
FIREWALL_REPORT_RATE: Final = 0.5  # share of sign-ins abroad that a report-only rule marks
SSO_OUTAGE_RATE: Final = 0.02  # days with an hour in which single sign-on fails for many
PUBLIC_GUESS_RATE: Final = 0.15  # days with a stray failed guess from the internet
LAPTOP_REPLACED_RATE: Final = 0.0016  # about one laptop in 2.5 years
PHONE_REPLACED_RATE: Final = 0.0018  # about one phone in 2.2 years
BROWSER_ADDED_RATE: Final = 0.0020  # people who try another browser
PASSKEY_RATE: Final = 0.0008  # people who register a passkey of their own accord

# -- using items ---------------------------------------------------------------------------
USES_A_DAY: Final = 15.0  # median uses of shared items on a workday
EXPLORE_RATE: Final = 0.025  # uses of an item outside the usual ones
EDITS_A_DAY: Final = 0.9  # items created or changed
TOKENS_A_DAY: Final = 1.3  # SSO tokens verified
ROTATION_RATE: Final = 0.004  # password-rotation days, of people who own systems
MIGRATION_RATE: Final = 0.0008  # days spent on moving a vault
EXPORT_RATE: Final = 0.0006  # honest exports: backups, auditors, leaving a vault
HANDOVER_RATE: Final = 0.0015  # days on which one reads a whole unfamiliar project
SHARE_RATE: Final = 0.010  # item links sent to outsiders, per person and day
NEW_PROJECT_RATE: Final = 0.006  # people who join a project, per day: new vault, new items
LOCATION_MISSING_RATE: Final = 0.012  # addresses that GeoIP does not know

# -- when events reach the API -------------------------------------------------------------
SYNC_MINUTES_SHARE: Final = 0.24  # uses that wait for the next sync, minutes
SYNC_HOURS_SHARE: Final = 0.03  # uses that wait for hours: a closed lid
SYNC_DAYS_SHARE: Final = 0.006  # uses that wait for days: a device in a drawer

# -- administration ------------------------------------------------------------------------
DUTIES_PER_PERSON: Final = 0.035  # routine administrative actions per person and workday
LATE_DUTY_SHARE: Final = 0.05  # duties done in the evening or at the weekend
POLICY_CHANGE_RATE: Final = 0.04  # workdays with a change of firewall, MFA, SSO or domains
BREAK_GLASS_SHARE: Final = 0.6  # such grants after which the administrator reads some items
NIGHT_INCIDENT_RATE: Final = 0.02  # nights on which an administrator contains an incident
SELF_GRANT_SHARE: Final = 0.12  # vault grants that administrators give themselves, by ticket
HIRE_RATE: Final = 0.0012  # hires per person and workday: about a quarter a year
LEAVE_RATE: Final = 0.0008  # leavers per person and workday
TRAVEL_MODE_SHARE: Final = 0.12  # trips abroad for which Travel Mode is turned on
OWN_PASSWORD_RATE: Final = 0.0005  # people who change their account password, per day
OWN_MFA_RATE: Final = 0.0006  # people who add or change a second factor, per day
