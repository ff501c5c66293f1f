-- Times are microseconds since 1970 in UTC.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE account (
    name TEXT PRIMARY KEY,
    uuid TEXT,
    teach_until INTEGER NOT NULL,
    first_seq INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE cursor (
    account TEXT NOT NULL,
    feed TEXT NOT NULL,
    cursor TEXT NOT NULL,
    newest INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (account, feed)
) STRICT;
-- What each feed's cursor chain proves complete, written with the cursor.
CREATE TABLE coverage (
    account TEXT NOT NULL,
    feed TEXT NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    PRIMARY KEY (account, feed, start)
) STRICT;
CREATE TABLE gap (
    account TEXT NOT NULL,
    feed TEXT NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    why TEXT NOT NULL,
    noticed INTEGER NOT NULL,
    swept INTEGER,
    lost INTEGER NOT NULL,
    PRIMARY KEY (account, feed, start, "end")
) STRICT;
-- When the overlap sweep that reaches back so far was last done.
CREATE TABLE sweep (
    account TEXT NOT NULL,
    over INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, over)
) STRICT;
-- How long each feed is usually silent (detector/pulse.py, as msgpack).
CREATE TABLE pulse (
    account TEXT NOT NULL,
    feed TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, feed)
) STRICT;
-- Events of consecutive log entries: a page as a blob, or a day as a file that this row vouches for.
CREATE TABLE segment (
    account TEXT NOT NULL,
    lo_seq INTEGER NOT NULL,
    hi_seq INTEGER NOT NULL,
    lo_time INTEGER NOT NULL,
    hi_time INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    events INTEGER NOT NULL,
    forgotten INTEGER NOT NULL DEFAULT 0,
    data BLOB,
    file TEXT UNIQUE,
    sha256 TEXT,
    PRIMARY KEY (account, lo_seq),
    CHECK ((data IS NULL) != (file IS NULL)),
    CHECK ((sha256 IS NULL) = (file IS NULL))
) STRICT;
CREATE TABLE control (
    account TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, seq)
) STRICT;
CREATE TABLE flaw (
    account TEXT NOT NULL,
    feed TEXT NOT NULL,
    received INTEGER NOT NULL,
    set_aside INTEGER NOT NULL,
    reason TEXT NOT NULL,
    digest TEXT NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (account, feed, digest)
) STRICT;
CREATE TABLE suppressed (
    account TEXT NOT NULL,
    seq INTEGER NOT NULL,
    rule_id TEXT NOT NULL,
    rung TEXT NOT NULL,
    time INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX suppressed_by_time ON suppressed (account, time);
-- rank: of the level, 0 to 4. trial: its rule is on trial. seen: when the last step changed it.
-- until: end of a snooze. suppressed_by: the silence that holds it back.
CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    status TEXT NOT NULL,
    time INTEGER NOT NULL,
    body TEXT NOT NULL,
    rank INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    incident_id TEXT,
    suppressed_by TEXT,
    until INTEGER
) STRICT;
CREATE INDEX alert_by_time ON alert (time);
CREATE INDEX alert_by_incident ON alert (incident_id);
CREATE INDEX alert_by_status ON alert (status, seen);
-- What happened to alerts and is not decided about yet, or not before `due`.
CREATE TABLE news (
    number INTEGER PRIMARY KEY,
    alert_id TEXT NOT NULL,
    cause TEXT NOT NULL,
    since INTEGER NOT NULL,
    due INTEGER NOT NULL,
    late INTEGER NOT NULL
) STRICT;
CREATE INDEX news_due ON news (due);
-- Verdicts that the log of the account has not taken in yet.
CREATE TABLE verdict (
    number INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    first_time INTEGER NOT NULL,
    time INTEGER NOT NULL,
    told INTEGER,
    told_rank INTEGER
) STRICT;
CREATE TABLE incident_key (
    key TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    PRIMARY KEY (key, incident_id)
) STRICT, WITHOUT ROWID;
-- Why something was sent or held; the same reason again only counts up.
CREATE TABLE decision (
    number INTEGER PRIMARY KEY,
    alert_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    last INTEGER NOT NULL,
    times INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    until INTEGER,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX decision_by_alert ON decision (alert_id);
-- Appended only; each record is sealed upon the one before it.
CREATE TABLE journal (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    about TEXT NOT NULL,
    what TEXT NOT NULL,
    who TEXT NOT NULL,
    how TEXT NOT NULL,
    note TEXT NOT NULL,
    seal TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_subject ON journal (about);
-- state: active, ended, expired by somebody; hidden: how many alerts it held back.
CREATE TABLE silence (
    id TEXT PRIMARY KEY,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    matchers TEXT NOT NULL,
    starts INTEGER NOT NULL,
    until INTEGER NOT NULL,
    how TEXT NOT NULL,
    ended INTEGER
) STRICT;
CREATE TABLE digest (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX digest_by_kind ON digest (kind, created);
CREATE TABLE digested (
    digest_id TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    PRIMARY KEY (digest_id, alert_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX digested_by_alert ON digested (alert_id);
-- about: the id of an incident, a digest or a notice; with its sequence the idempotency key.
-- folded: what it would have said was told in the digest that `error` names.
-- leased: until when whoever is sending it has it; failed_since: when its first try failed.
CREATE TABLE outbox (
    about TEXT NOT NULL,
    destination TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    rank INTEGER NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'dead', 'folded')),
    created INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    leased INTEGER,
    failed_since INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    receipt TEXT,
    sent INTEGER,
    PRIMARY KEY (about, destination, sequence)
) STRICT;
CREATE INDEX outbox_due ON outbox (destination, state, next_at);
CREATE INDEX outbox_created ON outbox (created);
CREATE TABLE destination (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE snapshot (
    account TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE model (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    created INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
-- People whose events were forgotten on demand, with the keys by which those are known again if the
-- API serves them once more. Not `done`: begun, and to be finished at the next start; only until then
-- `names` has what they are found by.
CREATE TABLE forgotten (
    account TEXT NOT NULL,
    person TEXT NOT NULL,
    at INTEGER NOT NULL,
    names TEXT NOT NULL,
    keys BLOB NOT NULL,
    done INTEGER NOT NULL,
    PRIMARY KEY (account, person)
) STRICT;
