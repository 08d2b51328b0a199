-- What is beside the tenants in the cluster. Tenant 0 is the platform.

CREATE TABLE tenant (
	id      BIGINT NOT NULL PRIMARY KEY,
	created BIGINT NOT NULL,
	epoch   BIGINT NOT NULL
);

CREATE TABLE duty (
	name   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	holder TEXT COLLATE "C" NOT NULL,
	fence  BIGINT NOT NULL,
	until  BIGINT NOT NULL
);

-- Counters of windows: each row the sum of one slice of time.
CREATE TABLE tally (
	key   TEXT COLLATE "C" NOT NULL,
	slice BIGINT NOT NULL,
	n     BIGINT NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (key, slice)
);

INSERT INTO tenant (id, created, epoch) VALUES (0, 0, 1);

-- The second lock: a transaction sees and writes the rows of the tenant it names, and none without a name.
ALTER TABLE meta ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON meta USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE object ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON object USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE object_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON object_key USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE object_mark ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON object_mark USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE act ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON act USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE box ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON box USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE mailbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON mailbox USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE keyword ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON keyword USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE blob ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON blob USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE body ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON body USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE message ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON message USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE gone ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON gone USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON item USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));

-- Which tenants have queue items that are due. It sees all tenants, because it runs as the owner of the tables, and tells their ids only.
CREATE FUNCTION due_tenants(now BIGINT) RETURNS SETOF BIGINT LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
	'SELECT t.id FROM tenant t WHERE EXISTS (SELECT 1 FROM item i WHERE i.tenant = t.id AND i.state = 1 AND i.wake <= now)';
