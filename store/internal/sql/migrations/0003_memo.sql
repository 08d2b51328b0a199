-- What an account remembers for a while: whom an automatic answer went to, which messages were seen.
CREATE TABLE memo (
	{tenant}
	account {int} NOT NULL,
	name    {text} NOT NULL,
	until   {int} NOT NULL,
	PRIMARY KEY ({t,}account, name)
){norowid};
CREATE INDEX memo_until ON memo ({t,}account, until);
