package sql

// Query is the number of a query; Texts gives its text. Backends keep prepared statements by this number.
type Query int

// The queries, in the order of the rooms of the contract.
const (
	qMeta Query = iota
	qMetaLock
	qPutMeta

	qObject
	qObjectLock
	qObjectByKey
	qKeyOwner
	qObjects
	qMarked
	qCountMarked
	qInsertObject
	qUpdateObject
	qDeleteObject
	qInsertKey
	qDeleteKey
	qInsertMark
	qDeleteMark
	qActs
	qActsBack
	qActsOfObject
	qActsOfActor
	qActsOfOp
	qFirstActSince
	qLastActBefore
	qInsertAct
	qForgetActs

	qBox
	qBoxLock
	qBoxLockByMailbox
	qInsertBox
	qUpdateBox
	qMailbox
	qMailboxes
	qSibling
	qRoleHolder
	qHasChildren
	qInsertMailbox
	qSetMailbox
	qUpdateCounters
	qDeleteMailbox
	qDeleteMessages
	qDeleteGone
	qBuryMessages
	qBuryMailbox
	qGoneMailboxes
	qMailboxesFloor
	qPutMailboxesFloor
	qDropGoneMailbox
	qMailboxTooMany
	qDropGoneMailboxes
	qDropGoneOfAccount
	qKeywords
	qInsertKeyword

	qMarksAll
	qMarksFloor
	qMarksSince
	qGone
	qMessagesSince
	qMessages
	qMessagesIndex
	qMessagesPlace
	qMessagesBoth
	qEmail
	qMessageAt
	qInsertMessage
	qSetFlags
	qFlagSums
	qChangeFlags
	qMoveMessage
	qDeleteMessage
	qInsertGone

	qBlob
	qInsertBlob
	qInsertBody
	qPlace
	qPutPlace
	qDeadBlobs
	qBlobsEnd
	qDeleteBlob
	qDeleteBody
	qPackUse
	qPacked

	qItem
	qItemLock
	qItemLease
	qItems
	qItemsOf
	qItemsDone
	qRoutes
	qItemsOn
	qItemsBack
	qItemsByID
	qInsertItem
	qUpdateItem
	qUpdateLeased
	qDeleteItem
	qPruneItems
	qClaimItems
	qEndLeases
	qNextWake

	qMemo
	qCountMemos
	qPutMemo
	qDropMemo
	qDropMemos
	qDropFirstMemo

	qEntry
	qEntryByKey
	qEntries
	qEntriesIn
	qEntriesBack
	qEntriesEnded
	qEntrySums
	qStructure
	qEntriesSince
	qCountEntries
	qEntryState
	qEntryOwner
	qPutEntry
	qBuryEntry
	qEntryTooMany
	qForgetEntries
	qEntryFloor
	qPutEntryFloor
	qDropEntries
	qDropEntryFloors

	qCounts
	qCountsAfter
	qCountsFrom
	qCountCounts
	qAddCounts
	qFadeCounts
	qPruneCounts
	qDropCounts

	qThreadRefs
	qPutThreadRef
	qOldThreadRef
	qPruneThreadRefs
	qDropThreadRefs
	qThreadOf
	qSetThread

	qCheckMailboxes
	qCheckBoxes
	qBoxless
	qLostMailboxes
	qLostMessages
	qLostBlobs
	qLostBodies
	qLostItemBlobs
	qLostEntries
	qLostEntryBlobs
	qDoubleUIDs
	qLostKeys
	qLostMarks
	qAllObjects
	qHasMark
	qAllBlobs

	numQueries
)

func (q Query) String() string {
	switch {
	case q >= endOfTextQueries:
		return traceQueryTexts[q-endOfTextQueries]
	case q >= numQueries:
		return textQueryTexts[q-numQueries]
	}
	return queryTexts[q]
}

const messageColumns = "m.id, m.account, m.mailbox, m.uid, m.flags, m.modseq, m.received, m.saved, m.thread, m.blob, m.size, m.hash, m.born, m.made, m.turned"

// placeColumns look for a row of body only where there is one.
const placeColumns = ", b.pack, b.off, CASE WHEN b.pack = 0 THEN (SELECT o.octets FROM body o WHERE {o.t=}o.id = b.id) END"

const messageRange = " FROM message m LEFT JOIN blob b ON {b.t=}b.id = m.blob " +
	"WHERE {m.t=}m.mailbox = ? AND m.uid >= ? AND m.uid <= ? ORDER BY m.uid"

