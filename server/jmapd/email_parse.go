package jmapd

import (
	"context"
	"encoding/json"
	"io"

	"tegami/wire/jmap"
	"tegami/wire/mime"
)

// parseEmailsIn are the arguments of Email/parse (RFC 8621 §4.9).
type parseEmailsIn struct {
	jmap.OfAccount
	BlobIDs []jmap.Id `json:"blobIds"`
	readArguments
}

// parseEmailsOut is the answer to Email/parse (RFC 8621 §4.9).
type parseEmailsOut struct {
	AccountID   jmap.Id                     `json:"accountId"`
	Parsed      map[jmap.Id]json.RawMessage `json:"parsed"`
	NotParsable []jmap.Id                   `json:"notParsable"`
	NotFound    []jmap.Id                   `json:"notFound"`
}

// maxParsed is how many messages one Email/parse reads: each is parsed, which an Email/get never needs.
const maxParsed = 100

// parseEmails is Email/parse (RFC 8621 §4.9): attached messages, and .eml files that were uploaded.
func parseEmails(ctx context.Context, c *call, in *parseEmailsIn) (*parseEmailsOut, error) {
	plan, err := c.plan(&in.readArguments, usualProperties[metadata:])
	if err != nil {
		return nil, err
	}
	if len(in.BlobIDs) > maxParsed {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	out := &parseEmailsOut{AccountID: in.AccountID, Parsed: map[jmap.Id]json.RawMessage{}, NotParsable: []jmap.Id{}, NotFound: []jmap.Id{}}
	for _, id := range in.BlobIDs {
		text, ok, err := c.parseEmail(ctx, plan, id)
		switch {
		case isKey(err, "blob.unknown"):
			out.NotFound = append(out.NotFound, id)
		case err != nil:
			return nil, err
		case !ok:
			out.NotParsable = append(out.NotParsable, id)
		default:
			out.Parsed[id] = text
		}
	}
	return out, nil
}

// parseEmail reads the message in a blob; false where there is none in it.
func (c *call) parseEmail(ctx context.Context, plan *emailPlan, id jmap.Id) (text json.RawMessage, ok bool, err error) {
	b, err := c.openBlob(ctx, c.at, id)
	if err != nil {
		return nil, false, err
	}
	defer b.Close()
	octets, size, err := b.At()
	if err != nil {
		return nil, false, err
	}
	r := &reading{plan: plan, blob: id, size: size, octets: octets}
	if r.message, err = mime.Parse(io.NewSectionReader(octets, 0, size), mime.Limits{}); err != nil {
		return nil, false, err
	}
	if !isMessage(r.header()) {
		return nil, false, nil
	}
	text, err = r.append(nil)
	return text, true, err
}
