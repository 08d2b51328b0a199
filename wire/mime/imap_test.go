package mime

import (
	"strings"
	"testing"
)

// TestRFC3501Example renders the message of RFC 3501 §8 as its FETCH response does.
func TestRFC3501Example(t *testing.T) {
	head := "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n" +
		"From: Terry Gray <gray@cac.washington.edu>\r\n" +
		"Subject: IMAP4rev1 WG mtg summary and minutes\r\n" +
		"To: imap@cac.washington.edu\r\n" +
		"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n" +
		"Message-Id: <B27397-0100000@cac.washington.edu>\r\n" +
		"MIME-Version: 1.0\r\n" +
		"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n"
	body := strings.Repeat(strings.Repeat("x", 31)+"\r\n", 91) + strings.Repeat("y", 3028-91*33-2) + "\r\n"
	if len(head) != 342+len("\r\n")-2 {
		t.Fatalf("the header has %d octets", len(head))
	}
	m := checkStructure(t, []byte(head+body), 10)
	const envelope = `("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" ` +
		`(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ` +
		`(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ` +
		`((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")`
	if got := string(AppendEnvelope(nil, m.Root.Envelope)); got != envelope {
		t.Errorf("ENVELOPE\n got %s\nwant %s", got, envelope)
	}
	const structure = `("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 3028 92)`
	if got := string(AppendBodyStructure(nil, m.Root, false)); got != structure {
		t.Errorf("BODY\n got %s\nwant %s", got, structure)
	}
}

