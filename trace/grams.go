package trace

import (
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/text/width"

	"tegami/mail"
	"tegami/mailbox/gram"
	"tegami/queue"
	"tegami/store"
)

// folded is a text without regard to case and width.
func folded(text string) string { return strings.ToLower(width.Fold.String(text)) }

// What a word of the index is about: it is hashed with the word.
const (
	ofSender          = 's' // address
	ofSenderDomain    = 'S'
	ofRecipient       = 'r' // address
	ofRecipientDomain = 'R'
	ofAccount         = 'a' // that sent it or gets it
	ofMessageID       = 'm'
	ofSession         = 't'
	ofRemote          = 'h' // IP address
	ofNetwork         = 'n'
	ofHelo            = 'H'
)

// word is the gram of a word.
func word(about byte, text string) store.Gram {
	h := fnv.New64a()
	h.Write([]byte{about})
	h.Write([]byte(text)) // a hash takes everything
	x := h.Sum64()
	x ^= x >> 32
	x *= 0x9e3779b97f4a7c15 // the pages of a segment are chosen by the highest bits
	return store.Gram(x >> 32)
}

// subjectGram sets grams of subjects apart from words.
func subjectGram(key uint32) store.Gram { return store.Gram(key*0x85ebca6b ^ 0x5bd1e995) }

// networkOf is the network an address is found by: /24, or /48 of IPv6.
func networkOf(ip netip.Addr) (netip.Prefix, bool) {
	return mail.Network(ip, 24, 48)
}

// maxPartyGrams is how many recipients of an item are in the index; those beyond are found by looking.
const maxPartyGrams = 20_000

// A reader makes the grams of items. Use from one goroutine.
type reader struct {
	list []store.Gram
	set  gram.Set
}

// grams gives what an item is found by. They are the caller's.
func (r *reader) grams(it *queue.Item) []store.Gram {
	r.list = r.list[:0]
	r.add(ofSession, sessionOf(it.Trace))
	if it.Route != queue.RouteNotice {
		r.envelope(it)
		for i := range it.To[:min(len(it.To), maxPartyGrams)] {
			r.recipient(&it.To[i])
		}
		r.subject(it.Subject)
	}
	slices.Sort(r.list)
	return slices.Clone(slices.Compact(r.list))
}

func (r *reader) add(about byte, text string) {
	if text != "" {
		r.list = append(r.list, word(about, text))
	}
}

func (r *reader) address(about, aboutDomain byte, a mail.Address) {
	if !a.IsNull() {
		r.add(about, a.Key())
		r.add(aboutDomain, strings.ToLower(a.Domain))
	}
}

func (r *reader) envelope(it *queue.Item) {
	r.address(ofSender, ofSenderDomain, it.From)
	if it.HeaderFrom != "" {
		if a, err := mail.ParseAddress(it.HeaderFrom); err == nil {
			r.address(ofSender, ofSenderDomain, a)
		}
	}
	r.add(ofAccount, it.Sender.String())
	r.add(ofMessageID, strings.Trim(it.MessageID, "<> "))
	r.add(ofHelo, strings.ToLower(it.Origin.Helo))
	if ip := it.Origin.Remote.Unmap(); ip.IsValid() {
		r.add(ofRemote, ip.String())
		if n, ok := networkOf(ip); ok {
			r.add(ofNetwork, n.String())
		}
	}
}

func (r *reader) recipient(to *queue.Recipient) {
	r.address(ofRecipient, ofRecipientDomain, to.Address)
	r.add(ofAccount, to.Account.String())
	if text := original(to); text != "" {
		if a, err := mail.ParseAddress(text); err == nil {
			r.address(ofRecipient, ofRecipientDomain, a)
		}
	}
}

func (r *reader) subject(text string) {
	if text == "" {
		return
	}
	r.set.Reset()
	r.set.WriteString(text)
	for _, k := range r.set.Keys() {
		r.list = append(r.list, subjectGram(k))
	}
}

// wanted gives the grams that every item has that the query is for; none: the index is of no use.
func (m *matcher) wanted() []store.Gram {
	var r reader
	if m.Sender != "" {
		r.party(ofSender, ofSenderDomain, m.sender)
	}
	if m.Recipient != "" {
		r.party(ofRecipient, ofRecipientDomain, m.recipient)
	}
	r.add(ofAccount, m.Account.String())
	r.add(ofMessageID, strings.Trim(m.MessageID, "<> "))
	if m.Trace != "" && m.item.IsZero() {
		r.add(ofSession, sessionOf(m.Trace))
	}
	switch n, ok := networkOf(m.network.Addr()); {
	case !m.network.IsValid():
		r.add(ofHelo, strings.ToLower(m.Remote))
	case m.network.IsSingleIP():
		r.add(ofRemote, m.network.Addr().String())
	case ok && m.network.Bits() >= n.Bits():
		r.add(ofNetwork, n.String())
	}
	r.subject(m.Subject)
	return r.list
}

func (r *reader) party(about, aboutDomain byte, p party) {
	if p.local != "" {
		r.add(about, p.local+"@"+p.domain)
		return
	}
	r.add(aboutDomain, strings.ToLower(p.domain))
}
