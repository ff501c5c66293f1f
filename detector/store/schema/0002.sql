-- What was revealed, copied or exported since the first event of an incident, by item: the list of
-- what to rotate. certain: by the suspect person and address; else the person was elsewhere.
-- An empty item: the whole vault.
CREATE TABLE exposure (
    incident_id TEXT NOT NULL,
    vault TEXT NOT NULL,
    item TEXT NOT NULL,
    certain INTEGER NOT NULL,
    deed TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (incident_id, certain, vault, item, deed)
) STRICT, WITHOUT ROWID;
-- Up to which entry of the log an incident's list is made, and for which suspects.
CREATE TABLE exposing (
    incident_id TEXT PRIMARY KEY,
    suspects TEXT NOT NULL,
    upto INTEGER NOT NULL
) STRICT;
-- The newest record of the journal, to tell when its end is cut off.
INSERT OR REPLACE INTO meta SELECT 'journal_head', number || ' ' || seal
    FROM journal ORDER BY number DESC LIMIT 1;
