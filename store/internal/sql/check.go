package sql

import (
	"bytes"
	"fmt"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Report takes what a check found, as store.Finding says it.
type Report func(what string, repaired, garbage bool)

// checker verifies what the rows of a tenant promise of each other.
type checker struct {
	*Tx
	repair bool
	report Report
}

// checkOp names the check in errors.
const checkOp mail.Op = "store.Check"

// portion is how many rows a check or a sweep looks at with one query.
const portion = 1000

// Check verifies the rows of a tenant inside a transaction. With repair, that transaction must be one that can
// write, and nobody else may be in it; the backend drops its cache afterwards.
func Check(c Conn, tenant mail.TenantID, ids *mail.IDSource, repair bool, report Report) error {
	k := checker{NewTx(c, NewCache(tenant), ids, nil), repair, report}
	k.Start(time.Now())
	for _, step := range []func() error{
		k.boxless, k.mailboxes, k.boxes, k.references, k.lostKeys, k.objects, k.acts, k.garbage,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// found reports something that is wrong, and repairs it if it may, by a statement with k.args.
func (k *checker) found(q Query, format string, args ...any) error {
	if k.repair {
		if err := k.change(checkOp, q); err != nil {
			return err
		}
	}
	k.report(fmt.Sprintf(format, args...), k.repair, false)
	return nil
}

// table reads a query's numbers, columns of each row.
func (k *checker) table(q Query, columns int) (rows [][]int64, err error) {
	err = k.rows(checkOp, q, func(r Row) bool {
		row := make([]int64, columns)
		for i := range row {
			row[i] = r.Int(i)
		}
		rows = append(rows, row)
		return true
	})
	return rows, err
}

// boxless finds accounts with mailboxes but without counters. The counters are set right by boxes.
func (k *checker) boxless() error {
	k.args.Reset()
	rows, err := k.table(qBoxless, 1)
	for _, r := range rows {
		k.args.Reset().Int(r[0])
		if err := k.found(qInsertBox, "account %s has mailboxes but no counters", mail.AccountID(r[0])); err != nil {
			return err
		}
	}
	return err
}

// mailboxes compares the counters of mailboxes with their messages.
func (k *checker) mailboxes() error {
	for after := int64(0); ; {
		k.args.Reset().Int(after).Int(portion)
		rows, err := k.table(qCheckMailboxes, 14)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			after = r[0]
			if err := k.mailbox(r); err != nil {
				return err
			}
		}
	}
}

// mailbox compares one: id, then uidnext, modseq, messages, unseen, deleted, size as they stand, then the
// largest uid and modseq, and the other four as counted, and the largest modseq of those gone.
func (k *checker) mailbox(r []int64) error {
	uidnext, modseq := max(r[1], r[7]+1), max(r[2], r[8], r[13])
	if uidnext == r[1] && modseq == r[2] && r[3] == r[9] && r[4] == r[10] && r[5] == r[11] && r[6] == r[12] {
		return nil
	}
	k.args.Reset().Int(uidnext).Int(modseq).Int(r[9]).Int(r[10]).Int(r[11]).Int(r[12]).Int(r[0])
	return k.found(qUpdateCounters, "mailbox %s counts uidnext, modseq, messages, unseen, deleted, size as %v, but they are %v",
		mail.MailboxID(r[0]), r[1:7], append([]int64{uidnext, modseq}, r[9:13]...))
}

// boxes compares the counters of accounts with those of their mailboxes.
func (k *checker) boxes() error {
	for after := int64(0); ; {
		k.args.Reset().Int(after).Int(portion)
		rows, err := k.table(qCheckBoxes, 9)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			after = r[0]
			modseq, validity := max(r[1], r[5]), max(r[4], r[8])
			if modseq == r[1] && r[2] == r[6] && r[3] == r[7] && validity == r[4] {
				continue
			}
			k.args.Reset().Int(modseq).Int(r[6]).Int(r[7]).Int(validity).Int(r[0])
			if err := k.found(qUpdateBox, "account %s counts modseq, octets, messages, validity as %v, but they are %v",
				mail.AccountID(r[0]), r[1:5], []int64{modseq, r[6], r[7], validity}); err != nil {
				return err
			}
		}
	}
}

// references finds rows that refer to what is not there. To remove them would lose something.
func (k *checker) references() error {
	for _, c := range []struct {
		query Query
		what  string
	}{
		{qLostMailboxes, "mailbox %s: its parent %s does not exist in its account"},
		{qLostMessages, "message %s: its mailbox %s does not exist in its account"},
		{qLostBlobs, "message %s: its octets %s do not exist or have another size"},
		{qLostItemBlobs, "queue item %s: its octets %s do not exist"},
		{qLostEntries, "entry %s: its account %s does not count as far"},
		{qLostEntryBlobs, "entry %s: its octets %s do not exist or have another size"},
		{qDoubleUIDs, "mailbox %s: several messages have UID %[2]d"},
	} {
		k.args.Reset()
		rows, err := k.table(c.query, 2)
		if err != nil {
			return err
		}
		for _, r := range rows {
			k.report(fmt.Sprintf(c.what, mail.EmailID(r[0]), mail.BlobID(r[1])), false, false)
		}
	}
	return nil
}

// lostKeys finds keys and marks of objects that do not exist.
func (k *checker) lostKeys() error {
	for _, c := range []struct {
		find, remove Query
		what         string
	}{
		{qLostKeys, qDeleteKey, "key"},
		{qLostMarks, qDeleteMark, "mark"},
	} {
		type lost struct {
			key  store.Key
			kind string
			id   mail.ObjectID
		}
		var list []lost
		k.args.Reset()
		err := k.rows(checkOp, c.find, func(r Row) bool {
			list = append(list, lost{store.Key{Name: r.Text(0), Value: r.Text(1)}, r.Text(2), mail.ObjectID(r.Int(3))})
			return true
		})
		if err != nil {
			return err
		}
		for _, l := range list {
			k.keyArgs(c.remove, l.kind, l.id, l.key)
			if err := k.found(c.remove, "%s %q belongs to %s %s, which does not exist", c.what, l.key, l.kind, l.id); err != nil {
				return err
			}
		}
	}
	return nil
}

// objects verifies that the keys each object names are there.
func (k *checker) objects() error {
	kind, after := "", mail.ObjectID(0)
	for {
		k.args.Reset().Text(kind).Text(kind).Int(int64(after)).Int(portion)
		list, err := k.Reader.objects(checkOp, qAllObjects)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, o := range list {
			kind, after = o.Kind, o.ID
			if err := k.keysOf(o); err != nil {
				return err
			}
		}
	}
}

func (k *checker) keysOf(o store.Object) error {
	for _, key := range o.Unique {
		owner, held := "", mail.ObjectID(0)
		k.args.Reset().Text(key.Name).Text(key.Value)
		err := k.rows(checkOp, qKeyOwner, func(r Row) bool {
			owner, held = r.Text(0), mail.ObjectID(r.Int(1))
			return false
		})
		switch {
		case err != nil:
			return err
		case held == 0:
			k.keyArgs(qInsertKey, o.Kind, o.ID, key)
			err = k.found(qInsertKey, "%s %s is not found by its key %q", o.Kind, o.ID, key)
		case owner != o.Kind || held != o.ID:
			k.report(fmt.Sprintf("%s %s and %s %s both have the key %q", o.Kind, o.ID, owner, held, key), false, false)
		}
		if err != nil {
			return err
		}
	}
	for _, key := range o.Marks {
		k.keyArgs(qInsertMark, o.Kind, o.ID, key)
		_, found, err := k.number(checkOp, qHasMark)
		if err == nil && !found {
			err = k.found(qInsertMark, "%s %s is not found by its mark %q", o.Kind, o.ID, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// acts verifies the operation log: no line is missing, and each is as it was written (CP-7). Nothing of that is
// repaired: what is missing would be missing for good, and nobody would see it.
func (k *checker) acts() error {
	chain, err := k.Chain()
	if err != nil {
		return err
	}
	book := store.NewLedger(k.cache.tenant, chain.Anchor)
	last := chain.Anchor // as the rows have it
	for after := uint64(0); ; after = last.Seq {
		list, err := k.Acts(after, portion)
		if err != nil {
			return err
		}
		for i := range list {
			if err := book.Add(&list[i]); err != nil {
				k.report(fmt.Sprintf("the operation log is not as it was written: line %d", list[i].Seq), false, false)
				return nil
			}
			last = store.Link{Seq: list[i].Seq, Hash: list[i].Hash}
		}
		if len(list) < portion {
			break
		}
	}
	if chain.Head.Seq == last.Seq && bytes.Equal(chain.Head.Hash, last.Hash) {
		return nil
	}
	k.report(fmt.Sprintf("the operation log ends at %d, but %d is noted as its end", last.Seq, chain.Head.Seq), false, false)
	return nil
}

// garbage counts the blobs nothing refers to. A sweep removes them.
func (k *checker) garbage() error {
	const all = mail.BlobID(1<<63 - 1)
	n := 0
	for after := mail.BlobID(0); ; {
		dead, end, err := k.DeadBlobs(after, all, portion)
		if err != nil {
			return err
		}
		n += len(dead)
		if end == 0 {
			break
		}
		after = end
	}
	if n > 0 {
		k.report(fmt.Sprintf("nothing refers to %d messages' octets", n), false, true)
	}
	k.args.Reset()
	bodies, err := k.table(qLostBodies, 1)
	for _, r := range bodies {
		k.args.Reset().Int(r[0])
		if err := k.found(qDeleteBody, "the octets %s have no description", mail.BlobID(r[0])); err != nil {
			return err
		}
	}
	return err
}
