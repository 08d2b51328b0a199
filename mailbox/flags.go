package mailbox

import (
	"context"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// FlagOp is what Store does with flags.
type FlagOp uint8

// The operations of RFC 9051 §6.4.6.
const (
	Set    FlagOp = iota + 1 // FLAGS: these and no others
	Add                      // +FLAGS
	Remove                   // -FLAGS
)

// masks gives the flags the operation takes away and those it gives, of those that may be changed.
func (op FlagOp) masks(flags, may mail.Flags) (clear, set mail.Flags) {
	switch op {
	case Add:
		return 0, flags & may
	case Remove:
		return flags & may, 0
	}
	return may, flags & may
}

// maxChanges is how many messages one commit changes. A STORE of more takes several, so that nobody
// else of the tenant waits long.
const maxChanges = 1000

// Store changes flags of the messages with these sequence numbers, which must ascend. It gives the
// marks of all of them that are there, as they are now, for the answers to the client. The view knows its own changes then;
// where somebody else changed a message meanwhile, Poll tells it still, unless the client was told by Heard.
//
// unchangedSince (0: none) leaves messages alone that changed after it and gives their UIDs as
// modified (RFC 7162 §3.1.3). Each message is judged and changed in one transaction. Add and Remove pass over a change that the
// client was not told yet and that left the flags in question as it knows them (RFC 7162 §3.1.12). An error leaves done what
// stands in changed.
//
// Of the flags those change that the account may change (RFC 4314 §4). Denied "mailbox.no_right" if it may
// change none.
func (v *View) Store(ctx context.Context, seqs []uint32, op FlagOp, flags mail.Flags, unchangedSince mail.ModSeq) (changed []Mark, modified []uint32, err error) {
	may, err := v.mayChange(ctx, op, flags)
	if err != nil {
		return nil, nil, err
	}
	for part := range slices.Chunk(v.known(seqs), maxChanges) {
		w := flagWork{view: v, seqs: part, op: op, flags: flags, may: may, since: unchangedSince}
		if err := w.do(ctx); err != nil {
			return changed, modified, err
		}
		changed = append(changed, w.marks...)
		modified = append(modified, w.modified...)
	}
	return changed, modified, nil
}

// mayChange gives the flags that the account may change here. Denied "mailbox.no_right" if none of those is
// among them that a Store wants to change.
func (v *View) mayChange(ctx context.Context, op FlagOp, flags mail.Flags) (mail.Flags, error) {
	const name = "mailbox.Store"
	if err := v.allow(ctx, name, RightRead); err != nil {
		return 0, err
	}
	may := v.access.rights.Flags()
	if may == 0 || op != Set && flags != 0 && flags&may == 0 {
		return 0, mail.E(name, mail.Denied, "mailbox.no_right", (flagRights(flags) &^ v.access.rights).String())
	}
	return may, nil
}

// flagWork is one commit of a Store.
type flagWork struct {
	view  *View
	seqs  []uint32
	op    FlagOp
	flags mail.Flags
	may   mail.Flags // those that the account may change
	since mail.ModSeq
	flagResult
}

// flagResult is what came out, made anew each time the transaction runs.
type flagResult struct {
	before   *snapshot // what the transaction found
	after    *snapshot // what it left; nil if it changed nothing
	marks    []Mark    // of all messages asked for, as they are now
	written  []Mark    // those that were changed
	own      []Mark    // of these, those the client knew as they were before
	modified []uint32
	inexact  bool // another process changed messages between: the next Poll tells what they are
}

// do runs the commit and tells the view and all others of the mailbox.
func (w *flagWork) do(ctx context.Context) error {
	err := w.commit(ctx)
	if err == nil {
		w.finish()
	}
	return err
}

// commit changes the flags. It only reads the view, so that who has the view may go on reading meanwhile.
func (w *flagWork) commit(ctx context.Context) error {
	known := w.view.shared.now.Load()
	return w.view.account.update(ctx, "mailbox.Store", func(tx store.Tx) error {
		w.flagResult = flagResult{marks: make([]Mark, 0, len(w.seqs))}
		return w.run(tx, known)
	})
}

// finish tells the view and all others what was changed.
func (w *flagWork) finish() {
	if w.after == nil {
		return
	}
	s := w.view.shared
	s.offer(w.after)
	s.saw(w.written[len(w.written)-1].ModSeq) // after shows all that happened in the mailbox before it
	w.view.fold(w)
}

// run changes the flags inside a transaction.
func (w *flagWork) run(tx store.Tx, known *snapshot) (err error) {
	id := w.view.shared.key.box
	if w.before, err = catchUp(tx, id, known); err != nil {
		return err
	}
	for asked := w.judge(); len(asked) > 0; {
		n := stretch(asked)
		if err := w.change(tx, asked[:n]); err != nil {
			return err
		}
		asked = asked[n:]
	}
	if len(w.written) == 0 || w.inexact {
		return nil
	}
	box, err := tx.Mailbox(id)
	w.after = &snapshot{box, w.before.marks.apply(w.written, nil)}
	return err
}

// judge says which of the messages are to be changed, and what they are now.
func (w *flagWork) judge() (asked []target) {
	asked = make([]target, 0, len(w.seqs))
	for _, seq := range w.seqs {
		shown := w.view.shown.at(int(seq - 1))
		place, ok := w.before.marks.find(shown.UID)
		if !ok {
			continue
		}
		old := w.before.marks.at(place)
		if w.since != 0 && old.ModSeq > w.since && !w.beside(shown, old) {
			w.modified = append(w.modified, uint32(old.UID))
			continue
		}
		asked = append(asked, target{place, shown, old})
	}
	return asked
}

// target is a message whose flags a Store changes.
type target struct {
	place      int  // in the mailbox
	shown, old Mark // as the client knows it, and as it is
}

// stretch is how many of the first targets follow each other in the mailbox: one statement changes them.
func stretch(asked []target) int {
	n := 1
	for n < len(asked) && asked[n].place == asked[n-1].place+1 {
		n++
	}
	return n
}

// change changes the flags of a stretch.
func (w *flagWork) change(tx store.Tx, asked []target) error {
	clear, set := w.op.masks(w.flags, w.may)
	lo, hi := asked[0].old.UID, asked[len(asked)-1].old.UID
	modseq, n, err := tx.ChangeFlags(w.before.box.ID, lo, hi, clear, set)
	if err != nil {
		return err
	}
	for _, t := range asked {
		now := t.old
		if now.Flags = now.Flags&^clear | set; now.Flags != t.old.Flags {
			n--
			now.ModSeq = modseq
			w.written = append(w.written, now)
			if t.old == t.shown {
				w.own = append(w.own, now)
			}
		}
		w.marks = append(w.marks, now)
	}
	w.inexact = w.inexact || n != 0
	return nil
}

// beside tells whether what happened to a message since the client heard of it has nothing to do with the flags of this Store. Only
// what the client knew at since counts, not what it was told later.
func (w *flagWork) beside(shown, old Mark) bool {
	return w.op != Set && shown.ModSeq <= w.since && (shown.Flags^old.Flags)&w.flags == 0
}

// Heard notes marks that the client was told in answer to a Store: it knows them now, also those of messages that somebody else
// changed before. They are not told again, and one that is gone is shown as it was told last. They ascend by UID.
func (v *View) Heard(marks []Mark) {
	var news []Mark
	for _, m := range marks {
		if i, ok := v.shown.find(m.UID); ok && v.shown.at(i) != m {
			news = append(news, m)
		}
	}
	v.shown = v.shown.apply(news, nil)
}

// fold puts the view's own changes into what its client knows.
func (v *View) fold(w *flagWork) {
	if v.base == w.before && !v.ghosts {
		v.base, v.shown, v.told = w.after, w.after.marks, w.after.box.ModSeq
		return
	}
	v.shown = v.shown.apply(w.own, nil)
}
