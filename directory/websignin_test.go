package directory

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"tegami/mail"
)

// TestCP9StepsOfSigningIn holds the order of steps to a table.
func TestCP9StepsOfSigningIn(t *testing.T) {
	for name, c := range map[string]struct {
		s    standing
		want Step
	}{
		"a password is enough":                       {standing{}, StepDone},
		"a second factor comes first":                {standing{enrolled: true, old: true, needed: true}, StepFactor},
		"then the password":                          {standing{enrolled: true, shown: true, old: true}, StepChange},
		"then nothing":                               {standing{enrolled: true, shown: true, needed: true}, StepDone},
		"an initial password":                        {standing{old: true}, StepChange},
		"an initial password before enrolment":       {standing{old: true, needed: true, grace: true}, StepChange},
		"mandatory":                                  {standing{needed: true}, StepEnrol},
		"mandatory, time left":                       {standing{needed: true, grace: true}, StepEnrol},
		"mandatory, time left, put off":              {standing{needed: true, grace: true, postponed: true}, StepDone},
		"mandatory, put off too late":                {standing{needed: true, postponed: true}, StepEnrol},
		"put off does not stand in for a password":   {standing{old: true, needed: true, grace: true, postponed: true}, StepChange},
		"put off does not stand in for one there is": {standing{enrolled: true, postponed: true, grace: true}, StepFactor},
	} {
		if got := c.s.next(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestCP9TOTP holds codes to those of RFC 6238 appendix B, which has 8 digits.
func TestCP9TOTP(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totpCode(secret, at/30); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	now := time.Unix(1111111111, 0)
	for shift, want := range map[time.Duration]bool{0: true, -30 * time.Second: true, 30 * time.Second: true, -61 * time.Second: false, 61 * time.Second: false} {
		d := &totpDoc{Secret: secret}
		code := totpCode(secret, now.Add(shift).Unix()/30)
		if got := d.take(code, now); got != want {
			t.Errorf("a clock %v wrong: %v", shift, got)
		}
		if d.take(code, now) {
			t.Errorf("the code of %v was taken twice", shift)
		}
	}
	d := &totpDoc{Secret: secret}
	if !d.take(totpCode(secret, now.Unix()/30), now) || d.take(totpCode(secret, now.Unix()/30-1), now) {
		t.Error("a code from before the last one that was used was taken")
	}
	for _, code := range []string{"", "1", "0000000", "abcdef", "\x00\x00\x00\x00\x00\x00"} {
		if d.take(code, now) {
			t.Errorf("%q was taken", code)
		}
	}
}

// TestCP9GuessablePasswords tells what is tried early from what is not.
func TestCP9GuessablePasswords(t *testing.T) {
	names := []string{"アルファ商事 Alpha Trading", "sato", "alpha.example", "佐藤 一郎"}
	for password, want := range map[string]bool{
		"password1234": true, "Password!2026": true, "passwordpassword": true, "qwertyuiop12": true, "aaaaaaaaaaaaaa": true, "123456789012": true,
		"abcdefghijkl": true, "sato-sato-2026": true, "AlphaTrading1": true, "himitsu12345": true, "satoalpha2026": true, "summer2026!!!": true,
		"correct horse battery": false, "another good password": false, "k7xm-q2ap-33tz-m4wd": false, "passwordがぎぐげご": false,
		"sato likes green tea": false, "紫陽花と雨の日の散歩道": false,
	} {
		if got := guessable(password, names...); got != want {
			t.Errorf("%q: %v", password, got)
		}
	}
	for range 1000 {
		if p := NewInitialPassword(); guessable(p, names...) {
			t.Errorf("we give out %q", p)
		}
	}
}

// TestCP9AccessRules: from where each door may be used.
func TestCP9AccessRules(t *testing.T) {
	office := AccessRule{Mode: AccessListed, Networks: prefixesOf("192.0.2.0/24", "2001:db8::/32")}
	p := AccessPolicy{Rules: map[Door]AccessRule{DoorPanel: office, DoorIMAP: {Mode: AccessNone}, DoorSMTP: {Mode: AccessAll}}}
	for _, c := range []struct {
		door   Door
		from   string
		zone   mail.Zone
		exempt bool
		want   bool
	}{
		{DoorPanel, "192.0.2.9", mail.ZoneInternet, false, true},
		{DoorPanel, "::ffff:192.0.2.9", mail.ZoneInternet, false, true},
		{DoorPanel, "2001:db8::1", mail.ZoneInternet, false, true},
		{DoorPanel, "198.51.100.1", mail.ZoneInternet, false, false},
		{DoorPanel, "10.0.0.1", mail.ZoneVPN, false, false},
		{DoorPanel, "10.0.0.1", mail.ZoneVPN, true, true},
		{DoorPanel, "198.51.100.1", mail.ZoneInternet, true, false},
		{DoorIMAP, "192.0.2.9", mail.ZoneInternet, true, false},
		{DoorSMTP, "198.51.100.1", mail.ZoneInternet, false, true},
		{DoorPOP3, "198.51.100.1", mail.ZoneInternet, false, true},
	} {
		p.VPNExempt = c.exempt
		if got := p.admits(c.door, mail.Origin{Remote: addrOf(c.from), Zone: c.zone}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestCP9AccessGoesBack: what nobody confirmed holds for its time and no longer.
func TestCP9AccessGoesBack(t *testing.T) {
	was := AccessPolicy{}
	doc := securityDoc{SecurityPolicy: DefaultSecurity(), Before: &was, RevertAt: time.Now()}
	doc.Access = AccessPolicy{Rules: map[Door]AccessRule{DoorPanel: {Mode: AccessNone}}}
	if s := doc.effective(doc.RevertAt.Add(-time.Second)); s.Access.Rules[DoorPanel].Mode != AccessNone {
		t.Error("it does not hold before")
	}
	if s := doc.effective(doc.RevertAt.Add(time.Second)); !s.Access.same(was) {
		t.Error("it holds after")
	}
}

// TestCP9SignInLogJoins: one line a day of what is alike, and no more than there may be.
func TestCP9SignInLogJoins(t *testing.T) {
	day := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	line := func(at time.Time, protocol string) signInLine {
		return signInLine{First: at, Last: at, Count: 1, Protocol: protocol, OK: true}
	}
	var d signInsDoc
	d.add(line(day, "imaps"))
	d.add(line(day.Add(time.Hour), "pop3s"))
	d.add(line(day.Add(2*time.Hour), "imaps"))
	d.add(line(day.Add(24*time.Hour), "imaps"))
	if len(d.Lines) != 3 || d.Lines[2].Count != 2 || !d.Lines[2].Last.Equal(day.Add(2*time.Hour)) || d.Lines[0].Count != 1 {
		t.Errorf("%+v", d.Lines)
	}
	for i := range 2 * maxSignIns {
		d.add(line(day.Add(time.Duration(i)*24*time.Hour), "smtps"))
	}
	if len(d.Lines) != maxSignIns {
		t.Errorf("%d lines", len(d.Lines))
	}
}

// TestCP9SignInSlots: no two months that are kept share a place, so that 90 days are always there.
func TestCP9SignInSlots(t *testing.T) {
	h := holder{1, 2}
	now := firstOfMonth(time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC))
	var seen []string
	for m := range signInMonths {
		k := signInSlot(h, now.AddDate(0, -m, 0)).Value
		if slices.Contains(seen, k) {
			t.Errorf("%d months back shares %s", m, k)
		}
		seen = append(seen, k)
	}
	if slot := signInSlot(h, now.AddDate(0, -signInMonths, 0)).Value; slot != seen[0] {
		t.Error("places are not used again")
	}
}

// FuzzTokens reads what a browser may send in a cookie.
func FuzzTokens(f *testing.F) {
	token, _ := newToken(holder{1, 2})
	f.Add(token)
	f.Add("")
	f.Add("e30.AAAA")
	keys := &Tokens{keys: [][]byte{make([]byte, secretSize)}}
	f.Fuzz(func(t *testing.T, text string) {
		if h, _, ok := readToken(text); ok && (h.id <= 0 || h.tenant < 0) {
			t.Errorf("%q is of %v", text, h)
		}
		var w progress
		if err := keys.unseal("test", text, &w); !mail.Is(err, mail.Denied) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// FuzzCode reads what somebody typed as a code.
func FuzzCode(f *testing.F) {
	f.Add("123456")
	f.Add("１２３ ４５６")
	f.Add("k7xm-q2ap-33tz-m4wd")
	f.Fuzz(func(t *testing.T, code string) {
		doc := factorsDoc{TOTP: &totpDoc{Secret: []byte("12345678901234567890")}}
		_, doc.Recovery = newRecovery()
		if used := doc.take(code, time.Unix(0, 0)); used == FactorRecovery {
			t.Errorf("%q was guessed", code)
		}
	})
}

func addrOf(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefixesOf(text ...string) (list []netip.Prefix) {
	for _, s := range text {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}
