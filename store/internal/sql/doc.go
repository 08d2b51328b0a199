// Package sql is what the two backends of the store share: the schema, its migrations, every query,
// and the reading and changing of a tenant's state over a small connection interface.
//
// A backend brings a Conn (how a statement runs), a Keeper (where octets go), and the
// transaction around it. In the order of use:
//
//	texts := sql.Texts(dialect)            // once: the text of every Query
//	tx := sql.NewTx(conn, cache, ids, keeper)
//	tx.Start(now)                          // after BEGIN
//	err := tx.Run(by, why, fn)             // for each caller
//	err = tx.Flush()                       // counters, then COMMIT
//	changes := tx.Changes()                // whom to tell
//
// # One text for two databases
//
// A query is written once, in the SQL that SQLite and PostgreSQL share. In the cluster
// every table has the tenant first in every key; in the SQLite file of a tenant that column does
// not exist. Tokens in braces stand for the difference, and are expanded once at start:
//
//	{t=}    tenant = $1 AND       (nothing in SQLite); {m.t=} for the table with alias m
//	{t,}    tenant,               in a list of columns
//	{$t,}   $1,                   in a list of values
//	{lock}  FOR UPDATE            SQLite has one writer
//	{skip}  FOR UPDATE SKIP LOCKED
//	{each(}?{)}  the elements of an argument that is a JSON array of arrays, of which {value 0} is the first
//
// and in migrations also {tenant} (the column's definition), {int}, {text}, {blob} (types) and
// {norowid}. Places of arguments are ?, numbered from $2 on in the cluster, whose Conn
// puts the tenant before the arguments it is given.
//
// # Counters
//
// The rows box (an account) and mailbox hold counters that each delivery moves. A transaction
// loads such a row once, changes it in memory and writes it once, by absolute value,
// in Flush. Who changes anything of an account holds its box row: in SQLite by being the only writer,
// in the cluster by FOR UPDATE on box, always before the account's mailboxes are read. So
// nothing else needs to be locked.
package sql
