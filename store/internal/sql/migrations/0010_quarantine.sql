-- An entry may have the octets of a message, and an end (store.Entry): mail in quarantine (SF-4). ends is in seconds since 1970, 0 = never;
-- size and hash are those of the blob.
ALTER TABLE entry ADD COLUMN ends {int} NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN blob {int} NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN size {int} NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN hash {blob};
CREATE INDEX entry_blob ON entry ({t,}blob) WHERE blob <> 0;
CREATE INDEX entry_ends ON entry ({t,}kind, ends) WHERE ends <> 0;
CREATE INDEX entry_sums ON entry ({t,}kind, account, size, id) WHERE ends <> 0;
