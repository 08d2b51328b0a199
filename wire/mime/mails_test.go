package mime

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tegami/lab/archives"
)

// mailFacts is what a reader of the mail sees.
type mailFacts struct {
	archive, file string
	subject       string
	from          string   // as show writes it, names decoded
	types         string   // of all parts, parents first
	names         []string // Filename of those that have one
}

var knownMails = []mailFacts{
	{"mime-cyrus", "mime/msg1.eml", "message 1", "|from1|server.example.int", "text/plain", nil},
	{"mime-cyrus", "mime/issue2918.eml", "", "", "multipart/alternative multipart/mixed text/plain multipart/alternative text/plain text/html", nil},
	{"mime-cyrus", "vcard/invalid-utf8.eml", "Test", "|test|local", "text/vcard", []string{"123456789.vcf"}},
	{"mime-enmime", "mail/mime-bad-8bit-filename.raw", "Malformed test", "Pavel Bazika|pavel.bazika|some.domain", "multipart/mixed text/plain application/msword", []string{"管理.doc"}},
	{"mime-enmime", "mail/mime-duplicate-param.raw", "Confirmation of Booking with easyHotel", "easyHotel Booking|bookings|easyHotel.com", "multipart/mixed text/plain application/pdf", []string{"Invoice_302232133150612.pdf"}},
	{"mime-enmime", "mail/malformed-multiple-address-header-values.raw", "Test", "Bob Dunite|bob|extern; Bobby Dunite|bobby|extern", "multipart/mixed text/plain application/pdf text/plain", []string{"test.pdf", "test.txt"}},
	{"mime-enmime", "mail/multipart-wo-boundary.raw", "Delivery Status Notification (Failure)", "|Mailer-Daemon|example.com", "text/plain", nil},
	{"mime-enmime", "mail/other-multi-related.raw", "MIME test 1", "James Hillyerd|james|makita.skynet", "multipart/related multipart/alternative text/plain text/html image/png image/png", []string{"image001.png", "image002.png"}},
	{"mime-enmime", "low-quality/malformed-base64-attach.raw", "Attachment", "James Hillyerd|james|makita.skynet", "multipart/mixed text/plain application/msword", []string{"some.doc"}},
	{"mime-enmime", "parts/missing-closing-param-quote.raw", "", "", "text/html", nil},
	{"mime-enmime", "parts/nestedmulti.raw", "", "", "multipart/alternative text/plain multipart/related text/html text/plain text/plain", []string{"attach.txt", "attach2.txt"}},
	{"mime-python", "msg_43.txt", "Banned file: auto__mail.python.bat in mail from you", "MAILER DAEMON||", "multipart/report text/plain message/delivery-status text/rfc822-headers", nil},
	{"mime-python", "msg_38.txt", "", "", "multipart/mixed multipart/mixed multipart/alternative text/plain text/plain text/plain text/plain", nil},
	{"mime-python", "msg_36.txt", "I-D ACTION:draft-ietf-mboned-mix-00.txt", "|Internet-Drafts|ietf.org", "multipart/mixed text/plain multipart/alternative message/external-body message/external-body", []string{"draft-ietf-mboned-mix-00.txt"}},
	{"mime-rubymail", "emails/multi_charset/japanese_attachment.eml", "testing", "Mikel Lindsaar|raasdnil|gmail.com", "multipart/mixed text/plain text/plain", []string{"てすと.txt"}},
	{"mime-rubymail", "emails/multi_charset/japanese_attachment_long_name.eml", strings.Repeat("まみむめも", 10), "Mikel Lindsaar|mikel|test.lindsaar.net", "multipart/mixed text/plain", []string{strings.Repeat("かきくけこ", 5) + ".txt"}},
	{"mime-rubymail", "emails/rfc2822/example14.eml", "Re: TEST \tテストテスト", "Atsushi Yoshida|atsushi|example.com", "text/plain", nil},
	{"mime-rubymail", "emails/plain_emails/raw_email.eml", "NOTE: 한국말로 하는 것", "Jamis Buck|jamis|37signals.com", "text/plain", nil},
	{"mime-rubymail", "emails/plain_emails/raw_email_with_partially_quoted_subject.eml", `Re: Test: "漢字" mid "漢字" tail`, "Jamis Buck|jamis|37signals.com", "text/plain", nil},
	{"mime-rubymail", "emails/attachment_emails/attachment_with_quoted_filename.eml", "Eelanalüüsi päring", "Jeffrey Hardy|jeff|37signals.com", "multipart/mixed image/jpeg", []string{"Eelanalüüsi päring.jpg"}},
	{"mime-rubymail", "emails/attachment_emails/attachment_nonascii_filename.eml", "testing", "|foo|example.com", "multipart/mixed text/plain text/plain", []string{"ciële.txt"}},
	{"mime-rubymail", "emails/attachment_emails/attachment_with_unquoted_name.eml", "testing", "|foo|example.com", "multipart/mixed text/plain text/plain", []string{"This is a test.txt"}},
	{"mime-rubymail", "emails/error_emails/bad_subject.eml", "MySurvey.com:  You have a survey waiting!  91123105", "MySurvey.com & Carol Adams|carol|mysurvey.com", "multipart/alternative text/plain text/html", nil},
	{"mime-rubymail", "emails/error_emails/bad_encoded_subject.eml", "TEST", "", "text/plain", nil},
	{"mime-rubymail", "emails/rfc2822/example10.eml", "", "Pete (A wonderful ) chap)|pete|silly.test", "text/plain", nil},
	{"mime-rspamd", "spam.eml", "Аудиоэнциклопедии для детей - великолепная коллекция в отличном качестве. 08_01_2019 02_10 251564", "Андрей Потапов|info|jbshvnthwigaf.ru", "multipart/mixed multipart/alternative text/plain text/html text/plain", []string{"Список-Аудиоэнциклопедии.txt"}},
	{"mime-rspamd", "from/from_dn_base64.eml", "", "Кириллица|user|example.org", "text/plain", nil},
	{"mime-rspamd", "next2last-digits_in_brackets.eml", "", "", "multipart/mixed application/x-msi", []string{"PDF417(3.2.4).msi"}},
	{"mime-mimekit", "messages/multipart-digest.txt", "", "|user|domain.org", "message/rfc822 multipart/digest message/rfc822 text/plain message/rfc822 text/plain", nil},
	{"mime-mimekit", "messages/empty-multipart.txt", "test of empty multipart/alternative", "|mimekit|example.com", "multipart/mixed text/plain text/plain", nil},
	{"mime-mimekit", "messages/bounce.txt", "Undelivered Mail Returned to Sender", "Mail Delivery System|MAILER-DAEMON|hmail.jitbit.com", "multipart/report text/plain message/delivery-status message/rfc822 multipart/alternative text/plain text/html", nil},
}

