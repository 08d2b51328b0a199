package sql

// The queries of the full-text index, numbered behind the others.
const (
	qTextHeads Query = numQueries + iota
	qTextHeadsLock
	qTextUIDs
	qTextCursors
	qTextSize
	qTextLast
	qTextAccounts
	qTextPages
	qTextPageRange
	qInsertTextSegment
	qDeleteTextSegment
	qInsertTextPage
	qDeleteTextPages
	qDropTextSegments
	qDropTextPages

	endOfTextQueries
)

const textHeads = "SELECT id, lo, hi, docs, bits, octets, email, CASE WHEN anys IS NULL THEN 0 ELSE 1 END FROM text_segment WHERE {t=}account = ? AND mailbox = ? ORDER BY lo"

// maxTextPages is how many pages one query gives: the places of qTextPages.
const maxTextPages = 12

var textQueryTexts = [endOfTextQueries - numQueries]string{
	qTextHeads - numQueries:     textHeads,
	qTextHeadsLock - numQueries: textHeads + "{lock}",
	qTextUIDs - numQueries:      "SELECT uids, anys FROM text_segment WHERE {t=}account = ? AND mailbox = ? AND lo = ?",
	qTextCursors - numQueries:   "SELECT mailbox, hi, docs, email FROM text_segment WHERE {t=}account = ? ORDER BY mailbox, lo",
	qTextSize - numQueries:      "SELECT count(*), CAST(coalesce(sum(docs), 0) AS {int}), CAST(coalesce(sum(octets), 0) AS {int}) FROM text_segment WHERE {t=}account = ?",
	qTextLast - numQueries:      "SELECT coalesce(max(id), 0) FROM text_segment WHERE {t=}account = ?",
	qTextAccounts - numQueries:  "SELECT DISTINCT account FROM text_segment WHERE {t=}account > ? ORDER BY account",

	qTextPages - numQueries:     "SELECT id, data FROM text_page WHERE {t=}account = ? AND id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	qTextPageRange - numQueries: "SELECT data FROM text_page WHERE {t=}account = ? AND id >= ? AND id < ? ORDER BY id",

	qInsertTextSegment - numQueries: "INSERT INTO text_segment ({t,}account, mailbox, lo, hi, id, docs, bits, octets, email, uids, anys) " +
		"VALUES ({$t,}?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	qDeleteTextSegment - numQueries: "DELETE FROM text_segment WHERE {t=}account = ? AND mailbox = ? AND lo = ?",
	qInsertTextPage - numQueries:    "INSERT INTO text_page ({t,}account, id, data) VALUES ({$t,}?, ?, ?)",
	qDeleteTextPages - numQueries:   "DELETE FROM text_page WHERE {t=}account = ? AND id >= ? AND id < ?",
	qDropTextSegments - numQueries:  "DELETE FROM text_segment WHERE {t=}account = ?",
	qDropTextPages - numQueries:     "DELETE FROM text_page WHERE {t=}account = ?",
}
