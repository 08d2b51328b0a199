package billing

import (
	"context"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"tegami/mail"
	"tegami/store"
)

// Payer is to whom a company's invoices go (BL-1).
type Payer struct {
	Name         string `json:"name"` // 宛名, without 御中
	PostalCode   string `json:"postalCode,omitempty"`
	Address      string `json:"address,omitempty"`
	Department   string `json:"department,omitempty"`
	Contact      string `json:"contact,omitempty"` // a person
	Email        string `json:"email,omitempty"`
	Phone        string `json:"phone,omitempty"`
	Registration string `json:"registration,omitempty"` // of the qualified invoice system: T and 13 digits
	// Sole: a sole proprietor. Their registration numbers are no corporate numbers, and what their first digit means is not published.
	Sole bool `json:"sole,omitempty"`
}

// Limits of a Payer's texts in octets.
const (
	MaxPayerName = 255
	maxPayerText = 500
)

// check judges a Payer and puts it into its canonical form. Invalid "payer.name", "payer.text", "registration.malformed",
// "registration.check_digit", "address.malformed".
func (p Payer) check(op mail.Op) (Payer, error) {
	for _, text := range []*string{&p.Name, &p.PostalCode, &p.Address, &p.Department, &p.Contact, &p.Email, &p.Phone} {
		*text = strings.TrimSpace(*text)
		if len(*text) > maxPayerText || strings.ContainsFunc(*text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return p, mail.E(op, mail.Invalid, "payer.text", maxPayerText)
		}
	}
	if p.Name == "" || len(p.Name) > MaxPayerName {
		return p, mail.E(op, mail.Invalid, "payer.name", MaxPayerName)
	}
	if p.Email != "" {
		if _, err := mail.ParseAddress(p.Email); err != nil {
			return p, mail.Wrap(op, err)
		}
	}
	if p.Registration == "" {
		return p, nil
	}
	number, fits, err := ParseRegistration(p.Registration)
	if err == nil && !fits && !p.Sole {
		err = mail.E(op, mail.Invalid, "registration.check_digit", number)
	}
	p.Registration = number
	return p, err
}

// Doubtful tells whether the registration number's first digit is not what a corporation's would be. A sole proprietor's is
// taken all the same; it is worth a second look.
func (p Payer) Doubtful() bool {
	_, fits, err := ParseRegistration(p.Registration)
	return p.Registration != "" && (err != nil || !fits)
}

// ParseRegistration reads a registration number of the qualified invoice system, also in full-width characters and with hyphens:
// T, a digit from 1 to 9, and twelve digits. fits tells whether the first digit is the check digit of the others, as it is for
// corporations: 9 − (Σ Pₙ·Qₙ mod 9), where Pₙ is the n-th digit from the right of the twelve and Qₙ is 1 for odd n, 2 for even n.
// Invalid "registration.malformed".
func ParseRegistration(s string) (number string, fits bool, err error) {
	number = strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(norm.NFKC.String(strings.TrimSpace(s))))
	malformed := len(number) != 14 || number[0] != 'T' || number[1] == '0' ||
		strings.ContainsFunc(number[1:], func(r rune) bool { return r < '0' || r > '9' })
	if malformed {
		return "", false, mail.E("billing.ParseRegistration", mail.Invalid, "registration.malformed", s)
	}
	sum := 0
	for n := 1; n <= 12; n++ {
		digit := int(number[14-n] - '0')
		sum += digit * (2 - n%2)
	}
	return number, int(number[1]-'0') == 9-sum%9, nil
}

// PayerState is a Payer with who set it last.
type PayerState struct {
	Payer
	Version uint64 // 0 where none was set
	Changed time.Time
	By      string
}

// payerDoc is a Payer as stored.
type payerDoc struct {
	Payer
	By string `json:"by"`
}

// payerKey is under what a tenant's Payer is found.
var payerKey = store.Key{Name: "payer", Value: "invoices"}

// Payer gives to whom a tenant's invoices go; the zero Payer where that was never said. NotFound "tenant.unknown".
func (s *Service) Payer(ctx context.Context, tenant mail.TenantID) (p PayerState, err error) {
	const op = "billing.Payer"
	if _, err := s.dir.Tenant(ctx, tenant); err != nil {
		return p, mail.Wrap(op, err)
	}
	err = s.store.Tenant(tenant).View(ctx, func(r store.Reader) error {
		o, err := r.ObjectByKey(payerKey)
		if mail.Is(err, mail.NotFound) {
			p = PayerState{}
			return nil
		}
		var doc payerDoc
		if err == nil {
			err = read(o, &doc)
		}
		p = PayerState{doc.Payer, o.Version, o.Changed, doc.By}
		return err
	})
	return p, mail.Wrap(op, err)
}

// SetPayer says to whom a tenant's invoices go. version is what is meant to be replaced, 0 = whatever stands there. Operators
// only. Conflict "object.changed".
func (s *Service) SetPayer(ctx context.Context, by mail.Actor, tenant mail.TenantID, version uint64, p Payer) error {
	const op = "billing.SetPayer"
	if err := s.dir.MayOrder(ctx, by, tenant, op); err != nil {
		return err
	}
	p, err := p.check(op)
	if err != nil {
		return err
	}
	err = s.store.Tenant(tenant).Update(ctx, by, op, func(tx store.Tx) error {
		o, err := tx.ObjectByKey(payerKey)
		switch {
		case mail.Is(err, mail.NotFound):
			o = store.Object{Kind: kindPayer, ID: mail.ObjectID(tx.NextID())}
		case err != nil:
			return err
		}
		if version != 0 && version != o.Version {
			return mail.E(op, mail.Conflict, "object.changed")
		}
		o.Unique = []store.Key{payerKey}
		return put(tx, o, payerDoc{p, by.Name()})
	})
	return mail.Wrap(op, err)
}