func TestEnvelopeText(t *testing.T) {
	for _, c := range []struct{ name, header, want string }{
		{"nothing", "", `(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)`},
		{"empty is not missing", "Date:\nSubject: \nIn-Reply-To:\nMessage-ID:\n", `("" "" NIL NIL NIL NIL NIL NIL "" "")`},
		{"sender and reply-to of their own", "From: a@x\nSender: b@x\nReply-To: c@x\n",
			`(NIL NIL ((NIL NIL "a" "x")) ((NIL NIL "b" "x")) ((NIL NIL "c" "x")) NIL NIL NIL NIL NIL)`},
		{"empty reply-to", "From: a@x\nReply-To:\n", `(NIL NIL ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) NIL NIL NIL NIL NIL)`},
		{"quoting", "Subject: a \"b\" \\ c\n", `(NIL "a \"b\" \\ c" NIL NIL NIL NIL NIL NIL NIL NIL)`},
		{"8-bit is a literal", "Subject: \xe3\x81\x82\n", "(NIL {3}\r\n\xe3\x81\x82 NIL NIL NIL NIL NIL NIL NIL NIL)"},
		{"raw ISO-2022-JP is a literal", "Subject: \x1b$B$\"\x1b(B\n", "(NIL {8}\r\n\x1b$B$\"\x1b(B NIL NIL NIL NIL NIL NIL NIL NIL)"},
		{"folded", "Subject: one\r\n two\r\n\tthree\r\n", `(NIL "one two` + "\t" + `three" NIL NIL NIL NIL NIL NIL NIL NIL)`},
		{"encoded words stay", "Subject: =?utf-8?B?44GC?=\n", `(NIL "=?utf-8?B?44GC?=" NIL NIL NIL NIL NIL NIL NIL NIL)`},
		{"group", "To: Team: a@x, B <b@x>; , c@x\n",
			`(NIL NIL NIL NIL NIL ((NIL NIL "Team" NIL)(NIL NIL "a" "x")("B" NIL "b" "x")(NIL NIL NIL NIL)(NIL NIL "c" "x")) NIL NIL NIL NIL)`},
		{"empty group", "To: undisclosed-recipients:;\n", `(NIL NIL NIL NIL NIL ((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)`},
		{"no domain", "To: root\n", `(NIL NIL NIL NIL NIL ((NIL NIL "root" "")) NIL NIL NIL NIL)`},
		{"null address", "From: <>\n", `(NIL NIL ((NIL NIL "" "")) ((NIL NIL "" "")) ((NIL NIL "" "")) NIL NIL NIL NIL NIL)`},
		{"fields twice", "To: a@x\nSubject: 1\nTo: b@x\nSubject: 2\n", `(NIL "1" NIL NIL NIL ((NIL NIL "a" "x")(NIL NIL "b" "x")) NIL NIL NIL NIL)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := checkStructure(t, []byte(c.header+"\n"), 3)
			if got := string(AppendEnvelope(nil, m.Root.Envelope)); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
	if got := string(AppendEnvelope(nil, nil)); got != `(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)` {
		t.Error(got)
	}
}

func TestBodyStructureText(t *testing.T) {
	const multi = "Content-Type: multipart/mixed; boundary=b\n"
	for _, c := range []struct{ name, raw, body, extension string }{
		{"no header", "\nx\n", `("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 2 1`, ` NIL NIL NIL NIL)`},
		{"all fields", "Content-Type: TEXT/HTML; charset=utf-8\nContent-ID: <i@x>\nContent-Description: d\nContent-Transfer-Encoding: 8BIT\nContent-MD5: Q2hlY2s=\nContent-Disposition: ATTACHMENT; filename=a.html\nContent-Language: en, ja\nContent-Location: http://x/\n\nx",
			`("text" "html" ("charset" "utf-8") "<i@x>" "d" "8bit" 1 0`, ` "Q2hlY2s=" ("attachment" ("filename" "a.html")) ("en" "ja") "http://x/")`},
		{"parameters without charset", "Content-Type: text/plain; format=flowed\n\n", `("text" "plain" ("format" "flowed") NIL NIL "7bit" 0 0`, ` NIL NIL NIL NIL)`},
		{"not text", "Content-Type: image/png\n\nabc", `("image" "png" NIL NIL NIL "7bit" 3`, ` NIL NIL NIL NIL)`},
		{"disposition without parameters", "Content-Type: image/png\nContent-Disposition: inline\n\n", `("image" "png" NIL NIL NIL "7bit" 0`, ` NIL ("inline" NIL) NIL NIL)`},
		{"one language", "Content-Type: image/png\nContent-Language: ja\n\n", `("image" "png" NIL NIL NIL "7bit" 0`, ` NIL NIL "ja" NIL)`},
		{"encoded words in parameters stay", "Content-Type: a/b; name=\"=?utf-8?B?44GC?=\"\n\n", `("a" "b" ("name" "=?utf-8?B?44GC?=") NIL NIL "7bit" 0`, ` NIL NIL NIL NIL)`},
		{"continuations are joined", "Content-Type: a/b; name*0*=utf-8''%e3; name*1*=%81%82\n\n", `("a" "b" ("name*" "utf-8''%e3%81%82") NIL NIL "7bit" 0`, ` NIL NIL NIL NIL)`},
		{"encoded message", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n", `("application" "octet-stream" NIL NIL NIL "base64" 0`, ` NIL NIL NIL NIL)`},
		{"multipart with fields of its own", "Content-ID: <i@x>\nContent-Description: d\n" + multi + "\n--b--\n--b\n\n", `("text" "plain" ("charset" "us-ascii") "<i@x>" "d" "7bit" 11 3`, ` NIL NIL NIL NIL)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := checkStructure(t, []byte(c.raw), 3)
			if got := string(AppendBodyStructure(nil, m.Root, true)); got != c.body+c.extension {
				t.Errorf("BODYSTRUCTURE\n got %s\nwant %s", got, c.body+c.extension)
			}
			if got := string(AppendBodyStructure(nil, m.Root, false)); got != c.body+")" {
				t.Errorf("BODY\n got %s\nwant %s", got, c.body)
			}
		})
	}
}

func TestBodyStructureOfParts(t *testing.T) {
	raw := "Content-Type: multipart/mixed; boundary=b\r\nContent-ID: <m@x>\r\nContent-Language: ja\r\n\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n"
	m := checkStructure(t, []byte(raw), 4)
	const inner = `("message" "rfc822" NIL NIL NIL "7bit" 21 (NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1`
	want := `(` + inner + `) 3)("image" "png" NIL NIL NIL "7bit" 1) "mixed")`
	if got := string(AppendBodyStructure(nil, m.Root, false)); got != want {
		t.Errorf("BODY\n got %s\nwant %s", got, want)
	}
	want = `(` + inner + ` NIL NIL NIL NIL) 3 NIL NIL NIL NIL)("image" "png" NIL NIL NIL "7bit" 1 NIL NIL NIL NIL) "mixed" ("boundary" "b") NIL "ja" NIL)`
	if got := string(AppendBodyStructure(nil, m.Root, true)); got != want {
		t.Errorf("BODYSTRUCTURE\n got %s\nwant %s", got, want)
	}
}

// TestIndexSize keeps the kept form small: a plain 4 KB mail with its envelope in about 350 octets beside its preview.
func TestIndexSize(t *testing.T) {
	m := ParseBytes(plain4K(), Limits{})
	if n := len(m.Encode(nil)); n > 350+len(m.Preview) {
		t.Errorf("%d octets, the preview %d", n, len(m.Preview))
	}
}

func TestIndexDamaged(t *testing.T) {
	good := ParseBytes(rfc9051Message(), Limits{}).Encode(nil)
	if _, err := Decode(good); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := Decode(good[:n]); err == nil {
			t.Errorf("the first %d of %d octets decode", n, len(good))
		}
		Index(good[:n]).Envelope()
		Index(good[:n]).Body()
	}
	other := append([]byte{indexVersion + 1}, good[1:]...)
	if _, err := Decode(other); err == nil {
		t.Error("another version decodes")
	}
	for _, x := range []Index{nil, {}, {1}, other} {
		if x.BodyStructure() != nil || x.HeaderSize() != 0 || len(x.Envelope()) != 0 || x.Body() != nil {
			t.Errorf("%v answers", []byte(x))
		}
	}
}
