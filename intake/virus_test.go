package intake_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/inspect"
	"tegami/intake"
	"tegami/learning"
	"tegami/mail"
	"tegami/policy"
	"tegami/policy/virus"
	"tegami/queue"
	"tegami/wire/mime"
)

// eicar is the test file of virus engines, in pieces, so that this file is none.
const eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-` + `STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

// macros is an engine that finds one macro in a document, down one that does not answer.
type macros struct{}

func (macros) Name() string { return "test" }
func (macros) Scan(_ context.Context, m *virus.Message) (a virus.Answer, err error) {
	a.Verdict = virus.Clean
	for i := range m.Parts {
		b, err := io.ReadAll(m.Parts[i].Open())
		if err != nil {
			return a, err
		}
		if bytes.Contains(b, []byte("word/vbaProject.bin")) {
			a.Verdict = virus.Infected
			a.Threats = append(a.Threats, virus.Threat{Engine: "test", Name: "Doc.Macro", Part: i})
		}
	}
	return a, nil
}

type down struct{}

func (down) Name() string { return "down" }
func (down) Scan(context.Context, *virus.Message) (virus.Answer, error) {
	return virus.Answer{}, errors.New("connection refused")
}

// guarded is a house that looks for viruses. found gets what it tells.
func guarded(t *testing.T, found *[]intake.Infection, engines ...virus.Engine) *house {
	t.Helper()
	return newHouse(t, func(c *intake.Config) {
		c.Inspect = inspect.New(inspect.Config{
			Directory: c.Directory, Learning: learning.New(learning.Config{Store: c.Store, By: queue.Worker()}), Virus: &virus.Check{Engines: append(engines, virus.Known{})},
			Note: func(_ context.Context, _ mail.TenantID, found *policy.Threat) (mime.Header, string) {
				return mime.ContentHeader("text/plain; charset=utf-8", "attachment", "削除された添付ファイル.txt"), found.File + " had " + found.Name + "\r\n"
			},
		})
		c.Infected = func(_ mail.TenantID, i intake.Infection) { *found = append(*found, i) }
	})
}

// withFile is a message with a file.
func withFile(name, body, content string) string {
	return "From: Abe <abe@b.example>\r\nTo: user0@alpha.example\r\nSubject: a file\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\n" + body + "\r\n--b\r\nContent-Type: application/octet-stream; name=\"" + name + "\"\r\nContent-Disposition: attachment; filename=\"" + name +
		"\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(content)) + "\r\n--b--\r\n"
}

