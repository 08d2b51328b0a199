package davd

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"tegami/contacts"
	"tegami/wire/vcard"
)

// text is a card as vCard, in a version; "" for the one in which it came.
func (q *request) text(ctx context.Context, r *resource, version string) ([]byte, error) {
	if r.kind == isGALCard {
		return []byte(q.galText(&r.entry, version)), nil
	}
	if r.full != nil {
		return r.full.VCard(version)
	}
	c, err := q.account.Card(ctx, r.card.ID)
	if err != nil {
		return nil, err
	}
	r.card.ModSeq = c.ModSeq // it may have changed since it was found
	return c.VCard(version)
}

// acceptedVersion is the version of vCard that a header asks for; "" for none.
func acceptedVersion(accept string) string {
	for part := range strings.SplitSeq(accept, ",") {
		kind, params, err := mime.ParseMediaType(part)
		if v := params["version"]; err == nil && kind == "text/vcard" && (v == vcard.V3 || v == vcard.V4) {
			return v
		}
	}
	return ""
}

// get gives a card (RFC 9110 §9.3.1).
func (q *request) get(ctx context.Context) error {
	b, err := q.text(ctx, q.at, acceptedVersion(q.Header.Get("Accept")))
	if err != nil {
		return err
	}
	h := q.w.Header()
	etag := etagOf(q.at)
	h.Set("ETag", etag)
	if matches(q.Header.Get("If-None-Match"), etag) {
		q.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if want := q.Header.Get("If-Match"); want != "" && !matches(want, etag) {
		return status(http.StatusPreconditionFailed)
	}
	h.Set("Content-Type", cardType)
	h.Set("Content-Disposition", `attachment`)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	if q.Method != http.MethodHead {
		q.w.Write(b) // who hangs up needs no answer
	}
	return nil
}

// matches tells whether a list of ETags names one.
func matches(list, etag string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part == "*" || part == etag {
			return true
		}
	}
	return false
}

// condition reads what a request says of what must stand there. 412 where it can't hold.
func (q *request) condition() (c contacts.Condition, err error) {
	exists := q.at.kind == isCard
	if none := q.Header.Get("If-None-Match"); none != "" {
		if strings.TrimSpace(none) == "*" {
			c.None = true
		} else if exists && matches(none, etagOf(q.at)) {
			return c, status(http.StatusPreconditionFailed)
		}
	}
	match := q.Header.Get("If-Match")
	if match == "" {
		return c, nil
	}
	if !exists || !matches(match, etagOf(q.at)) {
		return c, status(http.StatusPreconditionFailed)
	}
	c.ETag = etagOf(q.at)
	return c, nil
}

// put writes a card (RFC 6352 §6.3.2). What was put and is given back otherwise gets no ETag, so that the client reads it again.
func (q *request) put(ctx context.Context) error {
	kind := q.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(kind); kind != "" && (err != nil || media != "text/vcard" && media != "text/x-vcard" && media != "text/directory") {
		return precondition(http.StatusForbidden, cardNS, "supported-address-data")
	}
	when, err := q.condition()
	if err != nil {
		return err
	}
	b, err := io.ReadAll(q.Body)
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return precondition(http.StatusForbidden, cardNS, "max-resource-size")
	}
	if err != nil {
		return err
	}
	name := q.at.name
	if q.at.kind == isCard {
		name = q.at.card.Path
	}
	placed, err := q.account.PutVCard(ctx, q.at.book.ID, name, b, when)
	if err != nil {
		return err
	}
	q.placed(&placed)
	return nil
}

// placed answers that a card stands there.
func (q *request) placed(p *contacts.Placed) {
	if p.Exact {
		q.w.Header().Set("ETag", p.ETag())
	}
	code := http.StatusNoContent
	if p.Created {
		code = http.StatusCreated
	}
	q.w.WriteHeader(code)
}

// delete removes a card, or a book with all that is in it.
func (q *request) delete(ctx context.Context) error {
	if q.at.kind == isBook {
		if err := q.account.DeleteBook(ctx, q.at.book.ID, true); err != nil {
			return err
		}
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	when, err := q.condition()
	if err != nil {
		return err
	}
	if when.None {
		return status(http.StatusPreconditionFailed)
	}
	if err := q.account.DeleteCard(ctx, q.at.card.ID, when.ETag); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// copy puts a card into another place, or a copy of it (RFC 4918 §9.8, §9.9). One of the company's address book is copied as it looks.
func (q *request) copy(ctx context.Context) error {
	path, ok := q.pathOf(q.Header.Get("Destination"))
	if !ok {
		return status(http.StatusBadRequest)
	}
	to, err := q.resolve(ctx, path)
	if err != nil {
		return status(http.StatusConflict)
	}
	switch {
	case to.kind == isGAL || to.kind == isGALCard:
		return precondition(http.StatusForbidden, davNS, "need-privileges")
	case to.kind != isCard && to.kind != isNewCard, to.path == q.at.path:
		return status(http.StatusForbidden)
	}
	name := to.name
	if to.kind == isCard {
		name = to.card.Path
	}
	overwrite := !strings.EqualFold(q.Header.Get("Overwrite"), "F")
	if q.at.kind == isGALCard {
		placed, err := q.account.PutVCard(ctx, to.book.ID, name, []byte(q.galText(&q.at.entry, vcard.V3)), contacts.Condition{None: !overwrite})
		if err != nil {
			return err
		}
		placed.Exact = false
		q.placed(&placed)
		return nil
	}
	placed, err := q.account.MoveTo(ctx, q.at.card.ID, to.book.ID, name, q.Method == "COPY", overwrite)
	if err != nil {
		return err
	}
	q.placed(&placed)
	return nil
}
