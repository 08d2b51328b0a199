package dialog

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serve starts a toy server of a few verbs and gives its address.
func serve(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	config := &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go speak(conn, config)
		}
	}()
	return l.Addr().String()
}

func speak(conn net.Conn, config *tls.Config) {
	defer func() { conn.Close() }()
	fmt.Fprint(conn, "* OK toy 1\r\n")
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, arg, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), " ")
		n, _ := strconv.Atoi(strings.Split(arg, " ")[0])
		switch verb {
		case "echo":
			fmt.Fprintf(conn, "%s\r\n", arg)
		case "noise":
			for i := range n {
				fmt.Fprintf(conn, "* %d EXISTS\r\n", i)
			}
			fmt.Fprint(conn, "done\r\n")
		case "count":
			fmt.Fprint(conn, "+ go ahead\r\n")
			got, _ := io.CopyN(io.Discard, in, int64(n))
			fmt.Fprintf(conn, "got %d\r\n", got)
		case "fill":
			fmt.Fprintf(conn, "%s\r\n", fill(n, strings.Split(arg, " ")[1]))
		case "barelf":
			fmt.Fprint(conn, "bare\n")
		case "inject":
			fmt.Fprint(conn, "go\r\ninjected\r\n")
		case "starttls":
			fmt.Fprint(conn, "go\r\n")
			conn = tls.Server(conn, config)
			in.Reset(conn)
		case "quit":
			fmt.Fprint(conn, "* BYE\r\n")
			return
		}
	}
}

// certificate makes one that signs itself.
func certificate(t testing.TB) tls.Certificate {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func TestDialog(t *testing.T) {
	RunAll(t, "testdata/*.txt", func(t testing.TB) (string, map[string]string) {
		return serve(t), map[string]string{"version": "1"}
	})
}

func TestConn(t *testing.T) {
	client, server := net.Pipe()
	go speak(server, nil)
	file := t.TempDir() + "/d.txt"
	if err := os.WriteFile(file, []byte("S: * OK toy 1\nC: echo x\nS: x\nC: quit\nS: * BYE\nCLOSED\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	RunConn(t, client, file, nil)
}

// Each dialog is wrong in one way, and the error must say which, with place and transcript.
func TestFailures(t *testing.T) {
	addr := serve(t)
	for _, c := range []struct{ name, text, want string }{
		{"other text", "S: * OK toy 1\nC: echo one\nS: two", "f.txt:3: S: two\nexpected \"two\"\n    came \"one\"\ntranscript:\n  S: * OK toy 1\n  C: echo one\n  S: one"},
		{"longer than exact", "S: * OK toy", `came "* OK toy 1"`},
		{"prefix", "S: * NO…", `expected "* NO…"`},
		{"regexp is anchored", "S~ OK", `expected "OK"`},
		{"variable is literal", "SET v .*\nS~ ${v}", `came "* OK toy 1"`},
		{"noise", "S* x\nS: y", `came "* OK toy 1"`},
		{"noise ends", "S*\nS: * OK toy 1\nC: quit\nCLOSED", `came "* BYE"`},
		{"closed too early", "S: * OK toy 1\nC: quit\nS: * BYE\nS: more", `expected "more", but EOF`},
		{"not closed", "S: * OK toy 1\nC: echo a\nCLOSED", "expected the end\n    came \"a\""},
		{"octets", "S{ 4 } abc", `the 4 octets are not "abc" over and over`},
		{"too few octets", "S: * OK toy 1\nC: quit\nS{ 50 }", "expected 50 octets, came 7"},
		{"bare LF", "S: * OK toy 1\nC: barelf\nS: bare", "ends without CR"},
		{"injection", "S: * OK toy 1\nC: inject\nS: go\nSTARTTLS", "in plain before the handshake"},
		{"no handshake", "S: * OK toy 1\nC: quit\nS: * BYE\nSTARTTLS", "EOF"},
		{"no compression", "S: * OK toy 1\nPLAIN", "compressed: false"},
		{"unknown variable", "C: ${nobody}", `no variable "nobody"`},
		{"open brace", "C: ${nobody", "no closing brace"},
		{"unknown word", "X: y", `f.txt:1: no instruction begins with "X:"`},
		{"alone", "CLOSED now", "CLOSED stands alone"},
		{"literal", "\n\nLITERAL x\ny", "f.txt:3: LITERAL without END"},
		{"number", "C{ many } x", "wants a number"},
		{"bad regexp", "S~ (", "missing closing"},
		{"bad hex", "C: ${hex:zz}", "invalid byte"},
		{"nobody there", "CONNECT a 127.0.0.1:1", "refused"},
		{"TLS with a plain server", "CONNECT a tls", "first record does not look like a TLS handshake"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &dialog{addr: addr, vars: variables{}}
			defer d.close()
			err := d.play("f.txt", c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, without %q", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	all, err := os.ReadFile("testdata/all.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(all))
	f.Add("C: ${a}${base64:${b}}\nC{ 3 } x\nS* ")
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parse(text)
		if err != nil {
			return
		}
		v := newVariables(map[string]string{"a": "${a}", "b": "x"})
		for _, s := range steps {
			if s.line < 1 || s.verb == "" {
				t.Fatalf("step %+v", s)
			}
			if _, err := v.expand(s.text, plain); err != nil && !strings.Contains(s.text, "${") {
				t.Fatalf("expand(%q): %v", s.text, err)
			}
		}
	})
}
