-- The index of the message trace: segments of up to some thousand items, and their pages (package segment). first and last are
-- the lowest and highest id of a segment's items. The id of a page is that of its segment, shifted, with its number.
CREATE TABLE trace_segment (
	{tenant}
	id     {int} NOT NULL,
	first  {int} NOT NULL,
	last   {int} NOT NULL,
	docs   {int} NOT NULL,
	bits   {int} NOT NULL,
	octets {int} NOT NULL,
	items  {blob} NOT NULL,
	PRIMARY KEY ({t,}id)
);

CREATE TABLE trace_page (
	{tenant}
	id   {int} NOT NULL,
	data {blob} NOT NULL,
	PRIMARY KEY ({t,}id)
);

-- Items that were not settled when they were indexed.
CREATE TABLE trace_again (
	{tenant}
	item {int} NOT NULL,
	PRIMARY KEY ({t,}item)
);

-- Sums by the hour, in hours since 1970.
CREATE TABLE trace_sum (
	{tenant}
	hour {int} NOT NULL,
	name {text} NOT NULL,
	num  {int} NOT NULL,
	PRIMARY KEY ({t,}hour, name)
);

-- Up to which item is indexed, and the last segment's number. Who changes the index holds the row until the end of the transaction.
CREATE TABLE trace_cursor (
	{tenant}
	num     {int} NOT NULL,
	item    {int} NOT NULL,
	segment {int} NOT NULL,
	PRIMARY KEY ({t,}num)
);

ALTER TABLE trace_segment ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON trace_segment USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE trace_page ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON trace_page USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE trace_again ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON trace_again USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE trace_sum ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON trace_sum USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE trace_cursor ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON trace_cursor USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