// flagsRange are the messages of a range of UIDs whose flags would be others.
const flagsRange = "mailbox = ? AND uid >= ? AND uid <= ? AND flags <> ((flags & ?) | ?)"

const mailboxColumns = "id, account, parent, name, role, subscribed, uidvalidity, uidnext, modseq, messages, unseen, deleted, size, made, changed, place"

const itemColumns = "i.id, i.state, i.due, i.route, i.blob, b.size, b.hash, i.doc, i.fence, i.leased, i.tries"

const itemJoin = " FROM item i LEFT JOIN blob b ON {b.t=}b.id = i.blob WHERE {i.t=}"

const actColumns = "seq, at, actor, role, remote, session, agent, why, reason, kind, id, older, newer, hash"

// actsBack are the conditions of every search in the operation log; what is empty is no condition.
const (
	actsBack = "seq < ? AND seq > ? AND at >= ? AND at < ? AND (? = '' OR actor = ?) AND (? = '' OR why = ?)"
	lastActs = " ORDER BY seq DESC LIMIT ?"
)

const entryColumns = "kind, account, id, parent, name, modseq, born, gone, doc, ends, blob, size, hash"

// addCounts adds to counts; what it ends with says how. Of a fading one, what is there is halved for each turn, at most 62 times.
const (
	addCounts = "INSERT INTO learned ({t,}kind, key, a, b, turn) SELECT {$t,}CAST(? AS {int}), CAST({value 0} AS {int}), " +
		"CAST({value 1} AS {int}), CAST({value 2} AS {int}), CAST({value 3} AS {int}) FROM {each(}?{)} WHERE 1 = 1 " +
		"ON CONFLICT ({t,}kind, key) DO UPDATE SET "
	turns = "CAST(CASE WHEN excluded.turn <= learned.turn THEN 0 WHEN excluded.turn > learned.turn + 62 THEN 62 ELSE excluded.turn - learned.turn END AS INTEGER)"
)

const objectColumns = "o.kind, o.id, o.version, o.keys, o.changed, o.doc"

