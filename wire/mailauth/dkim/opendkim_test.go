package dkim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	miekg "github.com/miekg/dns"
)

// opendkim finds opendkim-testmsg, or skips the test.
func opendkim(t *testing.T) string {
	program, err := exec.LookPath("opendkim-testmsg")
	if err != nil {
		t.Skip("opendkim-testmsg (Debian: opendkim-tools) is not installed")
	}
	return program
}

// opendkimMessages are those that OpenDKIM reads: with a Date, and with one field where RFC 5322 §3.6 allows one.
func opendkimMessages() map[string]string {
	all := oracleMessages()
	delete(all, "two To")
	for name, m := range all {
		if !strings.Contains(m, "\nDate:") {
			all[name] = "Date: Fri, 11 Jul 2003 21:00:37 -0700\r\n" + m
		}
	}
	return all
}

// TestSHA1: what OpenDKIM's old program signs with SHA-1 is sound, and proves nothing (RFC 8301 §3.1).
func TestSHA1(t *testing.T) {
	program := opendkim(t)
	k := keys()[0]
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte(privateText(k)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-C", "-d", k.Domain, "-s", k.Selector, "-k", file)
	cmd.Stdin = strings.NewReader(opendkimMessages()["plain"])
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	header, body := split(string(out))
	r := Verify(t.Context(), keyZone(k), header, strings.NewReader(body), Limits{})[0]
	if r.Status != PermError || reason(r.Err) != "dkim.sha1" || r.Algorithm != "rsa-sha1" || r.Domain != k.Domain {
		t.Errorf("%+v", r)
	}
}

// apart is the environment variable with which the test program runs itself in a network of its own,
// as opendkim-testmsg asks the name server at port 53 and no other.
const apart = "TEGAMI_DKIM_APART"

// apartJob is what is done there.
type apartJob struct {
	Dir      string            // has resolv.conf
	Program  string            // opendkim-testmsg
	Records  map[string]string // TXT records by name
	Messages map[string]string
}

func TestMain(m *testing.M) {
	if job := os.Getenv(apart); job != "" {
		if err := runApart(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestOpenDKIMVerifiesOurs: OpenDKIM takes what we sign with RSA. It fetches the key from a name server in a network
// namespace that ends with the test.
func TestOpenDKIMVerifiesOurs(t *testing.T) {
	program := opendkim(t)
	if out, err := exec.Command("unshare", "-rnm", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %v %s", err, out)
	}
	k := keys()[0]
	job := apartJob{Dir: t.TempDir(), Program: program, Records: map[string]string{Name(k.Selector, k.Domain): FormatRecord(k.Signer.Public())}, Messages: map[string]string{}}
	for name, m := range opendkimMessages() {
		header, body := split(m)
		fields, err := Sign(header, strings.NewReader(body), []Key{k}, Options{Time: time.Now(), Lifetime: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		job.Messages[name] = string(fields) + string(header) + body
		job.Messages[name+", changed"] = string(fields) + strings.Replace(string(header), "b@example.com", "c@example.com", 1) + body
	}
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(job.Dir, "job.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(job.Dir, "resolv.conf"), []byte("nameserver 127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-rnm", self)
	cmd.Env = append(os.Environ(), apart+"="+file)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &complaints)
	}
	answers := map[string]string{}
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(job.Messages) {
		t.Fatalf("%v: %s", err, out)
	}
	for name, answer := range answers {
		if strings.HasSuffix(name, "changed") != strings.Contains(answer, "Bad signature") || !strings.HasSuffix(name, "changed") && answer != "" {
			t.Errorf("%s: %q", name, answer)
		}
	}
}

// runApart is the test program in its own network: a name server, and opendkim-testmsg for each message. It prints what was answered.
func runApart(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var job apartJob
	if err := json.Unmarshal(text, &job); err != nil {
		return err
	}
	for _, args := range [][]string{{"ip", "link", "set", "lo", "up"}, {"mount", "--bind", filepath.Join(job.Dir, "resolv.conf"), "/etc/resolv.conf"}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w: %s", args, err, out)
		}
	}
	if err := serveTXT(job.Records); err != nil {
		return err
	}
	answers := map[string]string{}
	for name, m := range job.Messages {
		cmd := exec.Command(job.Program)
		cmd.Stdin = strings.NewReader(m)
		out, err := cmd.CombinedOutput()
		answers[name] = string(out)
		if err != nil {
			answers[name] += err.Error()
		}
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

// serveTXT answers questions at port 53 of this network until the program ends.
func serveTXT(records map[string]string) error {
	handler := miekg.HandlerFunc(func(w miekg.ResponseWriter, q *miekg.Msg) {
		m := new(miekg.Msg).SetReply(q)
		if txt, ok := records[strings.TrimSuffix(strings.ToLower(q.Question[0].Name), ".")]; ok {
			var parts []string
			for part := range slices.Chunk([]byte(txt), 255) {
				parts = append(parts, string(part))
			}
			m.Answer = []miekg.RR{&miekg.TXT{Hdr: miekg.RR_Header{Name: q.Question[0].Name, Rrtype: miekg.TypeTXT, Class: miekg.ClassINET}, Txt: parts}}
		}
		w.WriteMsg(m)
	})
	udp, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		return err
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:53")
	if err != nil {
		return err
	}
	go (&miekg.Server{PacketConn: udp, Handler: handler}).ActivateAndServe()
	go (&miekg.Server{Listener: tcp, Handler: handler}).ActivateAndServe()
	return nil
}
