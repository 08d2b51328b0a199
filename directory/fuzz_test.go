package directory

import (
	"strings"
	"testing"

	"tegami/mail"
)

// FuzzProofs reads what stands behind the plus of an address: only what tokens made is right.
func FuzzProofs(f *testing.F) {
	tokens := &Tokens{keys: [][]byte{[]byte("secret")}}
	l := &List{ID: 7, Tenant: 8, Address: mail.Address{Local: "team", Domain: "a.example"}}
	m := &Member{ID: 9, Address: mail.Address{Local: "x", Domain: "b.example"}}
	_, bounce, _ := strings.Cut(tokens.Bounce(l, m).Local, "+")
	leave, _ := tokens.Unsubscribe(l, m)
	_, leaving, _ := strings.Cut(leave.Local, "+")
	f.Add(bounce)
	f.Add(leaving)
	f.Fuzz(func(t *testing.T, s string) {
		if _, _, ok := tokens.bounced(l, s); ok != strings.EqualFold(s, bounce) {
			t.Errorf("%q bounces: %v", s, ok)
		}
		if _, ok := tokens.leaver(l, s); ok != strings.EqualFold(s, leaving) {
			t.Errorf("%q leaves: %v", s, ok)
		}
	})
}
