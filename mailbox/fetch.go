package mailbox

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"tegami/mail"
	"tegami/store"
)

// With says what Fetch reads of a message beside its row.
type With = store.With

// What Fetch can read. Reading the octets' places too costs a little where they are opened, and spares most of the opening.
const (
	WithIndex  = store.WithIndex // Message.Index
	WithOctets = store.WithPlace // for OpenBody
)

// Limits of one portion of a Fetch, which is one View of the store.
const (
	maxPortion       = 500       // messages
	maxPortionOctets = 512 << 10 // of Index and small messages; the message that passes it is the portion's last
)

// maxSkip is how many messages nobody asked for are read between two that were, so that one query
// reads both.
const maxSkip = 3

// Fetch calls fn for each of the messages with these sequence numbers, which must ascend, with what is asked
// for. What is gone, or never was, is left out. m, its Index and what OpenBody gives of it are valid until fn
// returns. fn runs outside transactions and may be slow, and may call Store, but neither Poll nor
// Expunge; an error of fn ends Fetch and is returned as it is.
func (v *View) Fetch(ctx context.Context, seqs []uint32, with With, fn func(seq uint32, m *Message) error) error {
	if err := v.allow(ctx, "mailbox.Fetch", RightRead); err != nil {
		return err
	}
	p := portions.Get().(*portion)
	defer portions.Put(p)
	for seqs = v.known(seqs); len(seqs) > 0; {
		read := p.read(v, seqs, with)
		if err := v.account.view(ctx, "mailbox.Fetch", read); err != nil {
			return err
		}
		for i := range p.messages {
			if err := fn(p.seqs[i], &p.messages[i]); err != nil {
				return err
			}
		}
		if !p.full {
			return nil
		}
		seqs = after(seqs, p.seqs[len(p.seqs)-1])
	}
	return nil
}

// portion is what one View of the store gave. Its memory is used again for the next.
type portion struct {
	seqs     []uint32
	messages []Message
	octets   []byte // of their Index and Place
	full     bool   // stopped by a limit: there may be more
}

// portions lends memory to all Fetches. Each keeps what the largest portion took: maxPortionOctets and one message.
var portions = sync.Pool{New: func() any { return new(portion) }}

// read gives the function that fills the portion with the first of seqs.
func (p *portion) read(v *View, seqs []uint32, with With) func(store.Reader) error {
	return func(r store.Reader) error {
		p.reset()
		return v.pick(r, seqs, with, p.add)
	}
}

// reset empties the portion.
func (p *portion) reset() {
	p.seqs, p.messages, p.octets, p.full = p.seqs[:0], p.messages[:0], p.octets[:0], false
}

// message finds a message by its UID, nil if it is not in the portion.
func (p *portion) message(uid mail.UID) *Message {
	i, ok := slices.BinarySearchFunc(p.messages, uid, func(m Message, uid mail.UID) int { return cmp.Compare(m.UID, uid) })
	if !ok {
		return nil
	}
	return &p.messages[i]
}

// add takes a copy of a message; false when the portion is full.
func (p *portion) add(seq uint32, m *Message) bool {
	p.seqs = append(p.seqs, seq)
	p.messages = append(p.messages, *m)
	kept := &p.messages[len(p.messages)-1]
	kept.Index = p.keep(m.Index)
	kept.Place.Octets = p.keep(m.Place.Octets)
	p.full = len(p.messages) == maxPortion || len(p.octets) >= maxPortionOctets
	return !p.full
}

// keep copies octets into the portion.
func (p *portion) keep(b []byte) []byte {
	at := len(p.octets)
	p.octets = append(p.octets, b...)
	return p.octets[at:len(p.octets):len(p.octets)]
}

// pick reads the messages with these sequence numbers until fn returns false. Neighbours are read
// with one query.
func (v *View) pick(r store.Reader, seqs []uint32, with With, fn func(uint32, *Message) bool) error {
	more := true
	take := func(m *Message) bool {
		for len(seqs) > 0 && v.UID(seqs[0]) < m.UID {
			seqs = seqs[1:]
		}
		if len(seqs) > 0 && v.UID(seqs[0]) == m.UID {
			more = fn(seqs[0], m)
		}
		return more
	}
	for len(seqs) > 0 && more {
		n := neighbours(seqs)
		rest := seqs[n:]
		if err := r.Messages(v.base.box.ID, v.UID(seqs[0]), v.UID(seqs[n-1]), with, take); err != nil {
			return err
		}
		seqs = rest
	}
	return nil
}

// neighbours is how many of the first sequence numbers stand so close that one query reads them.
func neighbours(seqs []uint32) int {
	n := 1
	for n < len(seqs) && seqs[n]-seqs[n-1] <= maxSkip+1 {
		n++
	}
	return n
}

// after leaves the sequence numbers above seq.
func after(seqs []uint32, seq uint32) []uint32 {
	for len(seqs) > 0 && seqs[0] <= seq {
		seqs = seqs[1:]
	}
	return seqs
}

// known leaves the sequence numbers the view has.
func (v *View) known(seqs []uint32) []uint32 {
	for len(seqs) > 0 && seqs[0] == 0 {
		seqs = seqs[1:]
	}
	for len(seqs) > 0 && int64(seqs[len(seqs)-1]) > int64(v.Len()) {
		seqs = seqs[:len(seqs)-1]
	}
	return seqs
}