// document is a document of Word with a macro.
func document(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{"[Content_Types].xml", `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/><Override PartName="/word/vbaProject.bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>`},
		{"_rels/.rels", `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`},
		{"word/document.xml", `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>お見積書</w:t></w:r></w:p></w:body></w:document>`},
		{"word/_rels/document.xml.rels", `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="vbaProject.bin"/></Relationships>`},
		{"word/vbaProject.bin", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 a macro"},
	} {
		to, err := w.Create(f[0])
		if err == nil {
			_, err = io.WriteString(to, f[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestVC2OutboundIsRefused: what somebody of ours sends with a virus, to colleagues or to others, is refused; he and the administrators can be told,
// once, and the trace has it.
func TestVC2OutboundIsRefused(t *testing.T) {
	var told []intake.Infection
	var refused []string
	h := guarded(t, &told)
	alpha := h.company("alpha.example", 2)
	text := strings.Replace(withFile("a.com", "see the file", eicar), "abe@b.example", "user0@alpha.example", 1)
	_, err := h.send(letter{origin: secure, who: h.signIn("user0@alpha.example"), from: "user0@alpha.example", to: []string{"user1@alpha.example", "x@b.example"}, text: text})
	h.says(err, mail.Denied, "virus.refused")
	if len(told) != 1 || !told[0].Outbound || told[0].Sender.ID != alpha[0].ID || len(told[0].All) != 2 || told[0].Virus.Threats[0].File != "a.com" ||
		told[0].Virus.Threats[0].Action != policy.ThreatRefused || told[0].Doc.Subject != "a file" {
		t.Errorf("told %+v", told)
	}
	if n := len(h.inbox(alpha[1])) + len(h.items(alpha[0].Tenant)) + len(refused); n != 0 {
		t.Errorf("%d things are left of it", n)
	}
}

// TestVC3Inbound: a virus in the body deletes the message, in an attachment it is disinfected, or removed with a note in its place; all else in the
// message stays octet for octet, and who gets it can be told.
func TestVC3Inbound(t *testing.T) {
	for _, x := range []struct {
		what, text string
		action     policy.ThreatAction
		file, has  string
		hasNot     string
	}{
		{"body", "From: abe@b.example\r\nSubject: x\r\n\r\n" + eicar + "\r\n", policy.ThreatDeleted, "", "", ""},
		{"attachment", withFile("a.com", "see the file", eicar), policy.ThreatRemoved, "a.com", base64.StdEncoding.EncodeToString([]byte("a.com had EICAR-Test-File\r\n")), "a.com\"\r\n"},
		{"macro", withFile("見積.docm", "see the file", document(t)), policy.ThreatDisinfected, "見積.docm", "見積.docm", "dmJhUHJvamVjd"},
		{"clean", withFile("a.txt", "see the file", "hello"), "", "", "a.txt", ""},
	} {
		t.Run(x.what, func(t *testing.T) {
			var told []intake.Infection
			h := guarded(t, &told, macros{})
			alpha := h.company("alpha.example", 2)
			h.accepted(letter{origin: outside, from: "abe@b.example", to: []string{"user0@alpha.example", "user1@alpha.example"}, text: x.text})
			in, items := h.inbox(alpha[0]), h.items(alpha[0].Tenant)
			facts, err := policy.ParseFacts(items[0].Facts)
			h.must(err)
			if x.action == "" {
				if len(told) != 0 || len(in) != 1 || facts.Virus.Result != string(virus.Clean) {
					t.Fatalf("%d told, %d in the box, %+v", len(told), len(in), facts.Virus)
				}
				return
			}
			if len(told) != 1 || len(told[0].To) != 2 || told[0].Outbound || facts.Virus == nil || facts.Virus.Threats[0].Action != x.action || facts.Virus.Threats[0].File != x.file {
				t.Fatalf("told %+v, facts %+v", told, facts.Virus)
			}
			if x.action == policy.ThreatDeleted {
				if len(in) != 0 || items[0].To[0].Into != queue.IntoVirus || len(items[0].To) != 2 {
					t.Errorf("%d in the box; %+v", len(in), items[0].To)
				}
				return
			}
			if len(in) != 1 || !strings.Contains(in[0].text, x.has) || strings.Contains(in[0].text, x.hasNot) || !strings.Contains(in[0].text, "\r\n\r\nsee the file\r\n--b\r\n") {
				t.Errorf("in the box: %+v", in)
			}
			if m, err := mime.Decode(in[0].Index); err != nil || m.Size != int64(len(in[0].text)) {
				t.Errorf("the structure is of other octets: %v", err)
			}
			h.check()
		})
	}
}

// TestVC4EngineDown: where an engine does not answer, mail comes again later; a company that wants it marked gets it, and the facts say so.
func TestVC4EngineDown(t *testing.T) {
	var told []intake.Infection
	h := guarded(t, &told, down{})
	alpha := h.company("alpha.example", 1)
	l := letter{origin: outside, from: "abe@b.example", to: []string{"user0@alpha.example"}, text: text}
	_, err := h.send(l)
	h.says(err, mail.Busy, "virus.unchecked")
	c := h.dir.Company(alpha[0].Tenant)
	h.must(c.SetVirusSettings(h.ctx, h.ops, 0, directory.VirusSettings{Down: directory.VirusMark}))
	h.accepted(l)
	facts, err := policy.ParseFacts(h.items(alpha[0].Tenant)[0].Facts)
	h.must(err)
	if facts.Virus.Result != string(virus.Failed) || len(facts.Virus.Down) != 1 || len(h.inbox(alpha[0])) != 1 {
		t.Errorf("%+v", facts.Virus)
	}
	_, err = h.send(letter{origin: outside, from: "abe@b.example", to: []string{"user0@alpha.example"}, text: "Subject: x\r\n\r\n" + eicar + "\r\n"})
	h.must(err)
	if len(told) != 1 {
		t.Error("what another engine finds is not found where one is down")
	}
}
