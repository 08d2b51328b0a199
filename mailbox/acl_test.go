package mailbox

import (
	"testing"

	"tegami/mail"
)

func TestParseRights(t *testing.T) {
	for _, c := range []struct{ in, out, compatible string }{
		{"", "", ""},
		{"lr", "lr", "lr"},
		{"rl", "lr", "lr"},
		{"lrswipkxtea", "lrswipkxtea", "lrswipkxteacd"},
		{"c", "kx", "kxc"},
		{"d", "te", "ted"},
		{"lrswida", "lrswitea", "lrswitead"},
		{"k", "k", "kc"},
		{"dt", "te", "ted"},
	} {
		r, err := ParseRights(c.in)
		if err != nil || r.String() != c.out || r.Compatible() != c.compatible {
			t.Errorf("%q: %v %v %v; want %q %q", c.in, r, r.Compatible(), err, c.out, c.compatible)
		}
	}
	for _, in := range []string{"q", "L", "lr1", "lr ", "読"} {
		if _, err := ParseRights(in); !mail.Is(err, mail.Invalid) {
			t.Errorf("%q: %v; an unknown right is an error (RFC 4314 §3.1)", in, err)
		}
	}
}

func FuzzParseRights(f *testing.F) {
	f.Add("lrswipkxteacd")
	f.Fuzz(func(t *testing.T, in string) {
		r, err := ParseRights(in)
		if err != nil {
			return
		}
		if again, err := ParseRights(r.String()); err != nil || again != r {
			t.Errorf("%q became %v, and that %v %v", in, r, again, err)
		}
		// Obsolete letters stand for several rights: who writes back what was read may give more.
		if again, err := ParseRights(r.Compatible()); err != nil || !again.Has(r) {
			t.Errorf("%q became %q, and that %v %v", in, r.Compatible(), again, err)
		}
	})
}

func TestRightsOfACL(t *testing.T) {
	const me, other = mail.AccountID(7), mail.AccountID(8)
	for _, c := range []struct {
		name string
		list acl
		want string
	}{
		{"nobody", nil, ""},
		{"another", acl{{who: other, give: AllRights}}, ""},
		{"me", acl{{who: me, give: RightRead}}, "r"},
		{"anyone and me together", acl{{give: RightLookup}, {who: me, give: RightRead}}, "lr"},
		{"taken from me, given to anyone", acl{{give: RightLookup | RightRead}, {who: me, take: RightRead}}, "l"},
		{"taken from anyone, given to me", acl{{take: RightRead}, {who: me, give: RightLookup | RightRead}}, "l"},
		{"taken from another", acl{{give: RightRead}, {who: other, take: RightRead}}, "r"},
	} {
		if got := c.list.rights(me).String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRightsOverFlags(t *testing.T) {
	words := mail.Keyword(0)
	for _, c := range []struct {
		rights Rights
		may    mail.Flags
	}{
		{RightSeen, mail.Seen}, {RightDeleted, mail.Deleted},
		{RightWrite, ^(mail.Seen | mail.Deleted)}, {NoRights, 0}, {AllRights, ^mail.Flags(0)},
	} {
		if got := c.rights.Flags(); got != c.may {
			t.Errorf("%v may change %x, want %x", c.rights, got, c.may)
		}
	}
	for flags, want := range map[mail.Flags]string{
		0: "swt", mail.Seen: "s", mail.Deleted: "t", mail.Draft | mail.Seen: "sw", words: "w",
	} {
		if got := flagRights(flags).String(); got != want {
			t.Errorf("%x needs %q, want %q", flags, got, want)
		}
	}
}
