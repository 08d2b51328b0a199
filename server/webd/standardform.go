package webd

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/jmap"
)

// Limits of the form of a letter.
const (
	maxWrite      = 64 << 20         // octets of all of it: files beyond what a mail may have are read to their end, so that the browser gets an answer
	maxFields     = 4000             // fields
	writePortion  = 30 * time.Second // for the next octets: a slow line is no reason to lose a letter
	maxAttached   = 200              // files of a letter
	maxFileSuffix = 255              // octets of a file's name
)

// written takes the form of a letter: what was typed, and files as they come in. The letter is kept as a draft whatever else is asked for.
func (v *visit) written() {
	l, do, err := v.readLetter()
	if err != nil {
		v.fail(err)
		return
	}
	if err := v.identities(l); err != nil {
		v.fail(err)
		return
	}
	l.readPeople()
	switch {
	case do == "discard":
		v.discard(l)
		return
	case len(l.Wrong) > 0:
		v.Wrong = v.T("webmail.compose.wrong_address", l.Wrong[0])
	}
	if v.Wrong == "" && do == "send" {
		v.Wrong = v.obstacle(l)
	}
	if v.Wrong != "" {
		v.showLetter(l)
		return
	}
	if err := v.save(l); err != nil {
		v.Wrong = v.words(err)
		v.showLetter(l)
		return
	}
	v.goOn(l, do)
}

// again is the address of the form with the draft that holds a letter.
func (l *letter) again(more ...string) url.Values {
	q := url.Values{"kind": {"draft"}, "id": {string(l.Saved)}}
	if l.Source != "" && l.Mark != "" {
		q.Set("source", string(l.Source))
		q.Set("mark", l.Mark)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

// goOn does what was asked for with a letter that is kept.
func (v *visit) goOn(l *letter, do string) {
	switch do {
	case "send", "sure":
		v.questions(l)
		if len(l.Questions) > 0 && do == "send" {
			v.leave(writePath, l.again("confirm", "1"))
			return
		}
		out, err := v.send(l)
		if err != nil {
			v.Wrong = v.words(err)
			v.showLetter(l)
			return
		}
		v.leave(standardPath, url.Values{"done": {"sent"}, "out": {string(out)}})
	case "people":
		v.leave("/standard/people", l.again())
	case "save":
		v.leave(writePath, l.again("done", "saved"))
	default: // files came or went
		v.leave(writePath, l.again())
	}
}

// discard throws the letter away.
func (v *visit) discard(l *letter) {
	if l.Saved != "" {
		if _, err := v.set("Email/set", args{"destroy": []jmap.Id{l.Saved}}); err != nil {
			v.fail(err)
			return
		}
	}
	v.leave(standardPath, url.Values{"done": {"discarded"}})
}

// readLetter reads the form. Denied "auth.foreign_page" for one of another browser; Full "standard.too_long".
func (v *visit) readLetter() (l *letter, do string, err error) {
	const op = "webd.readLetter"
	parts, err := v.r.MultipartReader()
	if err != nil {
		return v.readPlainLetter()
	}
	l = &letter{}
	control := http.NewResponseController(v.w)
	proved := false
	for n, room := 0, maxLetter; ; n++ {
		if err := control.SetReadDeadline(time.Now().Add(writePortion)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return nil, "", mail.Because(op, mail.Other, "", err)
		}
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", unread(op, err)
		}
		if n > maxFields {
			return nil, "", errTooLong
		}
		if part.FileName() != "" {
			if !proved {
				return nil, "", mail.E(op, mail.Denied, "auth.foreign_page")
			}
			if err := v.attach(l, part, control); err != nil {
				return nil, "", err
			}
			continue
		}
		text, err := io.ReadAll(io.LimitReader(part, int64(room)+1))
		if err != nil {
			return nil, "", unread(op, err)
		}
		if room -= len(text); room < 0 {
			return nil, "", errTooLong
		}
		if part.FormName() == "form" {
			proved = v.proved(string(text))
		}
		if name := part.FormName(); name == "do" {
			do = string(text)
		} else {
			l.field(name, cleanText(string(text)))
		}
	}
	if !proved {
		return nil, "", mail.E(op, mail.Denied, "auth.foreign_page")
	}
	return l, do, nil
}

// readPlainLetter reads the form where a browser sends no files.
func (v *visit) readPlainLetter() (l *letter, do string, err error) {
	if !ownForm(v.r) {
		return nil, "", mail.E("webd.readLetter", mail.Denied, "auth.foreign_page")
	}
	l = &letter{}
	for name, list := range v.r.PostForm {
		for _, text := range list {
			l.field(name, cleanText(text))
		}
	}
	return l, v.r.PostFormValue("do"), nil
}

// proved tells whether a token is that of this browser's forms.
func (v *visit) proved(token string) bool {
	have := cookie(v.r, formCookie)
	return have != "" && subtle.ConstantTimeCompare([]byte(formToken(have)), []byte(token)) == 1 && ownOrigin(v.r)
}

// unread is the error of a form that did not come to its end.
func unread(op mail.Op, err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return errTooLong
	}
	return mail.Because(op, mail.Invalid, "request.malformed", err)
}