var queryTexts = [numQueries]string{
	qMeta:     "SELECT num, data FROM meta WHERE {t=}name = ?",
	qMetaLock: "SELECT num, data FROM meta WHERE {t=}name = ?{lock}",
	qPutMeta: "INSERT INTO meta ({t,}name, num, data) VALUES ({$t,}?, ?, ?) " +
		"ON CONFLICT ({t,}name) DO UPDATE SET num = excluded.num, data = excluded.data",

	qObject:     "SELECT " + objectColumns + " FROM object o WHERE {o.t=}o.kind = ? AND o.id = ?",
	qObjectLock: "SELECT " + objectColumns + " FROM object o WHERE {o.t=}o.kind = ? AND o.id = ?{lock}",
	qObjectByKey: "SELECT " + objectColumns + " FROM object_key k JOIN object o ON {o.t=}o.kind = k.kind AND o.id = k.id " +
		"WHERE {k.t=}k.name = ? AND k.value = ?",
	qKeyOwner: "SELECT kind, id FROM object_key WHERE {t=}name = ? AND value = ?",
	qObjects:  "SELECT " + objectColumns + " FROM object o WHERE {o.t=}o.kind = ? AND o.id > ? ORDER BY o.id LIMIT ?",
	qMarked: "SELECT " + objectColumns + " FROM object_mark k JOIN object o ON {o.t=}o.kind = k.kind AND o.id = k.id " +
		"WHERE {k.t=}k.kind = ? AND k.name = ? AND k.value = ? AND k.id > ? ORDER BY k.id LIMIT ?",
	qCountMarked:  "SELECT count(*) FROM object_mark WHERE {t=}kind = ? AND name = ? AND value = ?",
	qInsertObject: "INSERT INTO object ({t,}kind, id, version, keys, changed, doc) VALUES ({$t,}?, ?, ?, ?, ?, ?)",
	qUpdateObject: "UPDATE object SET version = ?, keys = ?, changed = ?, doc = ? WHERE {t=}kind = ? AND id = ?",
	qDeleteObject: "DELETE FROM object WHERE {t=}kind = ? AND id = ?",
	qInsertKey:    "INSERT INTO object_key ({t,}name, value, kind, id) VALUES ({$t,}?, ?, ?, ?)",
	qDeleteKey:    "DELETE FROM object_key WHERE {t=}name = ? AND value = ? AND kind = ? AND id = ?",
	qInsertMark:   "INSERT INTO object_mark ({t,}kind, name, value, id) VALUES ({$t,}?, ?, ?, ?)",
	qDeleteMark:   "DELETE FROM object_mark WHERE {t=}kind = ? AND name = ? AND value = ? AND id = ?",
	qActs:         "SELECT " + actColumns + " FROM act WHERE {t=}seq > ? ORDER BY seq LIMIT ?",
	qActsBack:     "SELECT " + actColumns + " FROM act WHERE {t=}" + actsBack + " AND (? = '' OR kind = ?)" + lastActs,
	qActsOfObject: "SELECT " + actColumns + " FROM act WHERE {t=}" + actsBack + " AND (? = '' OR kind = ?) AND id = ?" + lastActs,
	qActsOfActor:  "SELECT " + actColumns + " FROM act WHERE {t=}" + actsBack + " AND (? = '' OR kind = ?) AND actor = ?" + lastActs,
	qActsOfOp:     "SELECT " + actColumns + " FROM act WHERE {t=}" + actsBack + " AND (? = '' OR kind = ?) AND why = ?" + lastActs,
	// By at, not by seq: the index on at answers at once.
	qFirstActSince: "SELECT seq FROM act WHERE {t=}at >= ? ORDER BY at, seq LIMIT 1",
	qLastActBefore: "SELECT seq FROM act WHERE {t=}at < ? ORDER BY at DESC, seq DESC LIMIT 1",
	qInsertAct: "INSERT INTO act ({t,}" + actColumns + ") " +
		"VALUES ({$t,}?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	qForgetActs: "DELETE FROM act WHERE {t=}seq <= ?",

	qBox:     "SELECT account, modseq, used, messages, validity FROM box WHERE {t=}account = ?",
	qBoxLock: "SELECT account, modseq, used, messages, validity FROM box WHERE {t=}account = ?{lock}",
	qBoxLockByMailbox: "SELECT account, modseq, used, messages, validity FROM box " +
		"WHERE {t=}account = (SELECT account FROM mailbox WHERE {t=}id = ?){lock}",
	qInsertBox: "INSERT INTO box ({t,}account, modseq, used, messages, validity) VALUES ({$t,}?, 0, 0, 0, 0) " +
		"ON CONFLICT ({t,}account) DO NOTHING",
	qUpdateBox:     "UPDATE box SET modseq = ?, used = ?, messages = ?, validity = ? WHERE {t=}account = ?",
	qMailbox:       "SELECT " + mailboxColumns + " FROM mailbox WHERE {t=}id = ?",
	qMailboxes:     "SELECT " + mailboxColumns + " FROM mailbox WHERE {t=}account = ? ORDER BY id",
	qSibling:       "SELECT id FROM mailbox WHERE {t=}account = ? AND parent = ? AND name = ?",
	qRoleHolder:    "SELECT id FROM mailbox WHERE {t=}account = ? AND role = ? AND role <> ''",
	qHasChildren:   "SELECT id FROM mailbox WHERE {t=}account = ? AND parent = ? LIMIT 1",
	qInsertMailbox: "INSERT INTO mailbox ({t,}" + mailboxColumns + ") VALUES ({$t,}?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?, ?)",
	qSetMailbox:    "UPDATE mailbox SET parent = ?, name = ?, role = ?, subscribed = ?, changed = ?, place = ? WHERE {t=}id = ?",
	qUpdateCounters: "UPDATE mailbox SET uidnext = ?, modseq = ?, messages = ?, unseen = ?, deleted = ?, size = ? " +
		"WHERE {t=}id = ?",
	qDeleteMailbox:  "DELETE FROM mailbox WHERE {t=}id = ?",
	qDeleteMessages: "DELETE FROM message WHERE {t=}mailbox = ?",
	qDeleteGone:     "DELETE FROM gone WHERE {t=}mailbox = ?",
	// What was in a mailbox leaves a trace with it.
	qBuryMessages: "INSERT INTO gone ({t,}mailbox, modseq, uid, email, thread, made, hidden) " +
		"SELECT {$t,}mailbox, CAST(? AS {int}), uid, id, thread, made, CASE WHEN flags & 8 <> 0 THEN turned ELSE 0 END FROM message WHERE {t=}mailbox = ?",
	qBuryMailbox: "INSERT INTO mailbox_gone ({t,}account, mailbox, modseq, made) VALUES ({$t,}?, ?, ?, ?) " +
		"ON CONFLICT ({t,}account, mailbox) DO UPDATE SET modseq = excluded.modseq, made = excluded.made",
	qGoneMailboxes: "SELECT mailbox, modseq, made FROM mailbox_gone WHERE {t=}account = ? AND mailbox <> 0 AND modseq > ? " +
		"ORDER BY modseq, mailbox",
	qMailboxesFloor: "SELECT modseq FROM mailbox_gone WHERE {t=}account = ? AND mailbox = 0",
	qPutMailboxesFloor: "INSERT INTO mailbox_gone ({t,}account, mailbox, modseq, made) VALUES ({$t,}?, 0, ?, 0) " +
		"ON CONFLICT ({t,}account, mailbox) DO UPDATE SET modseq = excluded.modseq",
	qDropGoneMailbox: "DELETE FROM mailbox_gone WHERE {t=}account = ? AND mailbox = ?",
	qMailboxTooMany: "SELECT mailbox, modseq FROM mailbox_gone WHERE {t=}account = ? AND mailbox <> 0 " +
		"ORDER BY modseq DESC LIMIT 1 OFFSET ?",
	qDropGoneMailboxes: "DELETE FROM mailbox_gone WHERE {t=}account = ?",
	qDropGoneOfAccount: "DELETE FROM gone WHERE {t=}mailbox IN (SELECT mailbox FROM mailbox_gone WHERE {t=}account = ?)",
	qKeywords:          "SELECT name FROM keyword WHERE {t=}account = ? ORDER BY bit",
	qInsertKeyword:     "INSERT INTO keyword ({t,}account, bit, name) VALUES ({$t,}?, ?, ?)",

	qMarksAll:   "SELECT uid, flags, modseq FROM message WHERE {t=}mailbox = ? ORDER BY uid",
	qMarksFloor: "SELECT uid FROM message WHERE {t=}mailbox = ? AND born <= ? ORDER BY uid DESC LIMIT 1",
	// +uid keeps SQLite from searching by uid where message_changed finds less.
	qMarksSince: "SELECT uid, flags, modseq FROM message WHERE {t=}mailbox = ? AND uid > ? UNION ALL " +
		"SELECT uid, flags, modseq FROM message WHERE {t=}mailbox = ? AND modseq > ? AND modseq <> born AND +uid <= ?",
	qGone: "SELECT uid, modseq, email, thread, made, hidden FROM gone WHERE {t=}mailbox = ? AND modseq > ? ORDER BY modseq, uid",
	qMessagesSince: "SELECT " + messageColumns + " FROM message m WHERE {m.t=}m.mailbox = ? AND m.uid > ? UNION ALL " +
		"SELECT " + messageColumns + " FROM message m WHERE {m.t=}m.mailbox = ? AND m.modseq > ? AND m.modseq <> m.born AND +m.uid <= ?",
	qMessages: "SELECT " + messageColumns + " FROM message m " +
		"WHERE {m.t=}m.mailbox = ? AND m.uid >= ? AND m.uid <= ? ORDER BY m.uid",
	qMessagesIndex: "SELECT " + messageColumns + ", b.idx" + messageRange,
	qMessagesPlace: "SELECT " + messageColumns + ", NULL" + placeColumns + messageRange,
	qMessagesBoth:  "SELECT " + messageColumns + ", b.idx" + placeColumns + messageRange,
	qEmail: "SELECT " + messageColumns + ", b.idx FROM message m LEFT JOIN blob b ON {b.t=}b.id = m.blob " +
		"WHERE {m.t=}m.id = ?",
	qMessageAt: "SELECT id, flags, modseq, size, thread, made, turned FROM message WHERE {t=}mailbox = ? AND uid = ?",
	qInsertMessage: "INSERT INTO message ({t,}id, account, mailbox, uid, flags, modseq, born, made, turned, received, saved, size, blob, hash, thread) " +
		"VALUES ({$t,}?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	qSetFlags: "UPDATE message SET flags = ?, modseq = ?, turned = ? WHERE {t=}id = ?",
	qFlagSums: "SELECT count(*), coalesce(sum(CASE WHEN flags & 1 = 0 THEN 1 ELSE 0 END), 0), " +
		"coalesce(sum(CASE WHEN flags & 8 <> 0 THEN 1 ELSE 0 END), 0) FROM message WHERE {t=}" + flagsRange,
	qChangeFlags: "UPDATE message SET turned = CASE WHEN flags & 8 <> ((flags & ?) | ?) & 8 THEN ? ELSE turned END, " +
		"flags = (flags & ?) | ?, modseq = ? WHERE {t=}" + flagsRange,
	qMoveMessage:   "UPDATE message SET mailbox = ?, uid = ?, modseq = ?, born = ?, saved = ? WHERE {t=}id = ?",
	qDeleteMessage: "DELETE FROM message WHERE {t=}id = ?",
	qInsertGone:    "INSERT INTO gone ({t,}mailbox, modseq, uid, email, thread, made, hidden) VALUES ({$t,}?, ?, ?, ?, ?, ?, ?)",

	qBlob:       "SELECT size, hash FROM blob WHERE {t=}id = ?{lock}",
	qInsertBlob: "INSERT INTO blob ({t,}id, size, hash, pack, off, idx) VALUES ({$t,}?, ?, ?, ?, ?, ?)",
	qInsertBody: "INSERT INTO body ({t,}id, octets) VALUES ({$t,}?, ?)",
	qPlace: "SELECT b.id, b.size, b.hash, b.pack, b.off, o.octets FROM blob b LEFT JOIN body o ON {o.t=}o.id = b.id " +
		"WHERE {b.t=}b.id = ?",
	qPutPlace: "UPDATE blob SET pack = ?, off = ? WHERE {t=}id = ? AND pack = ? AND off = ?",
	qDeadBlobs: "SELECT b.id FROM blob b WHERE {b.t=}b.id > ? AND b.id <= ? " +
		"AND NOT EXISTS (SELECT 1 FROM message m WHERE {m.t=}m.blob = b.id) " +
		"AND NOT EXISTS (SELECT 1 FROM entry e WHERE {e.t=}e.blob = b.id AND e.blob <> 0) " +
		"AND NOT EXISTS (SELECT 1 FROM item i WHERE {i.t=}i.blob = b.id AND i.state <> 3) ORDER BY b.id",
	qBlobsEnd: "SELECT coalesce(max(id), 0) FROM (SELECT id FROM blob WHERE {t=}id > ? AND id <= ? ORDER BY id LIMIT ?) AS portion",
	qDeleteBlob: "DELETE FROM blob WHERE {t=}id = ? " +
		"AND NOT EXISTS (SELECT 1 FROM message m WHERE {m.t=}m.blob = blob.id) " +
		"AND NOT EXISTS (SELECT 1 FROM entry e WHERE {e.t=}e.blob = blob.id AND e.blob <> 0) " +
		"AND NOT EXISTS (SELECT 1 FROM item i WHERE {i.t=}i.blob = blob.id AND i.state <> 3)",
	qDeleteBody: "DELETE FROM body WHERE {t=}id = ? AND NOT EXISTS (SELECT 1 FROM blob b WHERE {b.t=}b.id = body.id)",
	qPackUse:    "SELECT pack, CAST(sum(size) AS {int}), count(*) FROM blob WHERE {t=}pack <> 0 GROUP BY pack ORDER BY pack",
	qPacked:     "SELECT id, size, hash, pack, off, NULL FROM blob WHERE {t=}pack = ? AND id > ? ORDER BY id LIMIT ?",

	qItem:      "SELECT " + itemColumns + itemJoin + "i.id = ?",
	qItemLock:  "SELECT " + itemColumns + itemJoin + "i.id = ?{lock i}",
	qItemLease: "SELECT fence, leased FROM item WHERE {t=}id = ?{lock}",
	qItems:     "SELECT " + itemColumns + itemJoin + "i.id > ? ORDER BY i.id LIMIT ?",
	qItemsOf:   "SELECT " + itemColumns + itemJoin + "i.state = ? AND i.state <> 3 AND i.id > ? ORDER BY i.id LIMIT ?",
	qItemsDone: "SELECT " + itemColumns + itemJoin + "i.state = 3 AND i.id > ? ORDER BY i.id LIMIT ?",
	qRoutes:    "SELECT route, count(*), min(id), min(due) FROM item WHERE {t=}state <> 3 GROUP BY route ORDER BY count(*) DESC, route LIMIT ?",
	qItemsOn:   "SELECT " + itemColumns + itemJoin + "i.route = ? AND i.state <> 3 AND i.id > ? ORDER BY i.id LIMIT ?",
	qItemsBack: "SELECT " + itemColumns + itemJoin + "i.id >= ? AND i.id < ? ORDER BY i.id DESC LIMIT ?",
	qItemsByID: "SELECT " + itemColumns + itemJoin + "i.id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	qInsertItem: "INSERT INTO item ({t,}id, state, due, wake, route, blob, fence, leased, worker, tries, doc) " +
		"VALUES ({$t,}?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?)",
	qUpdateItem: "UPDATE item SET state = ?, due = ?, wake = ?, route = ?, blob = ?, leased = ?, tries = ?, doc = ? " +
		"WHERE {t=}id = ?",
	// Of the lease's holder, who need not prove anything else: his item keeps the blob alive.
	qUpdateLeased: "UPDATE item SET state = ?, due = ?, wake = ?, route = ?, leased = ?, tries = ?, doc = ? " +
		"WHERE {t=}id = ? AND fence = ? AND leased <> 0 AND blob = ? RETURNING id",
	qDeleteItem: "DELETE FROM item WHERE {t=}id = ?",
	qPruneItems: "DELETE FROM item WHERE {t=}id IN (SELECT id FROM item WHERE {t=}state = 3 AND id < ? ORDER BY id LIMIT ?) RETURNING id",
	qClaimItems: "WITH due AS (SELECT id FROM item WHERE {t=}state = 1 AND wake <= ? ORDER BY wake LIMIT ?{skip}) " +
		"UPDATE item SET fence = fence + 1, tries = tries + 1, leased = ?, wake = ?, worker = ? WHERE {t=}id IN (SELECT id FROM due) " +
		"RETURNING id, state, due, route, blob, (SELECT b.size FROM blob b WHERE {b.t=}b.id = item.blob), " +
		"(SELECT b.hash FROM blob b WHERE {b.t=}b.id = item.blob), doc, fence, leased, tries",
	qEndLeases: "UPDATE item SET leased = 0, wake = due WHERE {t=}leased <> 0",
	qNextWake:  "SELECT wake FROM item WHERE {t=}state = 1 ORDER BY wake LIMIT 1",

	qMemo:       "SELECT until FROM memo WHERE {t=}account = ? AND name = ?",
	qCountMemos: "SELECT count(*) FROM memo WHERE {t=}account = ? AND name <> ?",
	qPutMemo: "INSERT INTO memo ({t,}account, name, until) VALUES ({$t,}?, ?, ?) " +
		"ON CONFLICT ({t,}account, name) DO UPDATE SET until = excluded.until",
	qDropMemo:  "DELETE FROM memo WHERE {t=}account = ? AND name = ?",
	qDropMemos: "DELETE FROM memo WHERE {t=}account = ? AND until <= ?",
	qDropFirstMemo: "DELETE FROM memo WHERE {t=}account = ? AND name IN " +
		"(SELECT name FROM memo WHERE {t=}account = ? ORDER BY until LIMIT 1)",

	qEntry:      "SELECT " + entryColumns + " FROM entry WHERE {t=}account = ? AND kind = ? AND id = ? AND gone = 0",
	qEntryByKey: "SELECT " + entryColumns + " FROM entry WHERE {t=}account = ? AND kind = ? AND name = ? AND name <> '' AND gone = 0",
	qEntries:    "SELECT " + entryColumns + " FROM entry WHERE {t=}account = ? AND kind = ? AND gone = 0 AND id > ? ORDER BY id LIMIT ?",
	qEntriesIn: "SELECT " + entryColumns + " FROM entry WHERE {t=}account = ? AND kind = ? AND parent = ? AND gone = 0 AND id > ? " +
		"ORDER BY id LIMIT ?",
	qEntriesBack: "SELECT " + entryColumns + " FROM entry WHERE {t=}account = ? AND kind = ? AND gone = 0 AND id < ? ORDER BY id DESC LIMIT ?",
	qEntriesEnded: "SELECT kind, account, id, parent, name, modseq, born, gone, NULL, ends, blob, size, hash FROM entry " +
		"WHERE {t=}kind = ? AND ends <> 0 AND ends <= ? ORDER BY ends, id LIMIT ?",
	qEntrySums: "SELECT account, count(*), CAST(sum(size) AS {int}), max(id) FROM entry WHERE {t=}kind = ? AND ends <> 0 AND account > ? " +
		"GROUP BY account ORDER BY account LIMIT ?",
	qStructure:    "SELECT idx FROM blob WHERE {t=}id = ?",
	qEntriesSince: "SELECT " + entryColumns + " FROM entry WHERE {t=}account = ? AND kind = ? AND modseq > ? ORDER BY modseq LIMIT ?",
	qCountEntries: "SELECT count(*) FROM entry WHERE {t=}account = ? AND kind = ? AND gone = 0",
	qEntryState:   "SELECT modseq, born, gone FROM entry WHERE {t=}account = ? AND kind = ? AND id = ?",
	qEntryOwner:   "SELECT id FROM entry WHERE {t=}account = ? AND kind = ? AND name = ? AND name <> '' AND gone = 0",
	qPutEntry: "INSERT INTO entry ({t,}" + entryColumns + ") VALUES ({$t,}?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?) " +
		"ON CONFLICT ({t,}account, kind, id) DO UPDATE SET parent = excluded.parent, name = excluded.name, modseq = excluded.modseq, " +
		"born = excluded.born, gone = 0, doc = excluded.doc, ends = excluded.ends, blob = excluded.blob, size = excluded.size, hash = excluded.hash",
	qBuryEntry:     "UPDATE entry SET modseq = ?, gone = 1, doc = NULL, ends = 0, blob = 0, size = 0, hash = NULL WHERE {t=}account = ? AND kind = ? AND id = ?",
	qEntryTooMany:  "SELECT modseq FROM entry WHERE {t=}account = ? AND kind = ? AND gone = 1 ORDER BY modseq DESC LIMIT 1 OFFSET ?",
	qForgetEntries: "DELETE FROM entry WHERE {t=}account = ? AND kind = ? AND gone = 1 AND modseq <= ?",
	qEntryFloor:    "SELECT modseq FROM entry_floor WHERE {t=}account = ? AND kind = ?",
	qPutEntryFloor: "INSERT INTO entry_floor ({t,}account, kind, modseq) VALUES ({$t,}?, ?, ?) " +
		"ON CONFLICT ({t,}account, kind) DO UPDATE SET modseq = excluded.modseq",
	qDropEntries:     "DELETE FROM entry WHERE {t=}account = ?",
	qDropEntryFloors: "DELETE FROM entry_floor WHERE {t=}account = ?",

	qCounts:      "SELECT key, a, b, turn FROM learned WHERE {t=}kind = ? AND key IN (SELECT CAST({value 0} AS {int}) FROM {each(}?{)})",
	qCountsAfter: "SELECT key, a, b, turn FROM learned WHERE {t=}kind = ? AND key > ? ORDER BY key LIMIT ?",
	qCountsFrom:  "SELECT key, a, b, turn FROM learned WHERE {t=}kind = ? AND key >= ? ORDER BY key LIMIT ?",
	qCountCounts: "SELECT count(*) FROM learned WHERE {t=}kind = ?",
	qAddCounts:   addCounts + "a = learned.a + excluded.a, b = learned.b + excluded.b, turn = excluded.turn",
	qFadeCounts:  addCounts + "a = (learned.a >> " + turns + ") + excluded.a, b = (learned.b >> " + turns + ") + excluded.b, turn = excluded.turn",
	qPruneCounts: "DELETE FROM learned WHERE {t=}kind = ? AND key IN " +
		"(SELECT key FROM learned WHERE {t=}kind = ? AND a + b <= ? ORDER BY turn, key LIMIT ?) RETURNING key",
	qDropCounts: "DELETE FROM learned WHERE {t=}kind = ?",

	qThreadRefs: "SELECT ref, thread FROM thread_ref WHERE {t=}account = ? AND ref IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	qPutThreadRef: "INSERT INTO thread_ref ({t,}account, ref, thread, used) VALUES ({$t,}?, ?, ?, ?) " +
		"ON CONFLICT ({t,}account, ref) DO UPDATE SET used = excluded.used",
	qOldThreadRef:    "SELECT ref FROM thread_ref WHERE {t=}account = ? AND used < ? LIMIT 1",
	qPruneThreadRefs: "DELETE FROM thread_ref WHERE {t=}account = ? AND used < ?",
	qDropThreadRefs:  "DELETE FROM thread_ref WHERE {t=}account = ?",
	qThreadOf:        "SELECT account, thread FROM message WHERE {t=}id = ?",
	qSetThread:       "UPDATE message SET thread = ? WHERE {t=}id = ? AND thread = 0",

	qCheckMailboxes: "SELECT b.id, b.uidnext, b.modseq, b.messages, b.unseen, b.deleted, b.size, " +
		"coalesce(max(m.uid), 0), coalesce(max(m.modseq), 0), count(m.id), " +
		"coalesce(sum(CASE WHEN m.flags & 1 = 0 THEN 1 ELSE 0 END), 0), " +
		"coalesce(sum(CASE WHEN m.flags & 8 <> 0 THEN 1 ELSE 0 END), 0), CAST(coalesce(sum(m.size), 0) AS {int}), " +
		"coalesce((SELECT max(g.modseq) FROM gone g WHERE {g.t=}g.mailbox = b.id), 0) " +
		"FROM mailbox b LEFT JOIN message m ON {m.t=}m.mailbox = b.id WHERE {b.t=}b.id > ? " +
		"GROUP BY b.id, b.uidnext, b.modseq, b.messages, b.unseen, b.deleted, b.size ORDER BY b.id LIMIT ?",
	qCheckBoxes: "SELECT b.account, b.modseq, b.used, b.messages, b.validity, coalesce(max(m.modseq), 0), " +
		"CAST(coalesce(sum(m.size), 0) AS {int}), CAST(coalesce(sum(m.messages), 0) AS {int}), coalesce(max(m.uidvalidity), 0) " +
		"FROM box b LEFT JOIN mailbox m ON {m.t=}m.account = b.account WHERE {b.t=}b.account > ? " +
		"GROUP BY b.account, b.modseq, b.used, b.messages, b.validity ORDER BY b.account LIMIT ?",
	qBoxless: "SELECT m.account, min(m.id) FROM mailbox m WHERE {m.t=}NOT EXISTS (SELECT 1 FROM box b WHERE {b.t=}b.account = m.account) " +
		"GROUP BY m.account",
	qLostMailboxes: "SELECT m.id, m.parent FROM mailbox m WHERE {m.t=}m.parent <> 0 " +
		"AND NOT EXISTS (SELECT 1 FROM mailbox p WHERE {p.t=}p.id = m.parent AND p.account = m.account)",
	qLostMessages: "SELECT m.id, m.mailbox FROM message m WHERE {m.t=}NOT EXISTS " +
		"(SELECT 1 FROM mailbox b WHERE {b.t=}b.id = m.mailbox AND b.account = m.account)",
	qLostBlobs: "SELECT m.id, m.blob FROM message m WHERE {m.t=}NOT EXISTS " +
		"(SELECT 1 FROM blob b WHERE {b.t=}b.id = m.blob AND b.size = m.size AND b.hash = m.hash)",
	qLostBodies: "SELECT o.id FROM body o WHERE {o.t=}NOT EXISTS (SELECT 1 FROM blob b WHERE {b.t=}b.id = o.id)",
	qLostItemBlobs: "SELECT i.id, i.blob FROM item i WHERE {i.t=}i.blob <> 0 AND i.state <> 3 " +
		"AND NOT EXISTS (SELECT 1 FROM blob b WHERE {b.t=}b.id = i.blob)",
	qLostEntries: "SELECT e.id, e.account FROM entry e WHERE {e.t=}NOT EXISTS " +
		"(SELECT 1 FROM box b WHERE {b.t=}b.account = e.account AND b.modseq >= e.modseq)",
	qLostEntryBlobs: "SELECT e.id, e.blob FROM entry e WHERE {e.t=}e.blob <> 0 AND NOT EXISTS " +
		"(SELECT 1 FROM blob b WHERE {b.t=}b.id = e.blob AND b.size = e.size AND b.hash = e.hash)",
	qDoubleUIDs: "SELECT mailbox, uid FROM message WHERE {t=}mailbox > 0 GROUP BY mailbox, uid HAVING count(*) > 1",
	qLostKeys: "SELECT k.name, k.value, k.kind, k.id FROM object_key k WHERE {k.t=}NOT EXISTS " +
		"(SELECT 1 FROM object o WHERE {o.t=}o.kind = k.kind AND o.id = k.id)",
	qLostMarks: "SELECT k.name, k.value, k.kind, k.id FROM object_mark k WHERE {k.t=}NOT EXISTS " +
		"(SELECT 1 FROM object o WHERE {o.t=}o.kind = k.kind AND o.id = k.id)",
	qAllObjects: "SELECT " + objectColumns + " FROM object o WHERE {o.t=}(o.kind > ? OR (o.kind = ? AND o.id > ?)) " +
		"ORDER BY o.kind, o.id LIMIT ?",
	qHasMark: "SELECT id FROM object_mark WHERE {t=}kind = ? AND name = ? AND value = ? AND id = ?",
	qAllBlobs: "SELECT b.id, b.size, b.hash, b.pack, b.off, o.octets FROM blob b LEFT JOIN body o ON {o.t=}o.id = b.id " +
		"WHERE {b.t=}b.id > ? ORDER BY b.id LIMIT ?",
}
