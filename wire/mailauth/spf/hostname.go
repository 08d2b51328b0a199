package spf

import (
	"context"
	"slices"
	"strings"
)

const (
	// unknownHost is what macro "p" gives where the client has no name that leads back to it (RFC 7208 §7.3).
	unknownHost = "unknown"
	// maxNames is how many names of an address are looked at (RFC 7208 §4.6.4).
	maxNames = 10
)

// fillHost replaces macro "p" in a record that is well-formed: the library does not look names up for it.
func (r *resolver) fillHost(ctx context.Context, record, domain string) string {
	if !strings.Contains(record, "%{p") && !strings.Contains(record, "%{P") {
		return record
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(record, "%")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		body, after, macro := strings.Cut(rest, "}")
		switch {
		case rest[0] != '{' || !macro:
			b.WriteString("%" + rest[:1])
			record = rest[1:]
			continue
		case body[1]|0x20 == 'p':
			value, _ := transform(r.hostName(ctx, domain), body[2:])
			b.WriteString(value)
		default:
			b.WriteString("%" + body + "}")
		}
		record = after
	}
}

// hostName is the validated name of the client: that of the domain itself if there is one, else one below it, else any
// (RFC 7208 §7.3).
func (r *resolver) hostName(ctx context.Context, domain string) string {
	names := r.validated(ctx)
	for _, good := range []func(string) bool{
		func(n string) bool { return n == domain },
		func(n string) bool { return strings.HasSuffix(n, "."+domain) },
		func(string) bool { return true },
	} {
		if i := slices.IndexFunc(names, good); i >= 0 {
			return names[i]
		}
	}
	return unknownHost
}

// validated lists the names of the client that lead back to it (RFC 7208 §5.5). Names nobody answers for are left out.
func (r *resolver) validated(ctx context.Context) []string {
	if r.hosts != nil {
		return r.hosts
	}
	r.hosts = []string{}
	names, _, err := r.lookup.PTR(ctx, r.ip)
	if err != nil {
		return r.hosts
	}
	for _, name := range names[:min(len(names), maxNames)] {
		name, ok := askable(name)
		if !ok || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
			continue
		}
		if addrs, _, err := r.lookup.Addrs(ctx, name); err == nil && slices.Contains(addrs, r.ip) {
			r.hosts = append(r.hosts, name)
		}
	}
	return r.hosts
}
