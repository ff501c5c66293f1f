-- Those of several recipients who have a message: only the others get it at the next try.
ALTER TABLE outbox ADD COLUMN served TEXT NOT NULL DEFAULT '[]';
