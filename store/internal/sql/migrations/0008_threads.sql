-- What the mail of an account as a whole needs (JMAP). made of a message is the modseq with which it came into the account, or lost its
-- flag Deleted last; of a mailbox that with which it was made. changed is the modseq of the last change of a mailbox itself, and place its place
-- among its siblings (RFC 8621 §2 sortOrder).
ALTER TABLE message ADD COLUMN made {int} NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN made {int} NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN changed {int} NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN place {int} NOT NULL DEFAULT 0;
ALTER TABLE gone ADD COLUMN thread {int} NOT NULL DEFAULT 0;
ALTER TABLE gone ADD COLUMN made {int} NOT NULL DEFAULT 0;

-- No thread was ever told so far: each message had one of its own. From now on 0 is a message that was not put into one yet.
UPDATE message SET thread = 0;

-- By which references messages are put into threads: a ref stands for a message id with a subject. used is when one was used last, in days
-- since 1970.
CREATE TABLE thread_ref (
	{tenant}
	account {int} NOT NULL,
	ref     {int} NOT NULL,
	thread  {int} NOT NULL,
	used    {int} NOT NULL,
	PRIMARY KEY ({t,}account, ref)
){norowid};

-- Mailboxes that were deleted. The rows in gone of the messages that were in them are kept as long. Mailbox 0 tells up to which modseq
-- such were forgotten.
CREATE TABLE mailbox_gone (
	{tenant}
	account {int} NOT NULL,
	mailbox {int} NOT NULL,
	modseq  {int} NOT NULL,
	made    {int} NOT NULL,
	PRIMARY KEY ({t,}account, mailbox)
){norowid};
