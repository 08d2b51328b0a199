package imapd

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegami/lab/archives"
	"tegami/wire/imap"
	"tegami/wire/mime"
)

const (
	exactPerArchive = 60       // mails of one archive
	exactSize       = 64 << 10 // octets of one mail at most
	exactSections   = 40       // of one mail at most
)

// TestFetchIsExact appends mails of the archives, whatever is in them, and fetches them in every form: each gives the very octets
// that stand in the mail (RFC 9051 §6.4.5), and contents as mime decodes them.
func TestFetchIsExact(t *testing.T) {
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	for _, archive := range []string{"mime-cyrus", "mime-mailparser-stalwart", "mime-rspamd", "mime-rubymail"} {
		t.Run(archive, func(t *testing.T) {
			c := dialRaw(t, addr, h.user(t, "alpha.example"))
			n := 0
			err := filepath.WalkDir(archives.Unpack(t, archive), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || n == exactPerArchive {
					return err
				}
				raw, err := os.ReadFile(path)
				if err == nil && len(raw) > 0 && len(raw) <= exactSize {
					n++
					c.exact(n, raw)
				}
				return err
			})
			if err != nil || n == 0 {
				t.Fatal(n, err)
			}
		})
	}
}

// rawClient reads responses octet by octet.
type rawClient struct {
	*testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dialRaw(t *testing.T, addr, user string) *rawClient {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	c := &rawClient{t, conn, bufio.NewReader(conn)}
	c.line()
	c.ok("LOGIN %s %q", user, password)
	return c
}

func (c *rawClient) line() string {
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.Fatal(err)
	}
	return line
}

// ok sends a command and passes over what comes before its OK.
func (c *rawClient) ok(format string, args ...any) {
	c.Helper()
	fmt.Fprintf(c.conn, "a "+format+"\r\n", args...)
	for {
		if line := c.line(); strings.HasPrefix(line, "a ") {
			if !strings.HasPrefix(line, "a OK") {
				c.Fatalf(format+": %s", append(args, line)...)
			}
			return
		}
	}
}

// expect reads what must come next.
func (c *rawClient) expect(what string) {
	c.Helper()
	got := make([]byte, len(what))
	if _, err := io.ReadFull(c.in, got); err != nil || string(got) != what {
		c.Fatalf("%.200q and %v, want %.200q", got, err, what)
	}
}

// exactly is a section with the octets it must give; nil: NIL.
type exactly struct {
	item, name string
	octets     []byte
}

// exact appends a mail as message n and compares all its sections.
func (c *rawClient) exact(n int, raw []byte) {
	c.Helper()
	fmt.Fprintf(c.conn, "a APPEND INBOX ~{%d+}\r\n%s\r\n", len(raw), raw)
	for !strings.HasPrefix(c.line(), "a OK") {
	}
	c.ok("SELECT INBOX")
	list := sectionsOf(raw)
	items := make([]string, len(list))
	for i, w := range list {
		items[i] = w.item
	}
	fmt.Fprintf(c.conn, "a FETCH %d (%s)\r\n", n, strings.Join(items, " "))
	c.expect("* " + strconv.Itoa(n) + " FETCH (")
	for i, w := range list {
		if i > 0 {
			c.expect(" ")
		}
		c.expect(w.name + " ")
		if w.octets == nil {
			c.expect("NIL")
			continue
		}
		if bytes.IndexByte(w.octets, 0) >= 0 && strings.HasPrefix(w.name, "BINARY") {
			c.expect("~")
		}
		c.expect(fmt.Sprintf("{%d}\r\n%s", len(w.octets), w.octets))
	}
	c.expect(")\r\na OK")
	c.line()
}

// sectionsOf lists what can be asked for of a mail.
func sectionsOf(raw []byte) (list []exactly) {
	m := mime.ParseBytes(raw, mime.Limits{})
	add := func(path []int, spec string, kind mime.SectionKind) {
		number := strings.Trim(strings.ReplaceAll(fmt.Sprint(path), " ", "."), "[]")
		name := "[" + strings.Trim(number+"."+spec, ".") + "]"
		var octets []byte
		if start, end, ok := m.Section(path, kind); ok {
			octets = raw[start:end:end]
			if octets == nil {
				octets = []byte{}
			}
		}
		list = append(list, exactly{"BODY.PEEK" + name, "BODY" + name, octets})
		if len(octets) > 3 {
			cut := octets[2:min(len(octets), 2+len(octets)/2)]
			list = append(list, exactly{fmt.Sprintf("BODY.PEEK%s<2.%d>", name, len(octets)/2), "BODY" + name + "<2>", cut})
		}
	}
	add(nil, "", mime.SectionAll)
	add(nil, "HEADER", mime.SectionHeader)
	add(nil, "TEXT", mime.SectionText)
	var walk func(p *mime.Part, path []int)
	walk = func(p *mime.Part, path []int) {
		if len(list) >= exactSections {
			return
		}
		add(path, "", mime.SectionAll)
		add(path, "MIME", mime.SectionMIME)
		add(path, "HEADER", mime.SectionHeader)
		add(path, "TEXT", mime.SectionText)
		if start, end, ok := m.Section(path, mime.SectionAll); ok && knownEncoding(p.Encoding) && !p.IsMultipart() && !p.IsMessage() {
			content := mime.AppendDecoded([]byte{}, p, raw[start:end])
			name := strings.Trim(strings.ReplaceAll(fmt.Sprint(path), " ", "."), "[]")
			list = append(list, exactly{"BINARY.PEEK[" + name + "]", "BINARY[" + name + "]", content})
		}
		for i := 1; i <= imap.MaxPartDepth; i++ {
			below := append(path[:len(path):len(path)], i)
			child := m.Part(below)
			if child == nil {
				break
			}
			walk(child, below)
		}
	}
	for i := 1; ; i++ {
		p := m.Part([]int{i})
		if p == nil {
			break
		}
		walk(p, []int{i})
	}
	add([]int{9, 9}, "", mime.SectionAll)
	return list
}
