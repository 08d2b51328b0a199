// Package embedded is the store in files of one machine: SQLite for rows, append-only packs for
// octets, and no other process.
//
//	DIR/lock                        held while a process has the store open
//	DIR/platform.db                 what belongs to no tenant
//	DIR/tenants/ID/mail.db          a tenant's rows (WAL, synchronous=FULL)
//	DIR/tenants/ID/packs/0001.pack  octets of messages, records one behind the other
//	DIR/tenants/ID/packs/0001.big   octets of large ones, at multiples of 4 KiB
//	DIR/tenants/ID/text/ACCOUNT.db  an account's full-text index, never flushed: it can be made again
//
// # One commit for many
//
// Callers of Update queue up. The first of them leads: it takes all who wait, runs their functions in one
// SQLite transaction, writes their octets to the pack, and flushes once for all (committer.go). Those
// who come meanwhile are the next leader's. There are no savepoints: a function that fails having
// written nothing is left out; if one fails after writing, or the disk does, everything is rolled back and
// the callers run one by one, so each gets its own answer.
//
// # Where octets go
//
// Up to InlineLimit, and while few callers share a commit, into the blob's row: then one flush does. From
// DirectLimit on into a .big file, written past the page cache by the caller itself before its transaction,
// and only flushed by the commit. All else is appended to a .pack by the leader. A row is committed
// only after the octets it refers to were flushed, so a crash leaves at worst octets without a row.
//
// # Tenants
//
// A tenant that nobody uses costs a few hundred octets. Its files are opened by the first who needs them and closed
// when they were idle for a while, or when too many others are open.
package embedded
