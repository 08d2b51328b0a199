package jmapd

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/jmap"
)

const (
	// portion is how many octets are read or written between two looks at the clock.
	portion = 64 << 10
	// portionTime is how long one may take: a line that is slower than some 20 kbit/s is cut.
	portionTime = 30 * time.Second
	// plainType is the type of octets nobody says more of.
	plainType = "application/octet-stream"
)

// Upload takes octets in for an hour (RFC 8620 §6.1), which become part of mail by their blob id. size is how many are coming, 0 where that
// is not known. accountNotFound; Full "message.too_big" past Limits.Upload (ML-9), "upload.too_many" past Limits.Kept within an hour.
func (s *Server) Upload(ctx context.Context, who *directory.Identity, account jmap.Id, size int64, kind string, r io.Reader) (*jmap.Uploaded, error) {
	at, err := s.reach(ctx, who, account)
	if err != nil {
		return nil, err
	}
	if size > s.limits.Upload {
		return nil, tooBig(s.limits.Upload)
	}
	box, err := s.config.Mailboxes.Open(ctx, who)
	if err != nil {
		return nil, err
	}
	up, err := box.Stage(ctx, size)
	if err != nil {
		return nil, err
	}
	defer up.Release()
	n, err := io.CopyBuffer(up, io.LimitReader(r, s.limits.Upload+1), make([]byte, portion))
	switch {
	case err != nil:
		return nil, err
	case n > s.limits.Upload:
		return nil, tooBig(s.limits.Upload)
	}
	if err := s.countUpload(ctx, who, n); err != nil {
		return nil, err
	}
	name, err := box.KeepOctets(ctx, up)
	if err != nil {
		return nil, err
	}
	return &jmap.Uploaded{AccountID: at.id, BlobID: jmap.Id(string(jmap.LetterUpload) + name), Type: mediaType(kind), Size: n}, nil
}

func tooBig(limit int64) error {
	return mail.E("jmapd.Upload", mail.Full, "message.too_big", limit>>20)
}

// countUpload bounds how many octets of an account are kept at a time. The counter forgets them when they are not kept any more.
func (s *Server) countUpload(ctx context.Context, who *directory.Identity, n int64) error {
	if s.config.Tally == nil {
		return nil
	}
	key := "jmap/upload/" + name(who)
	sum, err := s.config.Tally(ctx, key, n, time.Hour)
	if err != nil {
		s.log.Warn("tally", "err", err)
		return nil
	}
	if sum <= s.limits.Kept {
		return nil
	}
	if _, err := s.config.Tally(ctx, key, -n, time.Hour); err != nil { // what is refused does not count
		s.log.Warn("tally", "err", err)
	}
	return mail.E("jmapd.Upload", mail.Full, "upload.too_many", s.limits.Kept>>20)
}

// reach finds an account for who asks outside of a method.
func (s *Server) reach(ctx context.Context, who *directory.Identity, account jmap.Id) (*target, error) {
	c := &call{server: s, who: who, boxes: map[jmap.Id]*target{}}
	return c.target(ctx, account)
}

// serveUpload answers an upload (RFC 8620 §6.1).
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request, who *client) {
	leave, ok := s.gates.Enter("upload/"+who.name(), s.limits.Uploads)
	if !ok {
		s.refuse(w, r, who, jmap.TooMuch(jmap.LimitUploads))
		return
	}
	defer leave()
	body := &timely{of: http.NewResponseController(w), body: r.Body}
	up, err := s.Upload(r.Context(), who.identity, jmap.Id(r.PathValue("account")), max(r.ContentLength, 0), r.Header.Get("Content-Type"), body)
	if key, _ := mail.TextOf(err); key == "message.too_big" {
		s.refuse(w, r, who, &jmap.RequestError{Type: jmap.LimitError, Status: http.StatusRequestEntityTooLarge, Limit: jmap.LimitUpload, Detail: s.detail(who, err)})
		return
	}
	if err != nil {
		s.refuse(w, r, who, found(err))
		return
	}
	s.json(w, r, http.StatusCreated, up)
}

