package outbox_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/outbox"
	"tegami/store"
)

// where tells in which mailbox a message is, by role and name, and its flags.
func (h *house) where(a directory.Account, id mail.EmailID) (role, name string, flags []string) {
	h.Helper()
	h.must(h.store.Tenant(a.Tenant).View(h.ctx, func(r store.Reader) error {
		m, err := r.Email(id)
		if err != nil {
			return err
		}
		box, err := r.Mailbox(m.Mailbox)
		if err != nil {
			return err
		}
		role, name = box.Role, box.Name
		if m.Flags&mail.Seen != 0 {
			flags = append(flags, "seen")
		}
		words, err := r.Keywords(a.ID)
		for i, w := range words {
			if m.Flags&mail.Keyword(i) != 0 {
				flags = append(flags, w)
			}
		}
		return err
	}))
	return role, name, flags
}

// seen marks a message as read.
func (h *house) seen(a directory.Account, id mail.EmailID) {
	h.Helper()
	h.must(h.store.Tenant(a.Tenant).Update(h.ctx, h.ops, "test.seen", func(tx store.Tx) error {
		m, err := tx.Email(id)
		if err == nil {
			_, err = tx.SetFlags(m.Mailbox, m.UID, mail.Seen)
		}
		return err
	}))
}

// TestSnooze: a message sleeps in its mailbox, comes back to where it was at its time, unread and marked, also after a restart.
func TestSnooze(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	b := h.at("user0@alpha.example")
	first, second, third := h.draft(alpha[0], "Archive", letter), h.draft(alpha[0], "Drafts", letter), h.draft(alpha[0], "Archive", letter)
	h.seen(alpha[0], first)
	begun := time.Now()
	asleep, err := b.Snooze(h.ctx, first, begun.Add(time.Hour))
	h.must(err)
	_, err = b.Snooze(h.ctx, second, begun.Add(2*time.Hour))
	h.must(err)
	kept, err := b.Snooze(h.ctx, third, begun.Add(time.Hour))
	h.must(err)
	h.must(b.Postpone(h.ctx, kept.ID, begun.Add(3*time.Hour)))
	if role, name, flags := h.where(alpha[0], first); role != "snoozed" || name != "Snoozed" || !slices.Equal(flags, []string{"seen"}) {
		t.Errorf("asleep it is in %q %q with %q", role, name, flags)
	}
	h.close()
	h.open()
	b = h.at("user0@alpha.example")
	for _, c := range []struct {
		after time.Duration
		woken int
	}{{59 * time.Minute, 0}, {61 * time.Minute, 1}, {61 * time.Minute, 0}, {121 * time.Minute, 1}, {179 * time.Minute, 0}} {
		if n, err := h.out.Wake(h.ctx, begun.Add(c.after)); err != nil || n != c.woken {
			t.Errorf("after %s %d woke up (%v)", c.after, n, err)
		}
	}
	if role, _, flags := h.where(alpha[0], first); role != "archive" || !slices.Equal(flags, []string{"$snoozed"}) {
		t.Errorf("awake it is in %q with %q", role, flags)
	}
	if role, _, _ := h.where(alpha[0], second); role != "drafts" {
		t.Errorf("awake it is in %q", role)
	}
	list, err := b.Snoozes(h.ctx)
	h.must(err)
	if len(list) != 1 || list[0].ID != kept.ID || list[0].Email != third {
		t.Errorf("%+v", list)
	}
	h.must(b.Rouse(h.ctx, kept.ID))
	if role, _, flags := h.where(alpha[0], third); role != "archive" || len(flags) != 0 {
		t.Errorf("roused it is in %q with %q", role, flags)
	}
	h.says(b.Rouse(h.ctx, asleep.ID), mail.NotFound, "snooze.unknown")
	if n, err := h.out.Wake(h.ctx, begun.Add(1000*time.Hour)); err != nil || n != 0 {
		t.Errorf("%d alarms are left (%v)", n, err)
	}
	h.check()
}

// TestSnoozeMeanwhile: what somebody moved stays there, what is gone is forgotten, and where the old place is gone it is the inbox.
func TestSnoozeMeanwhile(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	b := h.at("user0@alpha.example")
	tenant := h.store.Tenant(alpha[0].Tenant)
	moved, gone, homeless := h.draft(alpha[0], "Archive", letter), h.draft(alpha[0], "Archive", letter), h.draft(alpha[0], "Archive", letter)
	until := time.Now().Add(time.Hour)
	for _, id := range []mail.EmailID{moved, gone, homeless} {
		_, err := b.Snooze(h.ctx, id, until)
		h.must(err)
	}
	_, err := b.Snooze(h.ctx, moved, until)
	h.says(err, mail.Conflict, "snooze.asleep")
	_, err = h.at("user1@alpha.example").Snooze(h.ctx, moved, until)
	h.says(err, mail.NotFound, "message.unknown")
	_, err = b.Snooze(h.ctx, moved, time.Now().Add(-time.Second))
	h.says(err, mail.Invalid, "snooze.time")
	_, err = b.Snooze(h.ctx, moved, time.Now().Add(outbox.MaxSnooze+time.Hour))
	h.says(err, mail.Invalid, "snooze.time")
	h.must(tenant.Update(h.ctx, h.ops, "test.meanwhile", func(tx store.Tx) error {
		boxes, err := tx.Mailboxes(alpha[0].ID)
		if err != nil {
			return err
		}
		for _, m := range boxes {
			switch m.Role {
			case "trash":
				e, err := tx.Email(moved)
				if err != nil {
					return err
				}
				if _, err := tx.MoveMessage(e.Mailbox, e.UID, m.ID); err != nil {
					return err
				}
			case "archive":
				if err := tx.DeleteMailbox(m.ID); err != nil {
					return err
				}
			}
		}
		e, err := tx.Email(gone)
		if err != nil {
			return err
		}
		return tx.Expunge(e.Mailbox, e.UID)
	}))
	if n, err := h.out.Wake(h.ctx, until.Add(time.Minute)); err != nil || n != 3 {
		t.Errorf("%d woke up (%v)", n, err)
	}
	if role, _, flags := h.where(alpha[0], moved); role != "trash" || len(flags) != 0 {
		t.Errorf("it is in %q with %q", role, flags)
	}
	if role, _, _ := h.where(alpha[0], homeless); role != "inbox" {
		t.Errorf("it is in %q", role)
	}
	if list, err := b.Snoozes(h.ctx); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	h.check()
}

// TestSnoozeRuns: the duty brings back what was due while nobody ran.
func TestSnoozeRuns(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 1)
	b := h.at("user0@alpha.example")
	id := h.draft(alpha[0], "Archive", letter)
	_, err := b.Snooze(h.ctx, id, time.Now().Add(20*time.Millisecond))
	h.must(err)
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan struct{})
	time.Sleep(25 * time.Millisecond) // it is due before anybody looks, as after a night without the service
	go func() { defer close(done); h.out.Run(ctx) }()
	h.until("it is back", func() bool { role, _, _ := h.where(alpha[0], id); return role == "archive" })
	cancel()
	<-done
}
