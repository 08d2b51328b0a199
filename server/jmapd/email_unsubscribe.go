package jmapd

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
	"tegami/wire/mime"
	"tegami/wire/reach"
)

const (
	// unsubscribePath is where a page asks to leave the list an email came from.
	unsubscribePath = "/jmap/unsubscribe/"
	// oneClickTime is how long the server of a list may take to answer.
	oneClickTime = 15 * time.Second
	// oneClickReply is how much of its answer is read, in octets: so that the connection ends well.
	oneClickReply = 64 << 10
)

// oneClick is what is sent to leave a list (RFC 8058 §3.2).
const oneClick = "List-Unsubscribe=One-Click"

// publicOnly reaches the public internet only, and follows nobody elsewhere (RFC 8058 §3.1 wants no redirects).
func publicOnly() *http.Client {
	return &http.Client{
		Timeout:       oneClickTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: reach.Dialer(oneClickTime, nil).DialContext, TLSHandshakeTimeout: oneClickTime,
			ResponseHeaderTimeout: oneClickTime, DisableKeepAlives: true},
	}
}

// Unsubscribe leaves the list an email of an account came from, as its header says that one click does (RFC 8058). The list learns neither
// the reader's address nor his browser. NotFound "blob.unknown"; Invalid "unsubscribe.no_way" where the email names no such way;
// Unavailable "unsubscribe.refused" where the list doesn't take it.
func (s *Server) Unsubscribe(ctx context.Context, who *directory.Identity, account, email jmap.Id) error {
	const op = "jmapd.Unsubscribe"
	c := &call{server: s, who: who, boxes: map[jmap.Id]*target{}}
	at, err := c.target(ctx, account)
	if err != nil {
		return err
	}
	id, ok := parseEmail(email)
	if !ok {
		return unknownBlob()
	}
	body, index, err := c.openEmail(ctx, at, id)
	if err != nil {
		return err
	}
	way, err := wayOut(body, index)
	if body.Close(); err != nil {
		return err
	}
	if way.OneClick == "" {
		return mail.E(op, mail.Invalid, "unsubscribe.no_way")
	}
	return s.leave(ctx, op, way.OneClick)
}

// wayOut reads how the header of a message says that its list is left.
func wayOut(body mailbox.Body, index mime.Index) (mime.Unsubscription, error) {
	head := make([]byte, min(index.HeaderSize(), mime.DefaultHeaderBytes))
	if n, err := body.ReadAt(head, 0); n < len(head) {
		return mime.Unsubscription{}, err
	}
	way, _ := mime.ListUnsubscribe(head)
	return way, nil
}

// leave asks the server of a list.
func (s *Server) leave(ctx context.Context, op mail.Op, url string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(oneClick))
	if err != nil {
		return mail.Because(op, mail.Invalid, "unsubscribe.no_way", err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("User-Agent", "Tegami")
	r, err := s.oneClick.Do(q)
	if err != nil {
		return mail.Because(op, mail.Unavailable, "unsubscribe.refused", err)
	}
	defer r.Body.Close()
	if _, err := io.CopyN(io.Discard, r.Body, oneClickReply); err != nil && err != io.EOF {
		s.log.Debug("unsubscribe", "url", url, "err", err) // the status is known
	}
	if r.StatusCode < 200 || r.StatusCode > 299 {
		return mail.E(op, mail.Unavailable, "unsubscribe.refused")
	}
	return nil
}

// serveUnsubscribe answers a page that asks to leave a list.
func (s *Server) serveUnsubscribe(w http.ResponseWriter, r *http.Request, who *client) {
	leave, ok := s.gates.Enter("unsubscribe/"+who.name(), 1)
	if !ok {
		s.refuse(w, r, who, jmap.TooMuch(jmap.LimitRequests))
		return
	}
	defer leave()
	if err := s.Unsubscribe(r.Context(), who.identity, jmap.Id(r.PathValue("account")), jmap.Id(r.PathValue("email"))); err != nil {
		s.refuse(w, r, who, found(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
