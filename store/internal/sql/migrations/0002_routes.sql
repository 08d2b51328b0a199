-- What waits or is held, by route: for lists and counts without the rows themselves.
CREATE INDEX item_route ON item ({t,}route, id, due) WHERE state <> 3;
