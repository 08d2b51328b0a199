package directory

import (
	"bytes"
	"strings"
	"testing"

	"tegami/mail"
)

// FuzzMembersFile reads any octets as a file of members: every line is read or told about, within the limits.
func FuzzMembersFile(f *testing.F) {
	f.Add([]byte("\ufefflist_address,action,member_address,member_name,can_post\nteam@a.example,add,x@b.example,\"Abe, A.\",no\n"))
	f.Add([]byte("action,list_address,member_address\r\n\x92\xc7\x89\xc1,team@a.example,x@b.example\r\n"))
	f.Add([]byte("list_address,action,member_address\n\"open"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, wrong, err := readMembers("test", bytes.NewReader(b))
		if err != nil && len(lines)+len(wrong) > 0 || len(lines) > MaxCSVLines || len(wrong) > MaxLineErrors {
			t.Errorf("%d lines, %d errors, %v", len(lines), len(wrong), err)
		}
		for _, l := range lines {
			if l.Address.Local == "" || l.list.Domain == "" || l.line < 2 {
				t.Errorf("read %+v", l)
			}
		}
	})
}

// FuzzCell writes a field for spreadsheets: it begins no formula, and comes back.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "=1+1", "'", "''=", "-x@a.example", "\tx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := safeCell(s)
		if cell != "" && strings.IndexByte(formulas, cell[0]) >= 0 || plainCell(cell) != s {
			t.Errorf("%q became %q, and %q again", s, cell, plainCell(cell))
		}
	})
}

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
