package mailbox_test

import (
	"slices"
	"testing"

	"tegami/mailbox"
)

// TestSF6MovesTeach moves mail into and out of the folder for unwanted mail, as IMAP and as JMAP do: each tells what it says of the mail, and
// moves between other folders, into the trash and copies say nothing.
func TestSF6MovesTeach(t *testing.T) {
	var said []bool
	h := newHouse(t, mailbox.Config{Judged: func(l mailbox.Lesson) {
		if l.Blob.Size == 0 || l.Email == 0 || l.Account == 0 || l.Tenant == 0 {
			t.Errorf("an empty lesson %+v", l)
		}
		said = append(said, l.Spam)
	}})
	h.company("alpha.example", "en", "sato")
	a := h.open("sato@alpha.example")
	h.fill(a, "INBOX", 4)
	h.move(a, "INBOX", []uint32{1}, "Junk")
	h.move(a, "INBOX", []uint32{1}, "Archive")
	h.move(a, "Junk", []uint32{1}, "INBOX")
	h.move(a, "INBOX", []uint32{1, 2}, "Junk")
	h.move(a, "Junk", []uint32{1}, "Trash")
	if _, _, _, err := h.selectBox(a, "Junk").Copy(t.Context(), []uint32{1}, "INBOX"); err != nil {
		t.Fatal(err)
	}
	if want := []bool{true, false, true, true}; !slices.Equal(said, want) {
		t.Errorf("said %v; want %v", said, want)
	}

	said = nil
	p := a.Post()
	m := h.add(p, a, "Junk", letter("one"))
	for _, to := range []string{"INBOX", "Junk", "Junk", "Archive", "Trash"} {
		w, err := p.ChangeEmails(t.Context(), []mailbox.EmailChange{{ID: m.ID, Mailbox: h.boxAt(p, to).ID}})
		h.must(err)
		h.must(w.Errs[0])
	}
	if want := []bool{false, true, false}; !slices.Equal(said, want) {
		t.Errorf("by id: said %v; want %v", said, want)
	}
}

// move moves messages from one folder to another.
func (h *house) move(a *mailbox.Account, from string, seqs []uint32, to string) {
	h.Helper()
	_, _, _, err := h.selectBox(a, from).Move(h.Context(), seqs, to)
	h.must(err)
}
