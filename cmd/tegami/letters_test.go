package main

import (
	"testing"
	"time"

	"tegami/wire/compose"
)

// TestLettersAreMail: each can be written, answers are to letters before them, and none is from the future.
func TestLettersAreMail(t *testing.T) {
	for _, domain := range []string{"alpha.example", "beta.example"} {
		letters := lettersIn(domain, time.Now())
		if len(letters) == 0 {
			t.Errorf("%s has none", domain)
		}
		for i, l := range letters {
			if l.re > i || l.ago < 0 || l.subject == "" {
				t.Errorf("%s: letter %d: %+v", domain, i+1, l)
			}
			for _, f := range l.files {
				if len(f.octets) == 0 {
					t.Errorf("%s: %s is empty", domain, f.name)
				}
			}
			if p, err := compose.Prepare(&compose.Message{From: []compose.Mailbox{l.from}, Subject: l.subject, Body: &compose.Part{Text: l.text}}, compose.Options{Charset: l.charset}); err != nil || p.Size() == 0 {
				t.Errorf("%s: letter %d: %v", domain, i+1, err)
			}
		}
	}
}
