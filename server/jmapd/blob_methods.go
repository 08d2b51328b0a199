package jmapd

import (
	"bytes"
	"context"
	"crypto/sha1" // one of the names of RFC 9404 §4.2
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// Bounds of the methods of RFC 9404.
const (
	// maxSources is of how many pieces a blob may be put together.
	maxSources = 64
	// maxBlobData is how many octets of blobs one Blob/get gives.
	maxBlobData = 32 << 20
)

// lookups are the types whose records Blob/lookup finds.
var lookups = []string{"Email", "Mailbox", "Thread"}

// digests are the algorithms of Blob/get by their names of the HTTP digest registry (RFC 9404 §4.2).
var digests = map[string]func() hash.Hash{"sha": sha1.New, "sha-256": sha256.New, "sha-512": sha512.New}

func blobMethods() []entry {
	return []entry{
		method("Blob/upload", jmap.Blob, own, uploadBlobs),
		method("Blob/get", jmap.Blob, reads, getBlobs),
		method("Blob/lookup", jmap.Blob, reads, lookUpBlobs),
		method("Blob/copy", jmap.Core, own, copyBlobs),
	}
}

// accountBlobs is what an account says of its blobs (RFC 9404 §3).
func accountBlobs(s *Server) any {
	return map[string]any{
		"maxSizeBlobSet": s.limits.Upload, "maxDataSources": maxSources, "supportedTypeNames": lookups,
		"supportedDigestAlgorithms": slices.Sorted(maps.Keys(digests)),
	}
}

// blobSource is a piece of a blob that is put together (RFC 9404 §4.1): text, base64, or a range of another blob.
type blobSource struct {
	Text   *string  `json:"data:asText"`
	Base64 *string  `json:"data:asBase64"`
	BlobID *jmap.Id `json:"blobId"`
	Offset *int64   `json:"offset"`
	Length *int64   `json:"length"`
}

// newBlob asks for a blob.
type newBlob struct {
	Data []blobSource `json:"data"`
	Type string       `json:"type"`
}

type uploadBlobsIn struct {
	jmap.OfAccount
	Create map[jmap.Id]json.RawMessage `json:"create"`
}

type uploadBlobsOut struct {
	AccountID  jmap.Id                    `json:"accountId"`
	Created    map[jmap.Id]any            `json:"created"`
	NotCreated map[jmap.Id]*jmap.SetError `json:"notCreated"`
}

// uploadBlobs puts blobs together (RFC 9404 §4.1).
func uploadBlobs(ctx context.Context, c *call, in *uploadBlobsIn) (*uploadBlobsOut, error) {
	if len(in.Create) > c.server.limits.Objects {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	set := &jmap.SetOut{}
	for _, name := range creationOrder(in.Create) {
		up, err := c.uploadBlob(ctx, in.Create[name])
		if err != nil {
			notCreated(set, name, c.setError(err, "data"))
			continue
		}
		c.created(set, name, up.BlobID, map[string]any{"id": up.BlobID, "type": up.Type, "size": up.Size})
	}
	return &uploadBlobsOut{in.AccountID, set.Created, set.NotCreated}, nil
}

// uploadBlob puts one together.
func (c *call) uploadBlob(ctx context.Context, text json.RawMessage) (*jmap.Uploaded, error) {
	var b newBlob
	if err := jmap.Exact(text, &b); err != nil {
		return nil, jmap.BadProperties("data")
	}
	if len(b.Data) > maxSources {
		return nil, &jmap.SetError{Type: jmap.TooLarge}
	}
	var parts []io.Reader
	for _, d := range b.Data {
		p := &piece{open: func() (io.Reader, func(), error) { return c.source(ctx, d) }}
		defer p.end()
		parts = append(parts, p)
	}
	return c.server.Upload(ctx, c.who, c.at.id, 0, b.Type, io.MultiReader(parts...))
}

// piece is a source while it is read. It is open no longer than that: of all pieces together there may be more than memory has room for.
type piece struct {
	open func() (io.Reader, func(), error)
	from io.Reader // nil before it is read
	done func()    // nil while it is not open
}

// Read implements io.Reader.
func (p *piece) Read(b []byte) (n int, err error) {
	if p.from == nil {
		if p.from, p.done, err = p.open(); err != nil {
			p.from = strings.NewReader("")
			return 0, err
		}
	}
	if n, err = p.from.Read(b); err == io.EOF {
		p.end()
		p.from = strings.NewReader("")
	}
	return n, err
}

// end closes what is open.
func (p *piece) end() {
	if p.done != nil {
		p.done()
		p.done = nil
	}
}

// source opens a piece; done ends its use.
func (c *call) source(ctx context.Context, d blobSource) (r io.Reader, done func(), err error) {
	nothing := func() {}
	switch {
	case d.Text != nil && d.Base64 == nil && d.BlobID == nil:
		return strings.NewReader(*d.Text), nothing, nil
	case d.Base64 != nil && d.Text == nil && d.BlobID == nil:
		octets, err := base64.StdEncoding.DecodeString(*d.Base64)
		if err != nil {
			return nil, nil, jmap.BadProperties("data")
		}
		return bytes.NewReader(octets), nothing, nil
	case d.BlobID == nil || d.Text != nil || d.Base64 != nil:
		return nil, nil, jmap.BadProperties("data")
	}
	id, ok := c.id(*d.BlobID)
	if !ok {
		return nil, nil, blobNotFound(*d.BlobID)
	}
	b, err := c.openBlob(ctx, c.at, id)
	if mail.Is(err, mail.NotFound) {
		return nil, nil, blobNotFound(id)
	}
	if err != nil {
		return nil, nil, err
	}
	r, err = b.section(d.Offset, d.Length)
	if err != nil {
		b.Close()
		return nil, nil, err
	}
	return r, func() { b.Close() }, nil
}

func blobNotFound(id jmap.Id) error {
	return &jmap.SetError{Type: "blobNotFound", Extra: map[string]any{"notFound": []jmap.Id{id}}}
}

// section reads a range of a blob; nil means from its begin, and to its end. It must lie within.
func (b *blob) section(offset, length *int64) (io.Reader, error) {
	at, size, err := b.At()
	if err != nil {
		return nil, err
	}
	from, n := int64(0), size
	if offset != nil {
		from = *offset
	}
	if n -= from; length != nil {
		n = *length
	}
	if from < 0 || n < 0 || from > size || n > size-from {
		return nil, jmap.BadProperties("data")
	}
	return io.NewSectionReader(at, from, n), nil
}

// getBlobsIn are the arguments of Blob/get (RFC 9404 §4.2).
type getBlobsIn struct {
	jmap.OfAccount
	IDs        []jmap.Id `json:"ids"`
	Properties []string  `json:"properties"`
	Offset     *int64    `json:"offset"`
	Length     *int64    `json:"length"`
}

type getBlobsOut struct {
	AccountID jmap.Id          `json:"accountId"`
	List      []map[string]any `json:"list"`
	NotFound  []jmap.Id        `json:"notFound"`
}

func getBlobs(ctx context.Context, c *call, in *getBlobsIn) (*getBlobsOut, error) {
	if err := in.check(c); err != nil {
		return nil, err
	}
	out := &getBlobsOut{AccountID: in.AccountID, List: []map[string]any{}, NotFound: []jmap.Id{}}
	left := int64(maxBlobData)
	for _, id := range in.IDs {
		record, err := c.blobRecord(ctx, id, in, &left)
		switch {
		case mail.Is(err, mail.NotFound):
			out.NotFound = append(out.NotFound, id)
		case err != nil:
			return nil, err
		default:
			out.List = append(out.List, record)
		}
	}
	return out, nil
}

// check refuses what can't be asked for, and puts the defaults in.
func (in *getBlobsIn) check(c *call) error {
	if in.IDs == nil {
		return jmap.Bad("ids") // nobody lists all octets there are
	}
	if len(in.IDs) > c.server.limits.Objects {
		return &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	if in.Properties == nil {
		in.Properties = []string{"data", "size"}
	}
	for _, p := range in.Properties {
		alg, digest := strings.CutPrefix(p, "digest:")
		if digest && digests[alg] == nil || !digest && !slices.Contains([]string{"id", "data", "data:asText", "data:asBase64", "size"}, p) {
			return jmap.Bad("properties")
		}
	}
	in.Properties = slices.Compact(slices.Sorted(slices.Values(in.Properties))) // a digest reads all octets: once each
	if in.Offset != nil && *in.Offset < 0 || in.Length != nil && *in.Length < 0 {
		return jmap.Bad("offset")
	}
	return nil
}

// blobRecord reads what is asked for of a blob. left is how many octets may still be given.
func (c *call) blobRecord(ctx context.Context, id jmap.Id, in *getBlobsIn, left *int64) (map[string]any, error) {
	b, err := c.openBlob(ctx, c.at, id)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	at, size, err := b.At()
	if err != nil {
		return nil, err
	}
	out := map[string]any{"id": id}
	from, n := int64(0), size
	if in.Offset != nil {
		from = min(*in.Offset, size)
	}
	if n -= from; in.Length != nil {
		if *in.Length > n {
			out["isTruncated"] = true
		}
		n = min(n, *in.Length)
	}
	if *left -= n; *left < 0 {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	octets := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(at, from, n), octets); err != nil {
		return nil, mail.Because("jmapd.blobRecord", mail.Unavailable, "", err)
	}
	for _, p := range in.Properties {
		blobProperty(out, p, octets, size)
	}
	return out, nil
}

// blobProperty writes one property of a blob.
func blobProperty(out map[string]any, name string, octets []byte, size int64) {
	switch alg, digest := strings.CutPrefix(name, "digest:"); {
	case digest:
		h := digests[alg]()
		h.Write(octets)
		out[name] = base64.StdEncoding.EncodeToString(h.Sum(nil))
	case name == "size":
		out[name] = size
	case name == "data:asBase64", name == "data" && !utf8.Valid(octets):
		out["data:asBase64"] = base64.StdEncoding.EncodeToString(octets)
	case name == "data:asText" && !utf8.Valid(octets):
		out["data:asText"], out["isEncodingProblem"] = nil, true
	case name == "data:asText", name == "data":
		out["data:asText"] = string(octets)
	}
}

// lookUpBlobsIn are the arguments of Blob/lookup (RFC 9404 §4.3).
type lookUpBlobsIn struct {
	jmap.OfAccount
	TypeNames []string  `json:"typeNames"`
	IDs       []jmap.Id `json:"ids"`
}

type foundBlob struct {
	ID         jmap.Id              `json:"id"`
	MatchedIDs map[string][]jmap.Id `json:"matchedIds"`
}

type lookUpBlobsOut struct {
	AccountID jmap.Id     `json:"accountId"`
	List      []foundBlob `json:"list"`
	NotFound  []jmap.Id   `json:"notFound"`
}

// lookUpBlobs tells which records have blobs. A blob id of a message names it, so there is nothing to search.
func lookUpBlobs(ctx context.Context, c *call, in *lookUpBlobsIn) (*lookUpBlobsOut, error) {
	if len(in.IDs) > c.server.limits.Objects {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	for _, name := range in.TypeNames {
		if !slices.Contains(lookups, name) {
			return nil, &jmap.MethodError{Type: "unknownDataType", Description: name}
		}
	}
	reg, err := c.register(ctx, c.at)
	if err != nil {
		return nil, err
	}
	out := &lookUpBlobsOut{AccountID: in.AccountID, List: []foundBlob{}, NotFound: []jmap.Id{}}
	for _, id := range in.IDs {
		found := foundBlob{id, map[string][]jmap.Id{}}
		for _, name := range in.TypeNames {
			found.MatchedIDs[name] = []jmap.Id{}
		}
		root, _, _ := strings.Cut(string(id), "-")
		var email mail.EmailID
		var row mailbox.Row
		known := jmap.Read(jmap.LetterBlob, jmap.Id(root), &email)
		if known {
			row, known = reg.Email(email)
		}
		if !known {
			out.NotFound = append(out.NotFound, id)
			continue
		}
		for _, name := range in.TypeNames {
			found.MatchedIDs[name] = []jmap.Id{map[string]jmap.Id{
				"Email": jmap.Of(jmap.LetterEmail, row.ID), "Mailbox": jmap.Of(jmap.LetterMailbox, row.Mailbox), "Thread": jmap.Of(jmap.LetterThread, row.Thread),
			}[name]}
		}
		out.List = append(out.List, found)
	}
	return out, nil
}

// copyBlobsIn are the arguments of Blob/copy (RFC 8620 §6.3).
type copyBlobsIn struct {
	jmap.OfAccount
	FromAccountID jmap.Id   `json:"fromAccountId"`
	BlobIDs       []jmap.Id `json:"blobIds"`
}

// FromAccount gives the account that is copied from.
func (in copyBlobsIn) FromAccount() jmap.Id { return in.FromAccountID }

type copyBlobsOut struct {
	FromAccountID jmap.Id                    `json:"fromAccountId"`
	AccountID     jmap.Id                    `json:"accountId"`
	Copied        map[jmap.Id]jmap.Id        `json:"copied"`
	NotCopied     map[jmap.Id]*jmap.SetError `json:"notCopied"`
}

// copyBlobs copies octets from an account to the caller's own, where they are as if he had uploaded them.
func copyBlobs(ctx context.Context, c *call, in *copyBlobsIn) (*copyBlobsOut, error) {
	if len(in.BlobIDs) > c.server.limits.Objects {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	out := &copyBlobsOut{FromAccountID: in.FromAccountID, AccountID: in.AccountID}
	for _, id := range in.BlobIDs {
		up, err := c.copyBlob(ctx, id)
		if err != nil {
			if out.NotCopied == nil {
				out.NotCopied = map[jmap.Id]*jmap.SetError{}
			}
			out.NotCopied[id] = c.setError(err)
			continue
		}
		if out.Copied == nil {
			out.Copied = map[jmap.Id]jmap.Id{}
		}
		out.Copied[id] = up.BlobID
	}
	return out, nil
}

func (c *call) copyBlob(ctx context.Context, id jmap.Id) (*jmap.Uploaded, error) {
	b, err := c.openBlob(ctx, c.from, id)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return c.server.Upload(ctx, c.who, c.at.id, 0, plainType, b.Reader())
}
