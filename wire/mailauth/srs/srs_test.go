package srs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tegami/mail"
)

var (
	secret = []byte("tops3cr3t")
	today  = time.Unix(20780*86400+4321, 0)
)

const ours = "ours.example"

func addr(s string) mail.Address {
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return mail.Address{}
	}
	return mail.Address{Local: s[:i], Domain: s[i+1:]}
}

// TestAsPostsrsd compares with what postsrsd 1.10 of Debian made with this secret on this day.
func TestAsPostsrsd(t *testing.T) {
	for from, want := range map[string]string{
		"milos@mailspot.com":                                           "SRS0=aQJQ=JM=mailspot.com=milos",
		"Milos@MailSpot.com":                                           "SRS0=aQJQ=JM=MailSpot.com=Milos",
		"hello+world@domain.com":                                       "SRS0=iokN=JM=domain.com=hello+world",
		"a=b@x.example":                                                "SRS0=miMk=JM=x.example=a=b",
		"SRS0=8Zzm=IS=netmark.rs=milos@domain.com":                     "SRS1=KRjg=domain.com==8Zzm=IS=netmark.rs=milos",
		"SRS0+8Zzm=IS=netmark.rs=milos@domain.com":                     "SRS1=HbdI=domain.com=+8Zzm=IS=netmark.rs=milos",
		"SRS1=50B9=domain.net==8Zzm=IS=netmark.rs=milos@other.example": "SRS1=6nt/=domain.net==8Zzm=IS=netmark.rs=milos",
	} {
		got := Forward(addr(from), ours, [][]byte{secret}, today)
		if got != (mail.Address{Local: want, Domain: ours}) {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
}

func TestForwardAndBack(t *testing.T) {
	secrets := [][]byte{secret, []byte("older")}
	for _, s := range []string{"a@b.example", "a..b@docomo.ne.jp", `odd "one"@b.example`, "x=y=z@b.example", "佐藤@xn--fsq.jp"} {
		from := addr(s)
		by := Forward(from, ours, secrets, today)
		if !IsSRS(by.Local) || by.Domain != ours {
			t.Fatalf("%s became %v", s, by)
		}
		back, err := Reverse(by.Local, secrets, today)
		if err != nil || back != from {
			t.Errorf("%s came back as %v, %v", s, back, err)
		}
		back, err = Reverse(lower(by.Local), secrets, today)
		if err != nil || !strings.EqualFold(back.String(), from.String()) {
			t.Errorf("%s in lower case came back as %v, %v", s, back, err)
		}
		second := Forward(by, "second.example", [][]byte{[]byte("theirs")}, today)
		third := Forward(second, "third.example", [][]byte{[]byte("others")}, today)
		if back, err := Reverse(third.Local, [][]byte{[]byte("others")}, today.Add(100*day)); err != nil || back != by {
			t.Errorf("%s over three hosts came back as %v, %v", s, back, err)
		}
	}
}

func TestForwardLeavesAlone(t *testing.T) {
	if got := Forward(mail.Address{}, ours, [][]byte{secret}, today); !got.IsNull() {
		t.Errorf("the null sender became %s", got)
	}
	if got := Forward(addr("a@ours.example"), ours, [][]byte{secret}, today); got != addr("a@ours.example") {
		t.Errorf("our own became %s", got)
	}
	if got := Forward(addr("a@b.example"), ours, nil, today); !got.IsNull() {
		t.Errorf("without a secret it became %s", got)
	}
	for _, odd := range []string{"SRS0=short@b.example", "SRS1=x=y@b.example", "SRS1=x==y=z@b.example", "SRS2=a=b=c=d@b.example"} {
		if got := Forward(addr(odd), ours, [][]byte{secret}, today); !strings.HasPrefix(got.Local, "SRS0=") {
			t.Errorf("%s became %s", odd, got)
		}
	}
}

func TestFits(t *testing.T) {
	short, long := Forward(addr("a@b.example"), ours, [][]byte{secret}, today), Forward(addr(strings.Repeat("x", 60)+"@amazonses.com"), ours, [][]byte{secret}, today)
	if !Fits(short) || Fits(long) {
		t.Errorf("%s %v, %s %v", short, Fits(short), long, Fits(long))
	}
	if back, err := Reverse(long.Local, [][]byte{secret}, today); err != nil || len(back.Local) != 60 {
		t.Errorf("a long one came back as %v, %v", back, err)
	}
}

func TestReverseRefuses(t *testing.T) {
	good := Forward(addr("a@b.example"), ours, [][]byte{secret}, today).Local
	guarded := Forward(addr("SRS0=8Zzm=IS=netmark.rs=milos@domain.com"), ours, [][]byte{secret}, today).Local
	for _, c := range []struct {
		local string
		days  int
		kind  mail.Kind
		key   string
	}{
		{good, 22, mail.NotFound, "srs.expired"},
		{good, 21, mail.Other, ""},
		{good, -1, mail.Other, ""},
		{good, -2, mail.NotFound, "srs.expired"},
		{good, 1024, mail.Other, ""}, // the day wraps, as in libsrs2
		{strings.Replace(good, "=b.example", "=c.example", 1), 0, mail.Denied, "srs.forged"},
		{good + "x", 0, mail.Denied, "srs.forged"},
		{strings.Replace(good, good[5:9], good[5:8], 1), 0, mail.Denied, "srs.forged"},
		{strings.Replace(good, good[5:9], "", 1), 0, mail.Denied, "srs.forged"},
		{strings.Replace(guarded, "domain.com", "domain.net", 1), 0, mail.Denied, "srs.forged"},
		{"user", 0, mail.Invalid, "srs.malformed"},
		{"SRS0=", 0, mail.Invalid, "srs.malformed"},
		{"SRS0=abcd=AB=x", 0, mail.Invalid, "srs.malformed"},
		{"SRS1=abcd=x.example=y", 0, mail.Invalid, "srs.malformed"},
		{"SRS1=abcd=x.example", 0, mail.Invalid, "srs.malformed"},
		{made0("A", "b.example", "a"), 0, mail.NotFound, "srs.expired"},
		{made0("1A", "b.example", "a"), 0, mail.NotFound, "srs.expired"},
		{made0("JM", "-", "a"), 0, mail.Invalid, "srs.malformed"},
		{made0("JM", "b.example", ""), 0, mail.Invalid, "srs.malformed"},
	} {
		_, err := Reverse(c.local, [][]byte{secret}, today.Add(time.Duration(c.days)*day))
		if key, _ := mail.TextOf(err); key != c.key || c.key != "" && !mail.Is(err, c.kind) {
			t.Errorf("%s after %d days: %v, want %s", c.local, c.days, err, c.key)
		}
	}
}

// made0 makes an address of the first kind with a right hash over whatever parts.
func made0(at, host, user string) string {
	return fmt.Sprintf("SRS0=%s=%s=%s=%s", hash(secret, at, host, user), at, host, user)
}

// TestSecretsRotate knows addresses of the older secret until it is gone.
func TestSecretsRotate(t *testing.T) {
	old, young := []byte("old"), []byte("young")
	by := Forward(addr("a@b.example"), ours, [][]byte{old}, today)
	if _, err := Reverse(by.Local, [][]byte{young, old}, today); err != nil {
		t.Error(err)
	}
	if _, err := Reverse(by.Local, [][]byte{young}, today); !mail.Is(err, mail.Denied) {
		t.Error(err)
	}
	if Forward(addr("a@b.example"), ours, [][]byte{young, old}, today) == by {
		t.Error("the first secret does not make new addresses")
	}
}

// FuzzReverse reads any local part; what comes back was made by us.
func FuzzReverse(f *testing.F) {
	f.Add("SRS0=aQJQ=JM=mailspot.com=milos", "a", "b.example")
	f.Add("SRS1=KRjg=domain.com==8Zzm=IS=netmark.rs=milos", "SRS0=8Zzm=IS=netmark.rs=milos", "domain.com")
	f.Fuzz(func(t *testing.T, local, user, domain string) {
		if a, err := Reverse(local, [][]byte{secret}, today); err == nil && (a.Local == "" || a.Domain == "") {
			t.Errorf("%q: %v", local, a)
		}
		d, ok := mail.ParseDomain(domain)
		if !ok || user == "" || strings.Contains(d, "=") {
			return
		}
		from := mail.Address{Local: user, Domain: d}
		by := Forward(from, ours, [][]byte{secret}, today)
		if back, err := Reverse(by.Local, [][]byte{secret}, today); d != ours && err != nil {
			t.Errorf("%v became %v and came back as %v, %v", from, by, back, err)
		}
	})
}
