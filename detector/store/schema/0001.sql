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
CREATE TABLE alert (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    status TEXT NOT NULL,
    time INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX alert_by_time ON alert (time);
CREATE TABLE history (
    alert_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    status TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT;
CREATE TABLE outbox (
    alert_id TEXT NOT NULL,
    destination TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'dead')),
    created INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    receipt TEXT,
    catch_up INTEGER NOT NULL DEFAULT 0, -- 1: of a long outage, told afterwards as one digest
    PRIMARY KEY (alert_id, destination, sequence)
) STRICT;
CREATE INDEX outbox_due ON outbox (state, next_at);
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
