package clients

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegami/lab/platform"
)

// TestJam has jmap-jam, a JMAP library of others, sign in with a bearer token, sync, upload, send, and receive push (RFC 8620, RFC 8621).
func TestJam(t *testing.T) {
	need(t, "node")
	library := filepath.Join(platform.Root(), "web/node_modules/jmap-jam/dist/index.js")
	if _, err := os.Stat(library); err != nil {
		t.Skip("jmap-jam is not installed here (make web)")
	}
	p := demo(t)
	bearer := func(n int) string {
		return base64.StdEncoding.EncodeToString([]byte(platform.User(n) + ":" + p.Demo.Accounts[n].Password))
	}
	t.Setenv("JAM", library)
	t.Setenv("NODE_EXTRA_CA_CERTS", p.Demo.CA)
	site := "https://localhost:" + p.Demo.HTTPS[strings.LastIndexByte(p.Demo.HTTPS, ':')+1:]
	out := run(t, "", "node", "jam.mjs", site+"/.well-known/jmap", bearer(30), bearer(31), platform.User(31))
	if !strings.HasSuffix(strings.TrimSpace(out), "done") {
		t.Errorf("it ended early:\n%s", out)
	}
}
