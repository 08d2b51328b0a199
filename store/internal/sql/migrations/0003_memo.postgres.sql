ALTER TABLE memo ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON memo USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
