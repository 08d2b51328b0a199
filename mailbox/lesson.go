package mailbox

import (
	"tegami/mail"
	"tegami/store"
)

// A Lesson is what somebody says of mail by moving it: into the folder for unwanted mail, or out of it (SF-6).
type Lesson struct {
	Tenant  mail.TenantID
	Account mail.AccountID // whose mail it is
	Email   mail.EmailID
	Blob    mail.BlobRef
	Spam    bool
}

// maxLessons is how many messages one act teaches of: who moves more tidies up.
const maxLessons = 500

// lessonOf tells what a move says: into junk spam, out of it none. Into the trash says nothing.
func lessonOf(from, to *store.Mailbox) (spam, says bool) {
	const junk, trash = "junk", "trash"
	switch {
	case from.ID == to.ID, from.Role == to.Role:
		return false, false
	case to.Role == junk:
		return true, true
	}
	return false, from.Role == junk && to.Role != trash
}

// teach gives lessons on, after the commit.
func (s *Service) teach(lessons []Lesson) {
	if s.cfg.Judged == nil {
		return
	}
	for _, l := range lessons {
		s.cfg.Judged(l)
	}
}

// lessons are what a transfer within an account says.
func (t *transfer) learn(m *Message) {
	if !t.move || t.other || len(t.lessons) >= maxLessons {
		return
	}
	if spam, says := lessonOf(&t.view.base.box, &t.box); says {
		t.lessons = append(t.lessons, Lesson{Tenant: t.view.account.id.Tenant(), Account: m.Account, Email: m.ID, Blob: m.Blob, Spam: spam})
	}
}

// learn notes what a move by id says.
func (w *writing) learn(m *Message, to *Mailbox) error {
	if len(w.lessons) >= maxLessons {
		return nil
	}
	from, err := w.Mailbox(m.Mailbox)
	if err != nil {
		return err
	}
	if spam, says := lessonOf(&from, to); says {
		w.lessons = append(w.lessons, Lesson{Tenant: w.post.account.id.Tenant(), Account: m.Account, Email: m.ID, Blob: m.Blob, Spam: spam})
	}
	return nil
}
