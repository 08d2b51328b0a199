package imapd

import (
	"tegami/mailbox"
	"tegami/mailbox/match"
	"tegami/wire/imap"
	"tegami/wire/mime"
)

// subject is the message at hand, with as much of it as was shown so far.
type subject struct {
	shown   need
	seq     uint32
	mark    mailbox.Mark
	arrived int64 // INTERNALDATE in seconds
	size    int64
	now     int64 // when the search began, in seconds

	row  *mailbox.Message
	text *match.Text
}

// Relevancy of a message (RFC 6203 §4).
const (
	scorePhrase = 100 // the words stand there as they were given
	scoreWords  = 50  // all are there
)

// newSubject makes what messages are shown in, one by one.
func newSubject(needles []match.Needle, now int64) *subject {
	return &subject{text: match.New(needles), now: now}
}

// glance takes another message of which the view tells.
func (m *subject) glance(seq uint32, mark mailbox.Mark) {
	m.shown, m.seq, m.mark = needMark, seq, mark
}

// take takes another message with its row. It shows the envelope where the index is whole.
func (m *subject) take(seq uint32, mark mailbox.Mark, row *mailbox.Message) {
	m.glance(seq, mark)
	m.row, m.arrived, m.size = row, row.Received.Unix(), row.Blob.Size
	if m.shown = needRow; m.text.Take(row.Index) {
		m.shown = needEnvelope
	}
}

// score is how relevant the message is, 1 to 100.
func (m *subject) score() uint8 {
	if m.text.Loose() {
		return scoreWords
	}
	return scorePhrase
}

// sentOn compares the day of the Date field, in its own zone (RFC 9051 §6.4.4), with another.
func (m *subject) sentOn(how imap.KeyOp, day int64) bool {
	at, err := mime.ParseDate(m.text.Index().EnvelopeText(mime.FieldDate))
	if err != nil {
		return false
	}
	_, zone := at.Zone()
	return onDay(how, at.Unix()+int64(zone), day)
}
