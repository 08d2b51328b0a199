-- The operation log says why and from which program, and is chained: hash is over the hash before and the line (store.Act.Link).
-- meta 'acts.anchor' is where the chain begins: num the last line before it, data that line's hash. Lines from before this
-- schema have no hash, and then data is NULL.
ALTER TABLE act ADD COLUMN session {text} NOT NULL DEFAULT '';
ALTER TABLE act ADD COLUMN agent {text} NOT NULL DEFAULT '';
ALTER TABLE act ADD COLUMN reason {text} NOT NULL DEFAULT '';
ALTER TABLE act ADD COLUMN hash {blob};
INSERT INTO meta ({t,}name, num, data) SELECT {t,}'acts.anchor', num, NULL FROM meta WHERE name = 'acts';

CREATE INDEX act_at ON act ({t,}at, seq);
CREATE INDEX act_object ON act ({t,}id, seq);
CREATE INDEX act_actor ON act ({t,}actor, seq);
CREATE INDEX act_why ON act ({t,}why, seq);
