package outbox_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"tegami/mail"
	"tegami/outbox"
	"tegami/wire/mdn"
	"tegami/wire/mime"
)

// TestReceipts: a receipt goes to who asked for it, once, and never to lists, programs or nobody.
func TestReceipts(t *testing.T) {
	h := newHouse(t)
	alpha := h.company("alpha.example", 2)
	h.run()
	b := h.at("user0@alpha.example")
	mine := h.mine(b)
	const wants = "Return-Path: <user1@alpha.example>\r\nMessage-ID: <1@x>\r\nSubject: x\r\nDisposition-Notification-To: Sato <user1@alpha.example>\r\nOriginal-Recipient: rfc822; user0@alpha.example\r\n"
	send := func(header, sending string) (mail.EmailID, error) {
		id := h.draft(alpha[0], "INBOX", header+"\r\ntext\r\n")
		return id, b.SendReceipt(h.ctx, &outbox.Receipt{Identity: mine, Email: id, WithHeader: true, Notification: mdn.Notification{
			Subject: "開封確認", Text: "開封しました。\n", Disposition: mdn.Disposition{Action: "manual-action", Sending: sending, Type: "displayed"}}})
	}
	id, err := send(wants, "mdn-sent-manually")
	h.must(err)
	h.until("it comes", func() bool { return len(h.texts(alpha[1], "INBOX")) == 1 })
	text := []byte(h.texts(alpha[1], "INBOX")[0])
	n, err := mdn.Parse(mime.ParseBytes(text, mime.Limits{}), bytes.NewReader(text))
	h.must(err)
	if n.FinalRecipient != "rfc822; user0@alpha.example" || n.OriginalMessageID != "<1@x>" || n.OriginalRecipient != "rfc822; user0@alpha.example" || n.Disposition.Type != "displayed" ||
		n.Text != "開封しました。\r\n" || !bytes.HasPrefix(text, []byte("Return-Path: <>\r\n")) || !bytes.Contains(text, []byte("From: User 0 <user0@alpha.example>\r\n")) {
		t.Errorf("%+v in\n%s", n, text)
	}
	if _, _, flags := h.where(alpha[0], id); !slices.Equal(flags, []string{outbox.KeywordReceipt}) {
		t.Errorf("%q", flags)
	}
	again := &outbox.Receipt{Identity: mine, Email: id, Notification: mdn.Notification{Disposition: n.Disposition}}
	h.says(b.SendReceipt(h.ctx, again), mail.Conflict, "mdn.sent")
	for name, c := range map[string]struct{ header, sending, key string }{
		"nobody asked": {"Subject: x\r\n", "mdn-sent-manually", "mdn.not_wanted"},
		"two":          {"Disposition-Notification-To: a@b.example, c@d.example\r\n", "mdn-sent-manually", "mdn.not_wanted"},
		"list":         {wants + "List-Id: <x.y>\r\n", "mdn-sent-manually", "mdn.refused"},
		"bulk":         {wants + "Precedence: Bulk\r\n", "mdn-sent-manually", "mdn.refused"},
		"null":         {strings.Replace(wants, "<user1@alpha.example>", "<>", 1), "mdn-sent-manually", "mdn.refused"},
		"other":        {strings.Replace(wants, "<user1@alpha.example>", "<user2@alpha.example>", 1), "mdn-sent-automatically", "mdn.refused"},
		"report":       {wants + "Content-Type: multipart/report; boundary=b\r\n", "mdn-sent-manually", "mdn.refused"},
	} {
		_, err := send(c.header, c.sending)
		if key, _ := mail.TextOf(err); !mail.Is(err, mail.Denied) || key != c.key {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = send(wants, "sometimes")
	h.says(err, mail.Invalid, "mdn.disposition")
	id, err = send(strings.Replace(wants, "Sato <user1@alpha.example>", "nobody@alpha.example", 1), "mdn-sent-manually")
	h.says(err, mail.NotFound, "recipient.unknown")
	if _, _, flags := h.where(alpha[0], id); len(flags) != 0 { // it can be tried again
		t.Errorf("%q", flags)
	}
	if _, err = send(wants, "mdn-sent-automatically"); err != nil {
		t.Error(err)
	}
	if len(h.noted) != 0 {
		t.Errorf("the address book hears of receipts: %q", h.noted)
	}
}
