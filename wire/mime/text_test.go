package mime

import (
	"bytes"
	"io"
	"testing"
)

// FuzzAppendText checks that text in memory is what the readers give.
func FuzzAppendText(f *testing.F) {
	f.Add([]byte("=E3=81=82 text\r\n"), "quoted-printable", "utf-8", false)
	f.Add([]byte("GyRCPUM7ZhsoQg=="), "base64", "iso-2022-jp", false)
	f.Add([]byte("\x8f\x62\x8e\x86 \xff"), "7bit", "shift_jis", true)
	f.Add([]byte("\xef\xbb\xbfx<meta charset=euc-jp>\xbd\xc3"), "8bit", "", true)
	f.Fuzz(func(t *testing.T, raw []byte, encoding, charset string, html bool) {
		p := &Part{Type: "text", Subtype: "plain", Encoding: encoding}
		if html {
			p.Subtype = "html"
		}
		if charset != "" {
			p.Params = []Param{{Name: "charset", Raw: charset, Value: charset}}
		}
		content, err := io.ReadAll(DecodedReader(p, bytes.NewReader(raw)))
		if err != nil {
			return
		}
		if got := AppendDecoded(nil, p, raw); !bytes.Equal(got, content) {
			t.Errorf("content %q, want %q", got, content)
		}
		text, err := io.ReadAll(TextReader(p, bytes.NewReader(content)))
		if got := AppendText(nil, p, content); err == nil && !bytes.Equal(got, text) {
			t.Errorf("text %q, want %q", got, text)
		}
	})
}
