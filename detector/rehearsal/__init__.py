"""Plays the stories of rule files (`tests:`) through the real engine: `play.rehearse`.

What a story does not say, everybody can rely on:

- It begins on Monday 2 March 2026 at 00:00 UTC, and `at:` counts from there: `1d3h` is Tuesday,
  three in the morning (UTC). Events arrive in the order in which they are written, at the latest
  `at:` so far; one with an earlier `at:` than the one before it comes late.
- `use: NAME` is an event with exactly what that rule asks for; the rest is everyday. What the
  story says in words (`user`, `from`, `ip`, `device`, `session`) comes over that, and a field
  over everything. A field that is null is left out.
- A person lives where `people: {ana: {home: Paris}}` says, else at their first `from:`, else in
  a city of their `timezone`, else in London. There is no place but home unless `from:` names it.
- The address belongs to person and city. The session is another one for every event, the device
  (audit events tell it) always the person's own, unless named; the same name is the same device.
- `learned: true`: everybody in the story and in its `people:` has worked at home for 30 days
  before, Monday to Friday, nine to five by their own clock, with address, client and device of
  their first event, if that is at home (`ip` and `device` may stand in `people:`, too). Otherwise
  nobody is known.
- `networks: {NAME: RANGES}` are of the kind that the name contains (vpn, mobile, hosting, relay,
  tor, satellite), else offices. `source.kind` is that kind, as a list would tell it.
- An hour after the last event the clock ticks once more; then alerts of the rule are counted.
"""
