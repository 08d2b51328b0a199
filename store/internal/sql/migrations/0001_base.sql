-- The first schema. Times are in milliseconds since 1970 (UTC); received and saved in seconds.

-- What the tenant has one of: the last act's number, the key of its hashes.
CREATE TABLE meta (
	{tenant}
	name {text} NOT NULL,
	num  {int} NOT NULL,
	data {blob},
	PRIMARY KEY ({t,}name)
){norowid};

-- Objects of the directory. keys repeats the rows of object_key and object_mark, so that a list needs one query.
CREATE TABLE object (
	{tenant}
	kind    {text} NOT NULL,
	id      {int} NOT NULL,
	version {int} NOT NULL,
	changed {int} NOT NULL,
	keys    {blob} NOT NULL,
	doc     {blob},
	PRIMARY KEY ({t,}kind, id)
);

CREATE TABLE object_key (
	{tenant}
	name  {text} NOT NULL,
	value {text} NOT NULL,
	kind  {text} NOT NULL,
	id    {int} NOT NULL,
	PRIMARY KEY ({t,}name, value)
){norowid};

CREATE TABLE object_mark (
	{tenant}
	kind  {text} NOT NULL,
	name  {text} NOT NULL,
	value {text} NOT NULL,
	id    {int} NOT NULL,
	PRIMARY KEY ({t,}kind, name, value, id)
){norowid};

-- The operation log (CP-7). before and after are the documents.
CREATE TABLE act (
	{tenant}
	seq    {int} NOT NULL,
	at     {int} NOT NULL,
	actor  {text} NOT NULL,
	role   {int} NOT NULL,
	remote {text} NOT NULL,
	why    {text} NOT NULL,
	kind   {text} NOT NULL,
	id     {int} NOT NULL,
	older  {blob},
	newer  {blob},
	PRIMARY KEY ({t,}seq)
);

-- The counters of an account; validity is the last UIDVALIDITY it gave away.
CREATE TABLE box (
	{tenant}
	account  {int} NOT NULL,
	modseq   {int} NOT NULL,
	used     {int} NOT NULL,
	messages {int} NOT NULL,
	validity {int} NOT NULL,
	PRIMARY KEY ({t,}account)
);

CREATE TABLE mailbox (
	{tenant}
	id          {int} NOT NULL,
	account     {int} NOT NULL,
	parent      {int} NOT NULL,
	name        {text} NOT NULL,
	role        {text} NOT NULL,
	subscribed  {int} NOT NULL,
	uidvalidity {int} NOT NULL,
	uidnext     {int} NOT NULL,
	modseq      {int} NOT NULL,
	messages    {int} NOT NULL,
	unseen      {int} NOT NULL,
	deleted     {int} NOT NULL,
	size        {int} NOT NULL,
	PRIMARY KEY ({t,}id)
);
CREATE UNIQUE INDEX mailbox_name ON mailbox ({t,}account, parent, name);
CREATE UNIQUE INDEX mailbox_role ON mailbox ({t,}account, role) WHERE role <> '';

CREATE TABLE keyword (
	{tenant}
	account {int} NOT NULL,
	bit     {int} NOT NULL,
	name    {text} NOT NULL,
	PRIMARY KEY ({t,}account, bit)
){norowid};

-- Octets at rest. idx is their structure, once for all messages that share them. Where the octets
-- are is the backend's business: pack and off, or for small ones a row of body. That is apart from
-- blob, so that who reads many structures does not read all octets.
CREATE TABLE blob (
	{tenant}
	id   {int} NOT NULL,
	size {int} NOT NULL,
	hash {blob} NOT NULL,
	pack {int} NOT NULL,
	off  {int} NOT NULL,
	idx  {blob},
	PRIMARY KEY ({t,}id)
);

CREATE TABLE body (
	{tenant}
	id     {int} NOT NULL,
	octets {blob} NOT NULL,
	PRIMARY KEY ({t,}id)
);

-- born is the modseq a message had when it came into its mailbox; it grows with uid.
-- So what came after a modseq is a range of uids, and message_changed needs to
-- hold only what changed later: a delivery touches one index leaf instead of two. size and hash
-- are those of the blob, so that lists of messages do not need it.
CREATE TABLE message (
	{tenant}
	id       {int} NOT NULL,
	account  {int} NOT NULL,
	mailbox  {int} NOT NULL,
	uid      {int} NOT NULL,
	flags    {int} NOT NULL,
	modseq   {int} NOT NULL,
	born     {int} NOT NULL,
	received {int} NOT NULL,
	saved    {int} NOT NULL,
	size     {int} NOT NULL,
	blob     {int} NOT NULL,
	hash     {blob} NOT NULL,
	thread   {int} NOT NULL,
	PRIMARY KEY ({t,}id)
);
CREATE INDEX message_uid ON message ({t,}mailbox, uid, flags, modseq, born);
CREATE INDEX message_changed ON message ({t,}mailbox, modseq, uid, flags, born) WHERE modseq <> born;
CREATE INDEX message_blob ON message ({t,}blob);

CREATE TABLE gone (
	{tenant}
	mailbox {int} NOT NULL,
	modseq  {int} NOT NULL,
	uid     {int} NOT NULL,
	email   {int} NOT NULL,
	PRIMARY KEY ({t,}mailbox, modseq, uid)
){norowid};

-- Queue items. wake is when a waiting item may be claimed: when it is due, or when its lease ends.
-- fence numbers its leases and never goes back; leased is the end of the lease, 0 without one.
CREATE TABLE item (
	{tenant}
	id     {int} NOT NULL,
	state  {int} NOT NULL,
	due    {int} NOT NULL,
	wake   {int} NOT NULL,
	route  {text} NOT NULL,
	blob   {int} NOT NULL,
	fence  {int} NOT NULL,
	leased {int} NOT NULL,
	worker {text} NOT NULL,
	tries  {int} NOT NULL,
	doc    {blob},
	PRIMARY KEY ({t,}id)
);
CREATE INDEX item_wake ON item ({t,}wake) WHERE state = 1;
-- Most items are settled (3) in the commit that accepts them: these are in no index, and keep no blob.
CREATE INDEX item_state ON item ({t,}state, id) WHERE state <> 3;
CREATE INDEX item_blob ON item ({t,}blob) WHERE state <> 3;