// TestKnownMails compares what is read of mails of the archives with what a person reads there.
func TestKnownMails(t *testing.T) {
	dirs := map[string]string{}
	for _, want := range knownMails {
		if dirs[want.archive] == "" {
			dirs[want.archive] = filepath.Join(archives.Unpack(t, want.archive), want.archive)
		}
		raw, err := os.ReadFile(filepath.Join(dirs[want.archive], want.file))
		if err != nil {
			t.Error(err)
			continue
		}
		got := readFacts(raw)
		if got.subject != want.subject || got.from != want.from || got.types != want.types || !slices.Equal(got.names, want.names) {
			t.Errorf("%s %s\n got %q %q %s %q\nwant %q %q %s %q", want.archive, want.file, got.subject, got.from, got.types, got.names, want.subject, want.from, want.types, want.names)
		}
	}
}

func readFacts(raw []byte) mailFacts {
	m := ParseBytes(raw, Limits{})
	e := m.Root.Envelope
	from := slices.Clone(e.From)
	for i := range from {
		from[i].Display = from[i].Name()
	}
	f := mailFacts{subject: e.SubjectText(), from: show(from)}
	m.Root.Walk(func(p *Part) bool {
		f.types = strings.TrimSpace(f.types + " " + p.Type + "/" + p.Subtype)
		if name := p.Filename(); name != "" {
			f.names = append(f.names, name)
		}
		return true
	})
	return f
}
