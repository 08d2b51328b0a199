package sql

// The queries of the trace's index, numbered behind those of the full-text index.
const (
	qTraceTurn Query = endOfTextQueries + iota
	qTraceCursor
	qTraceHeads
	qTraceHeadsLock
	qTraceItems
	qTracePages
	qTracePageRange
	qInsertTraceSegment
	qInsertTracePage
	qDeleteTraceSegment
	qDeleteTracePages
	qPruneTraceSegments
	qTraceAgain
	qInsertTraceAgain
	qDeleteTraceAgain
	qPruneTraceAgain
	qTraceSums
	qAddTraceSum
	qPruneTraceSums
	qDropTraceSegments
	qDropTracePages
	qDropTraceAgain
	qDropTraceSums
	qDropTraceTurn
	qMoveTraceCursor
	qTraceSize

	endOfQueries
)

const traceHeads = "SELECT id, first, last, docs, bits, octets FROM trace_segment WHERE {t=}id > 0 ORDER BY id"

var traceQueryTexts = [endOfQueries - endOfTextQueries]string{
	// Who changes the index holds the cursor's row until the end of the transaction.
	qTraceTurn - endOfTextQueries: "INSERT INTO trace_cursor ({t,}num, item, segment) VALUES ({$t,}1, 0, 0) " +
		"ON CONFLICT ({t,}num) DO UPDATE SET num = 1 RETURNING item, segment",
	qTraceCursor - endOfTextQueries:     "SELECT item FROM trace_cursor WHERE {t=}num = 1",
	qMoveTraceCursor - endOfTextQueries: "UPDATE trace_cursor SET item = ?, segment = ? WHERE {t=}num = 1",

	qTraceHeads - endOfTextQueries:     traceHeads,
	qTraceHeadsLock - endOfTextQueries: traceHeads + "{lock}",
	qTraceItems - endOfTextQueries:     "SELECT items FROM trace_segment WHERE {t=}id = ?",
	qTracePages - endOfTextQueries:     "SELECT id, data FROM trace_page WHERE {t=}id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	qTracePageRange - endOfTextQueries: "SELECT data FROM trace_page WHERE {t=}id >= ? AND id < ? ORDER BY id",
	qInsertTraceSegment - endOfTextQueries: "INSERT INTO trace_segment ({t,}id, first, last, docs, bits, octets, items) " +
		"VALUES ({$t,}?, ?, ?, ?, ?, ?, ?)",
	qInsertTracePage - endOfTextQueries:    "INSERT INTO trace_page ({t,}id, data) VALUES ({$t,}?, ?)",
	qDeleteTraceSegment - endOfTextQueries: "DELETE FROM trace_segment WHERE {t=}id = ?",
	qDeleteTracePages - endOfTextQueries:   "DELETE FROM trace_page WHERE {t=}id >= ? AND id < ?",
	qPruneTraceSegments - endOfTextQueries: "SELECT id FROM trace_segment WHERE {t=}last < ? ORDER BY id LIMIT 1000",

	qTraceAgain - endOfTextQueries:       "SELECT item FROM trace_again WHERE {t=}item > ? ORDER BY item LIMIT ?",
	qInsertTraceAgain - endOfTextQueries: "INSERT INTO trace_again ({t,}item) VALUES ({$t,}?) ON CONFLICT ({t,}item) DO NOTHING",
	qDeleteTraceAgain - endOfTextQueries: "DELETE FROM trace_again WHERE {t=}item = ?",
	qPruneTraceAgain - endOfTextQueries:  "DELETE FROM trace_again WHERE {t=}item < ?",

	qTraceSums - endOfTextQueries: "SELECT hour, name, num FROM trace_sum WHERE {t=}hour >= ? AND hour < ? ORDER BY hour, name",
	qAddTraceSum - endOfTextQueries: "INSERT INTO trace_sum ({t,}hour, name, num) VALUES ({$t,}?, ?, ?) " +
		"ON CONFLICT ({t,}hour, name) DO UPDATE SET num = trace_sum.num + excluded.num",
	qPruneTraceSums - endOfTextQueries: "DELETE FROM trace_sum WHERE {t=}hour < ?",

	qDropTraceSegments - endOfTextQueries: "DELETE FROM trace_segment WHERE {t=}id > 0",
	qDropTracePages - endOfTextQueries:    "DELETE FROM trace_page WHERE {t=}id > 0",
	qDropTraceAgain - endOfTextQueries:    "DELETE FROM trace_again WHERE {t=}item > 0",
	qDropTraceSums - endOfTextQueries:     "DELETE FROM trace_sum WHERE {t=}hour > -1",
	qDropTraceTurn - endOfTextQueries:     "DELETE FROM trace_cursor WHERE {t=}num = 1",
	qTraceSize - endOfTextQueries: "SELECT count(*), CAST(coalesce(sum(docs), 0) AS {int}), CAST(coalesce(sum(octets), 0) AS {int}) " +
		"FROM trace_segment WHERE {t=}id > 0",
}
