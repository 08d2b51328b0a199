package jmapd

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// FuzzAppendText: whatever a text is, it becomes a string of JSON that is read as the same text.
func FuzzAppendText(f *testing.F) {
	f.Add("a \"quoted\" \\ line\r\n\t\x00\x1f\u2028日本語\xff")
	f.Fuzz(func(t *testing.T, s string) {
		text := appendText(nil, s)
		var back string
		if err := json.Unmarshal(text, &back); err != nil || jmap.Check(text) != nil {
			t.Fatalf("%q: %v, %v", text, err, jmap.Check(text))
		}
		if utf8.ValidString(s) && back != s {
			t.Errorf("%q became %q", s, back)
		}
	})
}

// FuzzEmailNames reads what clients name: properties, blobs, and what they search for.
func FuzzEmailNames(f *testing.F) {
	f.Add("header:X-Any:asText:all")
	f.Add("b06jfnh0wr0004-1_2-3")
	f.Add(`two words "a phrase" dog's 'another \' one'`)
	f.Fuzz(func(t *testing.T, s string) {
		if p, ok := parseHeaderProperty(s); ok {
			text := p.append(nil, mime.Header("X: a\r\n"+p.field+": <a@b>, c\r\n\r\n"))
			if !json.Valid(text) {
				t.Errorf("%q gives %s", s, text)
			}
			if fields, ok := p.fields(text); ok && !p.all && len(fields) > 1 {
				t.Errorf("%q makes %d fields", s, len(fields))
			}
		}
		words, phrases := splitSearch(s)
		if len(words) > len(s) || len(strings.Join(phrases, "")) > len(s) {
			t.Errorf("%q becomes longer: %q, %q", s, words, phrases)
		}
		for _, n := range partPath(s) {
			if n < 0 {
				t.Errorf("%q is part %d", s, n)
			}
		}
	})
}

// FuzzPatchEmail reads records and patches of emails.
func FuzzPatchEmail(f *testing.F) {
	f.Add(`{"keywords":{"a":true},"mailboxIds/m1":null}`)
	f.Add(`{"partId":"1","type":"text/plain","header:X":" y","language":["ja"],"subParts":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if jmap.Check([]byte(text)) != nil {
			return
		}
		readPart(json.RawMessage(text))
		members, _ := jmap.Members(json.RawMessage(text))
		var wishes folderWishes
		for _, m := range members {
			wishes.read(m.Name, m.Value)
			readSet[string](m.Value)
			readSwitch(m.Value)
			for as := formRaw; as <= formURLs; as++ {
				as.value(m.Value)
			}
		}
	})
}
