package jmapd

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"strings"

	"tegami/mail"
	"tegami/wire/html"
	"tegami/wire/mime"
)

// Content makes addresses on the origin for untrusted content.
type Content interface {
	// Remote is where a remote picture is to be loaded from, "" for none.
	Remote(account mail.AccountID, url string) string
}

const (
	// maxInline is how much of pictures within an email is shown in one text, as base64 and each place counted, in octets. The page
	// in which mail is shown may load nothing from our own origin, so they come with it.
	maxInline = 8 << 20
	// maxPictures is how many of them are different.
	maxPictures = 26 * 26
)

// sanitised makes HTML fit to be shown: with the pictures that lie in the email, and remote ones if they are asked for.
func (r *reading) sanitised(text string) html.Clean {
	in := inlining{r: r, mark: "cid:" + rand.Text() + ".", left: maxInline}
	o := html.Options{CID: in.address}
	if content := r.plan.content; content != nil && r.plan.remote {
		o.Picture = func(url string) string { return content.Remote(r.plan.account, url) }
	}
	clean := html.Sanitise(text, o)
	clean.HTML = in.fill(clean.HTML)
	return clean
}

// inlining puts pictures of an email into its HTML: while that is sanitised a mark stands in their place, which the email can't know.
type inlining struct {
	r     *reading
	mark  string
	byCID map[string]*mime.Part // nil until asked for
	parts []*mime.Part
	left  int // octets that may still be put in
}

// address gives the mark for a Content-ID, "" for one that names no picture.
func (in *inlining) address(cid string) string {
	if in.byCID == nil {
		in.byCID = in.r.partsByCID()
	}
	p := in.byCID[cid]
	if p == nil || len(in.parts) == maxPictures {
		return ""
	}
	for i, have := range in.parts {
		if have == p {
			return in.markOf(i)
		}
	}
	in.parts = append(in.parts, p)
	return in.markOf(len(in.parts) - 1)
}

// markOf is the mark of the n-th part.
func (in *inlining) markOf(n int) string {
	return in.mark + string(rune('a'+n/26)) + string(rune('a'+n%26))
}

// fill puts the pictures where their marks are. What does not fit, and what is no picture, becomes an empty address.
func (in *inlining) fill(text string) string {
	if len(in.parts) == 0 {
		return text
	}
	pictures := make(map[string]string, len(in.parts))
	for i, p := range in.parts {
		pictures[in.markOf(i)[len(in.mark):]] = in.picture(p)
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, in.mark)
		b.WriteString(before)
		if !found || len(rest) < 2 {
			return b.String()
		}
		if picture := pictures[rest[:2]]; len(picture) <= in.left {
			in.left -= len(picture)
			b.WriteString(picture)
		}
		text = rest[2:]
	}
}

// picture is the address of a picture that has it in itself (RFC 2397), "" for what is none.
func (in *inlining) picture(p *mime.Part) string {
	if in.r.octets == nil || p.Size() > maxInline*2 {
		return ""
	}
	content, err := io.ReadAll(io.LimitReader(p.Content(in.r.octets), maxInline/4*3+1))
	in.r.fail(err)
	typ := pictureType(content)
	if typ == "" || base64.StdEncoding.EncodedLen(len(content)) > in.left {
		return ""
	}
	return "data:" + typ + ";base64," + base64.StdEncoding.EncodeToString(content)
}

// pictureTypes are the kinds of pictures that are shown, made of dots and of nothing that runs, by how they begin.
var pictureTypes = []struct{ begin, typ string }{
	{"\x89PNG\r\n\x1a\n", "image/png"}, {"\xff\xd8\xff", "image/jpeg"}, {"GIF87a", "image/gif"}, {"GIF89a", "image/gif"}, {"BM", "image/bmp"},
}

// pictureType is the kind of a picture by its content, whatever the message says of it; "" for what is none that is shown.
func pictureType(content []byte) string {
	for _, p := range pictureTypes {
		if bytes.HasPrefix(content, []byte(p.begin)) {
			return p.typ
		}
	}
	if bytes.HasPrefix(content, []byte("RIFF")) && len(content) > 12 && string(content[8:12]) == "WEBP" {
		return "image/webp"
	}
	return ""
}

// partsByCID are the parts by their Content-IDs, of each the first.
func (r *reading) partsByCID() map[string]*mime.Part {
	byCID := map[string]*mime.Part{}
	r.structure().Root.Walk(func(p *mime.Part) bool {
		if p.ID != "" && r.number(p) != "" {
			if id := contentID(p.ID); byCID[id] == nil {
				byCID[id] = p
			}
		}
		return true
	})
	return byCID
}
