package restd

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tegami/mail"
)

// MaxPage is how many items one answer lists.
const MaxPage = 1000

// Paging is how a list is asked for.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many items at most"`
	Cursor string `query:"cursor" maxLength:"512" doc:"The next of the answer before; nothing for the beginning"`
}

// List is a part of a list.
type List[T any] struct {
	Body struct {
		Items []T    `json:"items"`
		Next  string `json:"next,omitempty" doc:"Cursor of the next part; absent at the end"`
		Total int    `json:"total,omitempty" doc:"How many there are, where that is known"`
	}
}

// listed makes a part of a list. next is "" at the end.
func listed[T any](items []T, next string) *List[T] {
	l := &List[T]{}
	l.Body.Items, l.Body.Next = items, next
	if items == nil {
		l.Body.Items = []T{}
	}
	return l
}

// cursorSum is how many octets of a cursor say that we made it, for this list.
const cursorSum = 6

// cursorAt makes the cursor of a list's next part, from where the part before ended: an id, a time, a name. It is no secret and
// gives no right: it can only lead to what the same request could list anyway. list is the operation's name, with the
// filters where another filter means another order.
func cursorAt(list string, at ...string) string {
	text, _ := json.Marshal(at) // strings always marshal
	return base64.RawURLEncoding.EncodeToString(append(sumOf(list, text), text...))
}

// after opens the cursor of a list: what cursorAt was given; nil for the beginning. Invalid "cursor.malformed" for what is none, or
// of another list.
func (p Paging) after(list string) (at []string, err error) {
	if p.Cursor == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || len(raw) < cursorSum || !bytes.Equal(raw[:cursorSum], sumOf(list, raw[cursorSum:])) || json.Unmarshal(raw[cursorSum:], &at) != nil || len(at) == 0 {
		return nil, mail.E("restd.after", mail.Invalid, "cursor.malformed")
	}
	return at, nil
}

// afterID opens the cursor of a list that is ordered by id; id stays as it is for the beginning. Invalid "cursor.malformed".
func afterID[K any](p Paging, list string, id *mail.ID[K]) error {
	at, err := p.after(list)
	if err != nil || at == nil {
		return err
	}
	if id.UnmarshalText([]byte(at[0])) != nil {
		return mail.E("restd.afterID", mail.Invalid, "cursor.malformed")
	}
	return nil
}

func sumOf(list string, text []byte) []byte {
	sum := sha256.Sum256(append([]byte(list+"\x00"), text...))
	return sum[:cursorSum]
}

// Tagged is a thing with its version, which If-Match takes.
type Tagged[T any] struct {
	ETag string `header:"ETag" doc:"The thing's version, for If-Match"`
	Body T
}

// tagged makes one.
func tagged[T any](version uint64, body T) *Tagged[T] { return &Tagged[T]{tagOf(version), body} }

// tagOf is the ETag of a version.
func tagOf(version uint64) string { return `"` + strconv.FormatUint(version, 10) + `"` }

// InTenant is the path of what belongs to a company.
type InTenant struct {
	Tenant string `path:"tenant" doc:"The company's id"`
}

// Matching says which version is meant to be changed.
type Matching struct {
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag that was read; absent: whatever stands there"`
}

// version is the version that is meant; 0 where any is (no If-Match, or "*"), and for what was never written, whose tag is "0". Conflict "object.changed" for a tag that can be of
// no version: it was weak, or not ours (RFC 9110 §13.1.1).
func (m Matching) version() (uint64, error) {
	text := strings.TrimSpace(m.IfMatch)
	if text == "" || text == "*" {
		return 0, nil
	}
	inner, ok := strings.CutPrefix(strings.TrimSuffix(text, `"`), `"`)
	v, err := strconv.ParseUint(inner, 10, 64)
	if !ok || err != nil || tagOf(v) != text {
		return 0, mail.E("restd.version", mail.Conflict, "object.changed")
	}
	return v, nil
}

// Ref is an id in a path or a query. huma takes a number for one of digits, whatever it says of itself; what stands in a struct it
// asks how it is written.
type Ref[T any] struct{ ID T }

// UnmarshalText reads the id.
func (r *Ref[T]) UnmarshalText(text []byte) error {
	id, ok := any(&r.ID).(encoding.TextUnmarshaler)
	if !ok || len(text) == 0 {
		return mail.E("restd.Ref", mail.Invalid, "id.malformed", string(text))
	}
	return id.UnmarshalText(text)
}

// Schema describes it.
func (r Ref[T]) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeString} }
