package states

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// patience is how long the server may take for one response.
const patience = 30 * time.Second

// maxLiteral is the longest literal a server may send here.
const maxLiteral = 1 << 20

// A value is one element of a response: an atom or string in text, or a list.
type value struct {
	text   string
	list   []value
	isList bool
	quoted bool
}

// response is one response of the server.
type response struct {
	tag    string // "*" or a command's
	values []value
	line   string // as it came, with literals put in
}

// word gives the n-th value's text in upper case, "" where there is none.
func (r *response) word(n int) string {
	if n >= len(r.values) {
		return ""
	}
	return strings.ToUpper(r.values[n].text)
}

// number gives the n-th value as a number.
func (r *response) number(n int) (uint32, bool) {
	if n >= len(r.values) {
		return 0, false
	}
	v, err := strconv.ParseUint(r.values[n].text, 10, 32)
	return uint32(v), err == nil
}

// code gives the response code in brackets: its name and what follows.
func (r *response) code() (name string, args []string) {
	_, rest, ok := strings.Cut(r.line, "[")
	if !ok {
		return "", nil
	}
	inside, _, _ := strings.Cut(rest, "]")
	words := strings.Fields(inside)
	if len(words) == 0 {
		return "", nil
	}
	return strings.ToUpper(words[0]), words[1:]
}

// conn is a connection that sends commands and reads responses.
type conn struct {
	net  net.Conn
	in   *bufio.Reader
	tags int
}

// dial connects and reads the greeting.
func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	k := &conn{net: c, in: bufio.NewReader(c)}
	r, err := k.read()
	if err == nil && (r.tag != "*" || r.word(0) != "OK") {
		err = fmt.Errorf("greeting %q", r.line)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return k, nil
}

// send writes a command and gives its tag.
func (c *conn) send(command string) (tag string, err error) {
	c.tags++
	tag = "t" + strconv.Itoa(c.tags)
	_, err = io.WriteString(c.net, tag+" "+command+"\r\n")
	return tag, err
}

// read reads one response.
func (c *conn) read() (*response, error) {
	c.net.SetReadDeadline(time.Now().Add(patience))
	line, err := c.line()
	if err != nil {
		return nil, err
	}
	r := &response{line: line}
	r.tag, line, _ = strings.Cut(line, " ")
	if r.tag == "+" {
		return r, nil
	}
	p := parser{rest: line}
	r.values = p.list()
	return r, nil
}

// line reads a line with its literals. A literal stays in it as {n}, CRLF and its octets, as the parser takes it.
func (c *conn) line() (string, error) {
	var b strings.Builder
	for {
		part, err := c.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		b.WriteString(part)
		n, ok := literal(part)
		if !ok {
			return strings.TrimRight(b.String(), "\r\n"), nil
		}
		octets := make([]byte, n)
		if _, err := io.ReadFull(c.in, octets); err != nil {
			return "", err
		}
		b.Write(octets)
	}
}

// literal tells whether a line ends in {n}.
func literal(line string) (n int, ok bool) {
	line = strings.TrimRight(line, "\r\n")
	open := strings.LastIndexByte(line, '{')
	if open < 0 || !strings.HasSuffix(line, "}") {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimPrefix(line[open+1:len(line)-1], "~"))
	return n, err == nil && n >= 0 && n <= maxLiteral
}

// parser takes a response apart. What it can't read becomes an atom: the model will not know it.
type parser struct{ rest string }

// list reads values up to the end or a closing parenthesis.
func (p *parser) list() (values []value) {
	for {
		p.rest = strings.TrimLeft(p.rest, " ")
		switch {
		case p.rest == "":
			return values
		case p.rest[0] == ')':
			p.rest = p.rest[1:]
			return values
		case p.rest[0] == '(':
			p.rest = p.rest[1:]
			values = append(values, value{list: p.list(), isList: true})
		case p.rest[0] == '"':
			values = append(values, value{text: p.quoted(), quoted: true})
		case p.rest[0] == '{':
			values = append(values, value{text: p.literal(), quoted: true})
		default:
			values = append(values, value{text: p.atom()})
		}
	}
}

func (p *parser) quoted() string {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String()
		case c == '\\' && i+1 < len(p.rest):
			i++
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	p.rest = ""
	return b.String()
}

func (p *parser) literal() string {
	head, rest, _ := strings.Cut(p.rest, "\n")
	n, _ := literal(head)
	n = min(n, len(rest))
	text := rest[:n]
	p.rest = rest[n:]
	return text
}

// atom reads up to a space or parenthesis; brackets hold both together (BODY[HEADER.FIELDS (SUBJECT)]).
func (p *parser) atom() string {
	depth := 0
	for i := range len(p.rest) {
		switch p.rest[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ' ', '(', ')':
			if depth <= 0 {
				text := p.rest[:i]
				p.rest = p.rest[i:]
				return text
			}
		}
	}
	text := p.rest
	p.rest = ""
	return text
}
