package mailbox

import (
	"slices"

	"tegami/mail"
	"tegami/store"
)

// snapshot is a mailbox as it was at one moment: the mailbox itself and its marks. It never changes.
type snapshot struct {
	box   store.Mailbox
	marks marks
}

// catchUp gives the newest snapshot a Reader shows, reading only what changed since an older one of
// the same mailbox; old itself if nothing did. old may be nil. NotFound "mailbox.deleted" if the
// mailbox is no more.
func catchUp(r store.Reader, id mail.MailboxID, old *snapshot) (*snapshot, error) {
	const op = "mailbox.catchUp"
	box, err := r.Mailbox(id)
	switch {
	case mail.Is(err, mail.NotFound):
		return nil, mail.E(op, mail.NotFound, "mailbox.deleted")
	case err != nil:
		return nil, mail.Wrap(op, err)
	case old != nil && box.ModSeq <= old.box.ModSeq:
		return old, nil
	}
	next, err := readChanges(r, box, old)
	if err == nil && next.marks.len() != int(box.Messages) {
		next, err = readChanges(r, box, nil) // the store forgot what went away: begin anew
	}
	return next, mail.Wrap(op, err)
}

// readChanges makes the snapshot of box from an older one, or from nothing.
func readChanges(r store.Reader, box store.Mailbox, old *snapshot) (*snapshot, error) {
	if old == nil || old.marks.len() == 0 {
		all, err := readMarks(r, box, 0)
		return &snapshot{box, newMarks(all)}, err
	}
	changed, err := readMarks(r, box, old.box.ModSeq)
	if err != nil {
		return nil, err
	}
	var gone []mail.UID
	err = r.Gone(box.ID, old.box.ModSeq, func(g store.Gone) bool {
		gone = append(gone, g.UID)
		return true
	})
	slices.Sort(gone)
	return &snapshot{box, old.marks.apply(changed, gone)}, err
}

// readMarks gives the marks changed after since, ascending by UID.
func readMarks(r store.Reader, box store.Mailbox, since mail.ModSeq) ([]Mark, error) {
	var ms []Mark
	if since == 0 {
		ms = make([]Mark, 0, box.Messages)
	}
	err := r.Marks(box.ID, since, func(m Mark) bool {
		ms = append(ms, m)
		return true
	})
	byUID := func(a, b Mark) int { return compareUID(a, b.UID) }
	if !slices.IsSortedFunc(ms, byUID) {
		slices.SortFunc(ms, byUID)
	}
	return ms, err
}
