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
