package smtpd

import (
	"strings"
	"testing"

	"tegami/directory"
	"tegami/lab/dialog"
	"tegami/mail"
	"tegami/mailbox"
)

// fill fills the box of user0@alpha.example to the last octet.
func (h *house) fill(t testing.TB) *mailbox.View {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	id, err := h.dir.SignIn(t.Context(), mail.Origin{Door: "pop3s"}, directory.Protocol("pop3s"), "user0@alpha.example", toyPassword)
	must(err)
	a, err := h.boxes.Open(t.Context(), id)
	must(err)
	t.Cleanup(a.Close)
	const size = 10 << 20
	upload, err := a.Stage(t.Context(), size)
	must(err)
	defer upload.Release()
	_, err = upload.Write([]byte(strings.Repeat("0123456789abcde\n", size/16)))
	must(err)
	_, err = a.Append(t.Context(), "INBOX", []mailbox.Appended{{Upload: upload}})
	must(err)
	v, err := a.Select(t.Context(), "INBOX")
	must(err)
	t.Cleanup(v.Close)
	for range mail.Plan100MB/size - 1 {
		_, _, _, err := v.Copy(t.Context(), []uint32{1}, "INBOX")
		must(err)
	}
	return v
}

// TestSV5Dialogs: a full box neither receives nor sends, and both work again at once when it has been emptied.
func TestSV5Dialogs(t *testing.T) {
	server, _ := testTLS(t)
	h := newHouse(t)
	v := h.fill(t)
	mx := start(t, Config{TLS: server}, Through(h.in))
	smtps := start(t, Config{Name: "smtps", Mode: Submission, TLS: server, ImplicitTLS: true}, Through(h.in))
	for file, addr := range map[string]string{"house_full_mx": mx, "house_full_smtps": smtps} {
		dialog.Run(t, addr, "testdata/"+file+".dialog", map[string]string{"addr": addr, "password": toyPassword})
	}
	if _, err := v.Poll(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.Store(t.Context(), []uint32{1}, mailbox.Add, mail.Deleted, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Expunge(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	dialog.Run(t, smtps, "testdata/house_emptied.dialog", map[string]string{"addr": smtps, "password": toyPassword})
	if _, n := h.inbox(t, "user0@alpha.example"); n != int(mail.Plan100MB/(10<<20)) {
		t.Errorf("%d messages are in the box that was emptied", n)
	}
}