// found gives an unknown account of a path the status it has there.
func found(err error) error {
	var m *jmap.MethodError
	if errors.As(err, &m) {
		return mail.E("jmapd.found", mail.NotFound, "blob.unknown")
	}
	return err
}

// timely reads a body as long as it comes.
type timely struct {
	of   *http.ResponseController
	body io.Reader
}

// Read reads at most a portion, within portionTime.
func (t *timely) Read(b []byte) (int, error) {
	t.of.SetReadDeadline(time.Now().Add(portionTime)) // where there is none to set, there is none
	return t.body.Read(b[:min(len(b), portion)])
}

// timelyWriter writes as long as somebody takes it.
type timelyWriter struct {
	of *http.ResponseController
	w  io.Writer
}

func (t *timelyWriter) Write(b []byte) (done int, err error) {
	for len(b) > 0 && err == nil {
		t.of.SetWriteDeadline(time.Now().Add(portionTime))
		n := 0
		n, err = t.w.Write(b[:min(len(b), portion)])
		done, b = done+n, b[n:]
	}
	return done, err
}

// Octets are those a blob id names. Close them.
type Octets struct {
	io.ReadCloser
	Size int64
}

// Download gives the octets of a blob of an account (RFC 8620 §6.2). NotFound "blob.unknown" for one that is not, or is not the account's.
func (s *Server) Download(ctx context.Context, who *directory.Identity, account, id jmap.Id) (*Octets, error) {
	c := &call{server: s, who: who, boxes: map[jmap.Id]*target{}}
	at, err := c.target(ctx, account)
	if err != nil {
		return nil, found(err)
	}
	b, err := c.openBlob(ctx, at, id)
	if err != nil {
		return nil, err
	}
	size, err := b.Size()
	if err != nil {
		b.Close()
		return nil, err
	}
	return &Octets{struct {
		io.Reader
		io.Closer
	}{b.Reader(), b}, size}, nil
}

// serveDownload answers a download (RFC 8620 §6.2). What it is the mail's sender says, so no browser may show it by itself.
func (s *Server) serveDownload(w http.ResponseWriter, r *http.Request, who *client) {
	leave, ok := s.gates.Enter("download/"+who.name(), s.limits.Downloads)
	if !ok {
		s.refuse(w, r, who, jmap.TooMuch(jmap.LimitRequests))
		return
	}
	defer leave()
	o, err := s.Download(r.Context(), who.identity, jmap.Id(r.PathValue("account")), jmap.Id(r.PathValue("blob")))
	if err != nil {
		s.refuse(w, r, who, err)
		return
	}
	defer o.Close()
	h := w.Header()
	h.Set("Content-Type", mediaType(r.URL.Query().Get("accept")))
	h.Set("Content-Disposition", attachment(r.PathValue("name")))
	h.Set("Content-Length", strconv.FormatInt(o.Size, 10))
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.CopyBuffer(&timelyWriter{http.NewResponseController(w), w}, o, make([]byte, portion)); err != nil {
		s.log.Debug("download", "request", who.id, "err", err)
	}
}

// mediaType gives a media type as it may stand in a header field, plainType for what is none.
func mediaType(text string) string {
	kind, params, err := mime.ParseMediaType(text)
	if err != nil || !strings.Contains(kind, "/") {
		return plainType
	}
	if charset, ok := params["charset"]; ok && strings.HasPrefix(kind, "text/") {
		return orPlain(mime.FormatMediaType(kind, map[string]string{"charset": charset}))
	}
	return orPlain(mime.FormatMediaType(kind, nil))
}

func orPlain(kind string) string {
	if kind == "" {
		return plainType
	}
	return kind
}

// maxFileName is the length of a file's name in octets, as file systems have it.
const maxFileName = 255

// attachment is a Content-Disposition that has a file kept under a name (RFC 6266, RFC 8187).
func attachment(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) || r == '\u202e' || r == '\u202d' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	for len(name) > maxFileName {
		name = strings.ToValidUTF8(name[:maxFileName], "")
	}
	if name == "" {
		return "attachment"
	}
	return "attachment; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}
