package dns

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"

	miekg "github.com/miekg/dns"
)

const (
	// udpSize is how long an answer by UDP may be, so that it is never sent in fragments.
	udpSize = 1232
	// maxDatagram is what is read of one, as some servers send more than they were told to.
	maxDatagram = 4096
	// maxStrays is how many datagrams that answer another question are passed over.
	maxStrays = 64
	// headerSize is the length of a message's header (RFC 1035 §4.1.1).
	headerSize = 12
)

// A Transport carries a question to a server and brings the answer, both as they stand on the wire without the
// length TCP puts before them. An answer has the id and the question section of its question.
type Transport interface {
	Exchange(ctx context.Context, server netip.AddrPort, tcp bool, query []byte) ([]byte, error)
}

// resolve asks the servers in turn until one knows. Who said that it doesn't is not asked again: only silence may
// have been an accident.
func (r *Resolver) resolve(ctx context.Context, q question) *answer {
	var last error = errServers
	var said []netip.AddrPort
	for range r.config.Tries {
		for _, server := range r.servers.list() {
			if ctx.Err() != nil || slices.Contains(said, server) {
				continue
			}
			r.stats.sent.Add(1)
			m, err := r.try(ctx, server, q)
			if err == nil {
				r.servers.worked(server)
				return r.accept(q, m)
			}
			last = fmt.Errorf("%s: %w", server, err)
			var no *refusal
			if errors.As(err, &no) {
				said = append(said, server)
			}
			if no == nil || no.rcode != miekg.RcodeServerFailure { // SERVFAIL tells of the name, not of the server
				r.servers.failed(server)
			}
		}
	}
	return failure(last)
}

// accept reads a message, with AD only where it can be believed.
func (r *Resolver) accept(q question, m *miekg.Msg) *answer {
	m.AuthenticatedData = m.AuthenticatedData && r.config.TrustAD
	a := read(q, m)
	a.size = m.Len()
	return a
}

// try asks one server once: by UDP, by TCP when the answer is too long, and without EDNS when it does not know
// that (RFC 6891 §7).
func (r *Resolver) try(ctx context.Context, server netip.AddrPort, q question) (*miekg.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	edns := true
	m, err := r.exchange(ctx, server, false, r.query(q, edns))
	if err == nil && (m.Rcode == miekg.RcodeFormatError || m.Rcode == miekg.RcodeNotImplemented) && m.IsEdns0() == nil {
		edns = false
		m, err = r.exchange(ctx, server, false, r.query(q, edns))
	}
	if err == nil && m.Truncated {
		m, err = r.exchange(ctx, server, true, r.query(q, edns))
	}
	switch {
	case err != nil:
		return nil, err
	case m.Rcode != miekg.RcodeSuccess && m.Rcode != miekg.RcodeNameError:
		return nil, refusalOf(m)
	case m.Truncated:
		return nil, errors.New("truncated by TCP, too")
	}
	return m, nil
}

// query makes a question under a fresh random id. Where AD is believed it is asked for (RFC 6840 §5.7).
func (r *Resolver) query(q question, edns bool) *miekg.Msg {
	var id [2]byte
	rand.Read(id[:]) // never fails
	m := new(miekg.Msg).SetQuestion(q.name, q.kind)
	m.Id = binary.BigEndian.Uint16(id[:])
	m.AuthenticatedData = r.config.TrustAD
	if edns {
		m.SetEdns0(udpSize, r.config.TrustAD)
	}
	return m
}

func (r *Resolver) exchange(ctx context.Context, server netip.AddrPort, tcp bool, m *miekg.Msg) (*miekg.Msg, error) {
	query, err := m.Pack()
	if err != nil {
		return nil, err
	}
	octets, err := r.config.Transport.Exchange(ctx, server, tcp, query)
	if err != nil {
		return nil, err
	}
	if !answers(query, octets) {
		return nil, errors.New("the answer is to another question")
	}
	a := new(miekg.Msg)
	if err := a.Unpack(octets); err != nil {
		return nil, err
	}
	return a, nil
}

// answers tells whether a message answers a query: same id, an answer, same question section.
func answers(query, answer []byte) bool {
	end := questionEnd(query)
	if end == 0 || len(answer) < headerSize || answer[0] != query[0] || answer[1] != query[1] || answer[2]&0x80 == 0 {
		return false
	}
	if binary.BigEndian.Uint16(answer[4:]) == 0 { // servers that understood nothing repeat nothing
		return answer[3]&0x0f == miekg.RcodeFormatError
	}
	return len(answer) >= end && binary.BigEndian.Uint16(answer[4:]) == 1 &&
		bytes.EqualFold(answer[headerSize:end-4], query[headerSize:end-4]) && bytes.Equal(answer[end-4:end], query[end-4:end])
}

// questionEnd is where the one question of a query of ours ends; 0 = it has none.
func questionEnd(query []byte) int {
	at := headerSize
	for at < len(query) && query[at] != 0 {
		at += 1 + int(query[at])
	}
	if at += 5; at > len(query) { // the root, type and class
		return 0
	}
	return at
}

// network is the Transport over real sockets. Each question has its own, so that its port is random.
type network struct{}

// Exchange asks over a socket of its own.
func (network) Exchange(ctx context.Context, server netip.AddrPort, tcp bool, query []byte) ([]byte, error) {
	kind := "udp"
	if tcp {
		kind = "tcp"
	}
	conn, err := new(net.Dialer).DialContext(ctx, kind, server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if tcp {
		return stream(conn, query)
	}
	return datagram(conn, query)
}

// stream asks over TCP (RFC 1035 §4.2.2).
func stream(conn net.Conn, query []byte) ([]byte, error) {
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	if _, err := conn.Write(framed); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(conn, answer)
	return answer, err
}

// datagram asks over UDP. What answers another question is passed over: it may be late, or somebody's guess.
func datagram(conn net.Conn, query []byte) ([]byte, error) {
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, maxDatagram)
	for range maxStrays {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		if answers(query, buf[:n]) {
			return buf[:n], nil
		}
	}
	return nil, errors.New("only answers to other questions")
}
