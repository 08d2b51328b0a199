-- The leases that are held now. They die with the process that held them.
CREATE INDEX item_leased ON item (id) WHERE leased <> 0;
