package jmapd

import (
	"context"
	"strings"
	"sync"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/mailbox/marks"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mime"
)

// senderMarks are what there is to say of who an email says it is from: property tegami:senderMarks of urn:tegami:params:jmap:mail.
type senderMarks struct {
	FirstTime      bool    `json:"firstTime"`      // there was no mail from or to the address before
	LookAlike      *string `json:"lookAlike"`      // the domain of somebody known that the sender's looks like
	Colleague      *string `json:"colleague"`      // the address of the colleague who has the name of the sender outside
	OtherAddress   *string `json:"otherAddress"`   // the address that stands in the name, and is not the sender's
	Authentication string  `json:"authentication"` // "pass", "fail", or "none" where nothing is known
	Outside        bool    `json:"outside"`        // from outside the company
}

const (
	// circleTime is how long it is remembered whom somebody knows.
	circleTime = 5 * time.Minute
	// maxCircles is of how many accounts.
	maxCircles = 500
	// earlierTime is how long it is looked for earlier mail of a sender. Past it he counts as known: a warning is not made of a slow disk.
	earlierTime = 2 * time.Second
)

// acquaintance is whom somebody knows.
type acquaintance struct {
	until  time.Time
	circle *marks.Circle
	known  map[string]bool // addresses, by mail.Address.Key
}

// circles remembers whom accounts know.
type circles struct {
	mu   sync.Mutex
	made map[mail.AccountID]*acquaintance
}

func (c *circles) get(of mail.AccountID, now time.Time) *acquaintance {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.made[of]
	if a == nil || now.After(a.until) {
		return nil
	}
	return a
}

func (c *circles) put(of mail.AccountID, a *acquaintance, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made = map[mail.AccountID]*acquaintance{}
	}
	for id, old := range c.made {
		if len(c.made) >= maxCircles || now.After(old.until) {
			delete(c.made, id)
		}
	}
	c.made[of] = a
}

// acquainted gives whom the caller knows: the company's domains and people, and those in his address books.
func (c *call) acquainted(ctx context.Context) (*acquaintance, error) {
	now := time.Now()
	of := c.who.Account().ID
	if a := c.server.circles.get(of, now); a != nil {
		return a, nil
	}
	a := &acquaintance{until: now.Add(circleTime), known: map[string]bool{}}
	company := c.server.dir.Company(c.who.Tenant())
	domains, err := company.Domains(ctx)
	if err != nil {
		return nil, err
	}
	var own, others []string
	for _, d := range domains {
		own = append(own, d.Name)
	}
	note := func(address mail.Address) {
		if !a.known[address.Key()] {
			a.known[address.Key()] = true
			others = append(others, address.Domain)
		}
	}
	people, err := c.people(ctx, company, note)
	if err != nil {
		return nil, err
	}
	if err := c.friends(ctx, note); err != nil {
		return nil, err
	}
	a.circle = marks.NewCircle(own, others, people)
	c.server.circles.put(of, a, now)
	return a, nil
}

// people are the caller's colleagues; others in the company's address book are noted.
func (c *call) people(ctx context.Context, company *directory.Company, note func(mail.Address)) (list []marks.Person, err error) {
	_, err = company.EachGAL(ctx, c.who.Account().Domain, func(card directory.Card) {
		if card.Kind == directory.CardAccount {
			list = append(list, marks.Person{Name: card.Profile.Name(), Kana: card.Profile.Kana(), Address: card.Address})
			return
		}
		note(card.Address)
	})
	return list, err
}

// friends are those in the caller's address books.
func (c *call) friends(ctx context.Context, note func(mail.Address)) error {
	if c.server.config.Contacts == nil {
		return nil
	}
	books, err := c.server.config.Contacts.Open(ctx, c.who)
	if err != nil {
		return err
	}
	return books.Addresses(ctx, func(text string) {
		if a, err := mail.ParseAddress(text); err == nil {
			note(a)
		}
	})
}

// judge gives the function that says what there is to say of the sender of an email.
func (c *call) judge(ctx context.Context, reg *mailbox.Register) func(*reading) (*senderMarks, error) {
	return func(r *reading) (*senderMarks, error) {
		a, err := c.acquainted(ctx)
		if err != nil {
			return nil, err
		}
		from, ok := sender(r.header())
		if !ok {
			return nil, nil
		}
		address, err := from.Mail()
		if err != nil {
			return nil, nil // no address, no sender
		}
		s := marks.Sender{Name: mime.DecodedText(from.Display), Address: address, Checked: checked(r.header(), c.server.config.Hostname)}
		s.Known = a.known[address.Key()] || r.row == nil || earlier(ctx, reg, r.row, from.Spec())
		return told(a.circle.Judge(s), s.Checked), nil
	}
}

// sender is the first address of the last From field.
func sender(h mime.Header) (from mime.Address, ok bool) {
	for f := range h.Fields() {
		if strings.EqualFold(string(f.Name), "from") {
			if list := mime.AddressesForm(f.Value); len(list) > 0 {
				from, ok = list[0], true
			}
		}
	}
	return from, ok
}

// checked is what this platform found out about a message when it came: its own field, which nobody else can have written.
func checked(h mime.Header, hostname string) *authres.Field {
	for f := range h.Fields() {
		if hostname == "" || !strings.EqualFold(string(f.Name), authres.FieldName) {
			continue
		}
		if found, err := authres.Parse(mime.Unfold(f.Value)); err == nil && strings.EqualFold(found.Server, hostname) {
			return &found
		}
	}
	return nil
}

// earlier tells whether there is older mail of a sender, beside what was found to be junk.
func earlier(ctx context.Context, reg *mailbox.Register, m *mailbox.Message, from string) bool {
	ctx, cancel := context.WithTimeout(ctx, earlierTime)
	defer cancel()
	where := mailbox.Where{From: from, Before: m.Received}
	for _, b := range reg.Mailboxes() {
		if b.Role == "junk" {
			where.InMailboxOtherThan = append(where.InMailboxOtherThan, b.ID)
		}
	}
	found, err := reg.Query(ctx, mailbox.Query{Filter: where, Limit: 1})
	return err != nil || len(found.IDs) > 0
}

// told puts marks into the property.
func told(list []marks.Mark, found *authres.Field) *senderMarks {
	out := &senderMarks{Authentication: "none"}
	if found != nil {
		if verdict, ok := found.Get("dmarc"); ok && verdict.Value == "pass" {
			out.Authentication = "pass"
		}
	}
	for i := range list {
		switch m := &list[i]; m.Kind {
		case marks.Failed:
			out.Authentication = "fail"
		case marks.LookAlike:
			out.LookAlike = &m.Of
		case marks.Colleague:
			out.Colleague = &m.Of
		case marks.OtherName:
			out.OtherAddress = &m.Of
		case marks.FirstTime:
			out.FirstTime = true
		case marks.External:
			out.Outside = true
		}
	}
	return out
}
