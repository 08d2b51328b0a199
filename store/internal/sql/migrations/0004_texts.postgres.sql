-- The full-text index: segments, each of the messages of a mailbox with lo < uid <= hi, and their pages (package segment).
-- The id of a page is that of its segment, shifted, with its number.
CREATE TABLE text_segment (
	{tenant}
	account {int} NOT NULL,
	mailbox {int} NOT NULL,
	lo      {int} NOT NULL,
	hi      {int} NOT NULL,
	id      {int} NOT NULL,
	docs    {int} NOT NULL,
	bits    {int} NOT NULL,
	octets  {int} NOT NULL,
	email   {int} NOT NULL,
	uids    {blob},
	anys    {blob},
	PRIMARY KEY ({t,}account, mailbox, lo)
);

CREATE TABLE text_page (
	{tenant}
	account {int} NOT NULL,
	id      {int} NOT NULL,
	data    {blob} NOT NULL,
	PRIMARY KEY ({t,}account, id)
);

-- Whose turn it is to change an account's index: who does, holds its row until the end of the transaction.
CREATE TABLE text_turn (
	{tenant}
	account {int} NOT NULL,
	PRIMARY KEY ({t,}account)
);

ALTER TABLE text_segment ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON text_segment USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE text_page ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON text_page USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
ALTER TABLE text_turn ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON text_turn USING (tenant = CAST(current_setting('tegami.tenant') AS BIGINT));
