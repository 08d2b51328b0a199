package imap

import (
	"reflect"
	"testing"
)

// TestParseURL reads URLs of RFC 5092 §11 as RFC 4469 has them.
func TestParseURL(t *testing.T) {
	for in, want := range map[string]URL{
		"/INBOX/;UID=20":              {Relative: true, Mailbox: "INBOX", UID: 20},
		"imap://joe;x@h/INBOX/;UID=1": {},
		"/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER": {Relative: true, Mailbox: "Drafts", UIDValidity: 385759045, UID: 20,
			Section: Section{Kind: SectionHeader}},
		"IMAP://sato%40alpha.example@mail.alpha.example:143/%E4%BA%8B%E5%8B%99/a;UIDVALIDITY=7/;UID=3/;SECTION=1.2.MIME": {User: "sato@alpha.example",
			Host: "mail.alpha.example:143", Mailbox: "事務/a", UIDValidity: 7, UID: 3, Section: Section{Part: []int{1, 2}, Kind: SectionMIME}},
		"imap://h/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(Subject%20To)/;PARTIAL=3.10": {Host: "h", Mailbox: "INBOX", UID: 1,
			Section: Section{Kind: SectionFields, Fields: []string{"Subject", "To"}, Partial: true, Offset: 3, Count: 10}},
		"/INBOX/;UID=1/;PARTIAL=1024":       {Relative: true, Mailbox: "INBOX", UID: 1, Section: Section{Partial: true, Offset: 1024}},
		";UID=20/;SECTION=1":                {Relative: true, UID: 20, Section: Section{Part: []int{1}}},
		"/;UID=20":                          {Relative: true, UID: 20},
		"/INBOX":                            {},
		"/INBOX/;UID=0":                     {},
		"/INBOX/;UID=x":                     {},
		"/INBOX/;UID=1/;SECTION=FOO":        {},
		"/INBOX/;UID=1/;SECTION=1]":         {},
		"/INBOX/;UID=1/;SECTION={3%7d":      {},
		"/INBOX/;UID=1/;PARTIAL=0.0":        {},
		"/INBOX/;UID=1;URLAUTH=anonymous":   {},
		"/INBOX;UIDVALIDITY=0/;UID=1":       {},
		"/IN%0aBOX/;UID=1":                  {},
		"/IN%ffBOX/;UID=1":                  {},
		"/IN%zzBOX/;UID=1":                  {},
		"imap:///INBOX/;UID=1":              {},
		"imap://joe;AUTH=*@h/INBOX/;UID=1":  {},
		"http://h/INBOX/;UID=1/;SECTION=1 ": {},
	} {
		got, ok := ParseURL(in)
		if ok != (want.UID != 0) || ok && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", in, got, ok)
		}
	}
}

// FuzzURL: nothing panics, and what is taken has a message.
func FuzzURL(f *testing.F) {
	f.Add("imap://u@h/a;UIDVALIDITY=1/;UID=2/;SECTION=1.HEADER.FIELDS%20(%22a%22)/;PARTIAL=1.2")
	f.Add("/;UID=20")
	f.Fuzz(func(t *testing.T, in string) {
		if u, ok := ParseURL(in); ok && (u.UID == 0 || u.Relative != (u.Host == "")) {
			t.Errorf("%q is %+v", in, u)
		}
	})
}
