ALTER TABLE entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON entry USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE entry_floor ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON entry_floor USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
