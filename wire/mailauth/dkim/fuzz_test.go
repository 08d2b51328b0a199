package dkim

import (
	"strings"
	"testing"

	"tegami/mail"
)

// FuzzVerify: no message makes verification panic; one that passed fails when its From is changed; and every message with From can be
// signed so that it passes.
func FuzzVerify(f *testing.F) {
	for _, m := range []string{rfc6376Message, rfc8463Message, "From:a\n\n", "DKIM-Signature: v=1; a=ed25519-sha256; d=a.b; s=tg1e; h=from; bh=; b=AA==; l=0; x=1; t=0; i=@a.b\nFrom: x\n\n x"} {
		h, b := split(m)
		f.Add(string(h), b)
	}
	z := rfc8463Zone()
	z.txt["brisbane._domainkey.example.com"] = []string{rfc6376Record}
	for name, txt := range keyZone(keys()...).txt {
		z.txt[name] = txt
	}
	ed := keys()[1:]
	f.Fuzz(func(t *testing.T, header, body string) {
		for _, r := range Verify(t.Context(), z, []byte(header), strings.NewReader(body), Limits{}) {
			if (r.Err == nil) != (r.Status == Pass || r.Status == None) {
				t.Fatalf("%+v", r)
			}
			r.Report().Prop("header", "d")
		}
		fields, err := Sign([]byte(header), strings.NewReader(body), ed, Options{Identity: "a;=\x01@example.org"})
		if err != nil {
			if !mail.Is(err, mail.Invalid) {
				t.Fatal(err)
			}
			return
		}
		signed := append(fields, header...)
		if r := Verify(t.Context(), z, signed, strings.NewReader(body), Limits{})[0]; r.Status != Pass {
			t.Fatalf("what we signed is %s: %v\n%q", r.Status, r.Err, signed)
		}
		if r := Verify(t.Context(), z, append([]byte("From: x\r\n"), signed...), strings.NewReader(body), Limits{})[0]; r.Status != Fail {
			t.Fatalf("a second From is %s", r.Status)
		}
	})
}

// FuzzRecord: no record makes the reader panic, and a key that is read can be written and read again.
func FuzzRecord(f *testing.F) {
	f.Add(rfc6376Record)
	f.Add("v=DKIM1; k=ed25519; h=sha1:sha256; s=*; t=y:s; n=x; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
	f.Fuzz(func(t *testing.T, txt string) {
		r, err := ParseRecord(txt)
		if err != nil || r.Public == nil {
			return
		}
		again, err := ParseRecord(FormatRecord(r.Public))
		if err != nil || again.Bits() != r.Bits() {
			t.Fatalf("%q: %v", txt, err)
		}
	})
}
