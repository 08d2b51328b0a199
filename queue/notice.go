package queue

import (
	"time"

	"tegami/mail"
	"tegami/store"
)

// outcomes notes how far each recipient's delivery had come.
func outcomes(it *Item) []Outcome {
	list := make([]Outcome, len(it.To))
	for i := range it.To {
		list[i] = it.To[i].Outcome
	}
	return list
}

// silent tells whether nobody is ever told what becomes of an item: it has no sender (RFC 5321 §4.5.5), the
// platform wrote it itself (RFC 3834), it is spam, or it is a notice.
func silent(it *Item) bool {
	return it.From == (mail.Address{}) || it.Auto || it.Spam || it.Route == RouteNotice
}

// wants tells whether a sender is to hear of an outcome that a recipient now has (RFC 3461 §4.1, §5.2). What was Delivered by
// another host is told by that host.
func wants(it *Item, t *Recipient) bool {
	switch t.Outcome {
	case Failed:
		return t.Notify == 0 || t.Notify&mail.NotifyFailure != 0
	case Delivered:
		_, remote := RemoteDomain(it.Route)
		return !remote && t.Notify&mail.NotifySuccess != 0
	case Relayed, Expanded:
		return t.Notify&mail.NotifySuccess != 0
	}
	return false
}

// news gives the recipients whose outcome the sender is to hear of, and had not before.
func news(it *Item, before []Outcome) (told []Recipient) {
	if silent(it) {
		return nil
	}
	for i := range it.To {
		t := &it.To[i]
		if (i >= len(before) || before[i] == Waiting) && wants(it, t) {
			told = append(told, *t)
		}
	}
	return told
}

// late gives the recipients who still wait and whose delay the sender is to hear of.
func late(it *Item) (told []Recipient) {
	if silent(it) {
		return nil
	}
	for i := range it.To {
		t := &it.To[i]
		if t.Outcome == Waiting && (t.Notify == 0 || t.Notify&mail.NotifyDelay != 0) {
			told = append(told, *t)
		}
	}
	return told
}

// Tells tells whether the sender is to hear of what the item's recipients have become (RFC 3461 §4.1). The null reverse-path
// hears nothing (RFC 5321 §4.5.5).
func Tells(it *Item) bool { return len(news(it, nil)) > 0 }

// PutWithNotice writes an item whose recipients are settled in the commit that accepted it, and what its
// sender asked to hear of that (NOTIFY=SUCCESS).
func PutWithNotice(tx store.Tx, it *Item) error { return putWithNotice(tx, it, news(it, nil)) }

// putWithNotice writes an item, and another on RouteNotice about some of its recipients.
func putWithNotice(tx store.Tx, it *Item, told []Recipient) error {
	if err := Put(tx, it); err != nil || len(told) == 0 {
		return err
	}
	now := time.Now()
	n := Item{State: store.ItemWaiting, Due: now, Route: RouteNotice, Blob: it.Blob, Doc: it.Doc}
	n.To, n.Attempts, n.Warned, n.Hold, n.Sign, n.Deferrals = told, 0, false, "", "", nil
	return Put(tx, &n)
}
