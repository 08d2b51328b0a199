ALTER TABLE thread_ref ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON thread_ref USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE mailbox_gone ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON mailbox_gone USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
