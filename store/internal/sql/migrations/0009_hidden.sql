-- For who does not see messages with the flag Deleted (8), they are gone while they have it (JMAP). turned is the modseq with which a message
-- got it or lost it last, 0 for one that never had it; hidden the same of one that left with it.
ALTER TABLE message ADD COLUMN turned {int} NOT NULL DEFAULT 0;
ALTER TABLE gone ADD COLUMN hidden {int} NOT NULL DEFAULT 0;
UPDATE message SET turned = modseq WHERE flags & 8 <> 0;
