package app

import (
	"bytes"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegami/i18n"
	"tegami/mail"
)

func TestConfigIsStrict(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"hostname = 'm.example'\nnoed = 3\n", `tegami.toml, line 2: there is no setting "noed".`},
		{"[log]\nlevel = 'info'\n\ncolour = true\n", `tegami.toml, line 4: there is no setting "log.colour".`},
		{"[[listen]]\nprotocol = 'smtp'\naddress = ':25'\nport = 25\n", `line 4: there is no setting "listen.port".`},
		{"hostname = 'm.example'\nnode = 'one'\n", "tegami.toml, line 2: "},
		{"hostname = \n", "tegami.toml, line 1: "},
		{"postmaster = 'nobody'", `postmaster cannot be "nobody"`},
		{"node = 1024", `node cannot be "1024"`},
		{"[log]\nlevel = 'loud'", `log.level cannot be "loud"`},
		{"[log]\nform = 'xml'", `log.form cannot be "xml"`},
		{"[tls]\ncertificate = 'x.pem'", `tls.key cannot be ""`},
		{"[metrics]\nfrom = ['192.0.2.1']", `metrics.from cannot be "192.0.2.1"`},
		{"[relay]\nsource = ['mx.example']", `relay.source cannot be "mx.example"`},
		{"[relay]\nsource = ['::1', '127.0.0.1', '127.0.0.2']", `relay.source cannot be "127.0.0.2"`},
		{"[[listen]]\nprotocol = 'gopher'\naddress = ':70'", `listen.protocol cannot be "gopher"`},
		{"[[listen]]\nprotocol = 'smtp'\naddress = '25'", `listen.address cannot be "25"`},
		{"[[listen]]\nprotocol = 'smtp'\naddress = ':25'\nzone = 'moon'", `listen.zone cannot be "moon"`},
		{"[[listen]]\nprotocol = 'pop3'\naddress = ':110'\nplain_auth = true", "passwords without TLS"},
		{"[web]\ncontent_url = 'http://content.example'", `web.content_url cannot be "http://content.example"`},
		{"hostname = 'm.example'\n[web]\ncontent_url = 'https://m.example:8443'", `web.content_url cannot be "https://m.example:8443"`},
		{"[web]\nallow = ['10.0.0.1']", `web.allow cannot be "10.0.0.1"`},
		{"[[listen]]\nprotocol = 'https-content'\naddress = ':444'", `web.content_url cannot be ""`},
		{"stop_timeout = 'soon'", "soon"},
	} {
		_, err := ParseConfig("tegami.toml", []byte(c.text))
		if !mail.Is(err, mail.Invalid) {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := i18n.New().Error(i18n.English, err); !strings.Contains(got, c.want) {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := ParseConfig("x", []byte("hostname = 'm.example'\nstop_timeout = '5s'"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Listen) != 6 || c.Listen[0].Zone != "internet" || time.Duration(c.StopTimeout) != 5*time.Second || c.Log.Level != "info" {
		t.Errorf("%+v", c)
	}
}

// TestRelaySource connects from the address of the destination's family.
func TestRelaySource(t *testing.T) {
	c, err := ParseConfig("x", []byte("hostname = 'm.example'\n[relay]\nsource = ['::1', '127.0.1.7']"))
	if err != nil {
		t.Fatal(err)
	}
	dial, err := c.dialer()
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{"127.0.0.1:0": "127.0.1.7", "[::1]:0": "::1"} {
		ln, err := net.Listen("tcp", at)
		if err != nil {
			t.Logf("not tried to %s: %v", at, err)
			continue
		}
		conn, err := dial(t.Context(), "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if from := conn.LocalAddr().(*net.TCPAddr).IP.String(); from != want {
			t.Errorf("connected to %s from %s, want %s", at, from, want)
		}
		conn.Close()
		ln.Close()
	}
}

// TestML7NoSubmissionByDefault: port 587 is not offered in the default profile.
func TestML7NoSubmissionByDefault(t *testing.T) {
	for _, l := range defaultListeners() {
		if l.Protocol == "submission" || strings.HasSuffix(l.Address, ":587") || l.PlainAuth {
			t.Errorf("%+v", l)
		}
	}
}

func TestConfigFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadConfig(filepath.Join(dir, "none.toml")); !mail.Is(err, mail.Unavailable) {
		t.Errorf("a file that is not there: %v", err)
	}
	kept := filepath.Join(dir, "url")
	os.WriteFile(kept, []byte("postgres://u:p@h/d\n"), 0o600)
	file := filepath.Join(dir, "tegami.toml")
	os.WriteFile(file, []byte("hostname='m.example'\n[cluster]\ndatabase_file = '"+kept+"'\n"), 0o600)
	c, err := ReadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	if url, err := secret(c.Cluster.Database, c.Cluster.DatabaseFile); url != "postgres://u:p@h/d" || err != nil || !c.isCluster() {
		t.Errorf("%q, %v", url, err)
	}
}

var update = flag.Bool("update", false, "write the reference of the boot file instead of comparing it")

// TestReferenceIsCurrent compares docs/config.md and docs/tegami.toml with what the struct says.
func TestReferenceIsCurrent(t *testing.T) {
	for path, write := range map[string]func(io.Writer) error{"../docs/config.md": WriteReference, "../docs/tegami.toml": WriteExample} {
		var want bytes.Buffer
		if err := write(&want); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not what the program says (%v): run make docs", path, err)
		}
	}
	for _, s := range settings() {
		if len(s.doc) < 20 {
			t.Errorf("%s has no documentation", s.name)
		}
	}
}

// TestExampleIsReadable uncomments every setting of the example and reads it.
func TestExampleIsReadable(t *testing.T) {
	var example bytes.Buffer
	if err := WriteExample(&example); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(example.String()) {
		if bare, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(bare, " ") {
			lines = append(lines, bare)
		}
	}
	text := strings.Replace(strings.Join(lines, ""), "protocol = \"\"\naddress = \"\"", "protocol = \"smtp\"\naddress = \":25\"", 1)
	if len(lines) < 15 {
		t.Fatalf("only %d settings", len(lines))
	}
	if _, err := ParseConfig("example", []byte(text)); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}
