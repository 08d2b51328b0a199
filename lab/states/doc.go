// Package states holds an IMAP server to what it tells its clients. Many clients work on one account at a time, at random;
// each keeps a model of the mailbox it looks at, made from the server's responses alone. A response that contradicts the
// model is a finding, and so is a model that differs, when all are quiet, from what the server then shows.
//
// The clients speak in different ways: as plain IMAP4rev1 (RFC 3501), IMAP4rev2 (RFC 9051), with CONDSTORE and
// QRESYNC (RFC 7162), or with UIDONLY (RFC 9586). They lose their connections, and those that can resume. Some compress, some hear of
// changes while no command runs (NOTIFY), and some are a colleague's, with whom the mailboxes are shared.
package states
