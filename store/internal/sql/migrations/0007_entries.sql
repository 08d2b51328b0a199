-- What belongs to an account beside its mail (store.Entry). parent is what an entry lies in. One that was removed (gone) stays for a
-- while without its doc; entry_floor tells up to which modseq such were forgotten.
CREATE TABLE entry (
	{tenant}
	account {int} NOT NULL,
	kind    {text} NOT NULL,
	id      {int} NOT NULL,
	parent  {int} NOT NULL,
	name    {text} NOT NULL,
	modseq  {int} NOT NULL,
	born    {int} NOT NULL,
	gone    {int} NOT NULL,
	doc     {blob},
	PRIMARY KEY ({t,}account, kind, id)
);
CREATE UNIQUE INDEX entry_name ON entry ({t,}account, kind, name) WHERE name <> '' AND gone = 0;
CREATE INDEX entry_parent ON entry ({t,}account, kind, parent, id) WHERE gone = 0;
CREATE INDEX entry_changed ON entry ({t,}account, kind, modseq);
CREATE INDEX entry_gone ON entry ({t,}account, kind, modseq) WHERE gone = 1;

CREATE TABLE entry_floor (
	{tenant}
	account {int} NOT NULL,
	kind    {text} NOT NULL,
	modseq  {int} NOT NULL,
	PRIMARY KEY ({t,}account, kind)
){norowid};