// field takes a field of the form.
func (l *letter) field(name, text string) {
	switch name {
	case "to":
		l.To = text
	case "cc":
		l.Cc = text
	case "bcc":
		l.Bcc = text
	case "subject":
		l.Subject = strings.Join(strings.FieldsFunc(text, func(c rune) bool { return c == '\r' || c == '\n' }), " ")
	case "text":
		l.Text = strings.ReplaceAll(text, "\r\n", "\n")
	case "identity":
		l.Identity = jmap.Id(text)
	case "saved":
		l.Saved = jmap.Id(text)
	case "source":
		l.Source = jmap.Id(text)
	case "mark":
		l.Mark = markOf(text)
	case "inreplyto":
		l.InReplyTo = append(l.InReplyTo, text)
	case "references":
		l.References = append(l.References, text)
	case "file":
		if f, ok := readFile(text); ok && len(l.Files) < maxAttached {
			l.Files = append(l.Files, f)
		}
	case "remove":
		if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(l.Files) {
			l.Files = append(l.Files[:n], l.Files[n+1:]...)
		}
	}
}

// fileSigns are those that browsers write in another way in the name of a file (HTML §4.10.22.8).
var fileSigns = strings.NewReplacer("%22", `"`, "%0D", " ", "%0A", " ")

// attach takes a file in. One that does not fit beside the others (ML-9) is read to its end and left out, and the page says so; nothing else is lost.
func (v *visit) attach(l *letter, part *multipart.Part, control *http.ResponseController) error {
	name := cleanText(path.Base(strings.ReplaceAll(fileSigns.Replace(part.FileName()), `\`, "/")))
	for len(name) > maxFileSuffix {
		name = strings.ToValidUTF8(name[:maxFileSuffix], "")
	}
	from := &steady{Reader: part, control: control}
	limit := v.Branding.MaxSize
	if limit <= 0 {
		limit = mail.MaxMessageSize
	}
	got, err := v.server.config.JMAP.Upload(v.r.Context(), v.who, v.account, 0, part.Header.Get("Content-Type"), from)
	if _, readErr := io.Copy(io.Discard, from); readErr != nil {
		return unread("webd.attach", readErr)
	}
	f := attached{Name: name, Size: from.n}
	if over := l.Size() + l.sizeOf(f) - limit; over > 0 || len(l.Files) >= maxAttached {
		v.Wrong = v.T("webmail.compose.too_large", name, sizeText(limit), sizeText(max(over, 0)))
		return nil
	}
	if err != nil {
		v.Wrong = v.T("webmail.compose.upload_failed", name, v.words(err))
		return nil
	}
	f.Blob, f.Type = got.BlobID, got.Type
	l.Files = append(l.Files, f)
	return nil
}

// steady reads a file as it comes in: as long as it goes on coming, it may take its time.
type steady struct {
	io.Reader
	control *http.ResponseController
	n       int64 // octets so far
}

func (s *steady) Read(p []byte) (int, error) {
	if err := s.control.SetReadDeadline(time.Now().Add(writePortion)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, fmt.Errorf("deadline: %w", err)
	}
	n, err := s.Reader.Read(p)
	s.n += int64(n)
	return n, err
}

// number writes a number.
func number(n int) string { return strconv.Itoa(n) }
