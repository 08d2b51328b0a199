ALTER TABLE learned ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON learned USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
