-- When a silence last held something back.
CREATE INDEX decision_silenced ON decision (detail, last) WHERE reason = 'silenced';
