package mailbox_test

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"tegami/mail"
	"tegami/mailbox"
)

// secret stands in every message of the other tenant.
const secret = "TOP-SECRET"

// victim is what a stranger might know or guess of another tenant's account.
type victim struct {
	a       *mailbox.Account
	message mailbox.Message
	thread  mail.ThreadID
	drop    mailbox.DropMessage
	upload  mailbox.Upload
	forged  mailbox.Message // message, claiming to be the stranger's own
	traces  []string        // what must not come out: ids and content
}

// newVictim fills the account with mail and gathers all that leads to it.
func newVictim(h *house, a *mailbox.Account) *victim {
	ctx := h.Context()
	_, err := a.Create(ctx, "Plans", "")
	h.must(err)
	w := &victim{a: a, traces: []string{secret}}
	for _, path := range []string{"Plans", "INBOX"} {
		m, err := a.Append(ctx, path, []mailbox.Appended{{Upload: h.upload(a, letter(secret)), Keywords: []string{secret}}})
		h.must(err)
		w.message = m[0]
		w.traces = append(w.traces, m[0].ID.String(), m[0].Mailbox.String())
	}
	h.must(a.SetMetadata(ctx, "INBOX", []mailbox.Annotation{{Entry: "/shared/comment", Value: []byte(secret)}}))
	w.drop = mailbox.DropMessage{UID: w.message.UID, Size: w.message.Blob.Size, ID: w.message.ID}
	w.upload = h.upload(a, letter(secret))
	r, err := a.Register(ctx)
	h.must(err)
	row, _ := r.Email(w.message.ID)
	w.thread = row.Thread
	w.traces = append(w.traces, row.Thread.String())
	return w
}

// state is all there is in the account, as text.
func (w *victim) state(h *house) string {
	var b strings.Builder
	folders, err := w.a.Folders(h.Context())
	h.must(err)
	for _, f := range folders {
		fmt.Fprintf(&b, "%+v\n", f)
		v, err := w.a.Select(h.Context(), f.Path)
		h.must(err)
		b.WriteString(show(h, v))
		v.Close()
	}
	words, err := w.a.Keywords(h.Context())
	h.must(err)
	used, limit, err := w.a.Quota(h.Context())
	h.must(err)
	notes, err := w.a.Metadata(h.Context(), "INBOX", mailbox.AnnotationQuery{Entries: []string{"/private", "/shared"}, Depth: mailbox.Deep})
	h.must(err)
	fmt.Fprintln(&b, words, used, limit, notes)
	return b.String()
}

// arguments gives the values to try for a parameter: what belongs to the victim, and forgeries.
func (w *victim) arguments(t reflect.Type, heard io.Writer) (list []any) {
	switch t {
	case reflect.TypeFor[string]():
		return []any{"Plans", "INBOX", "../Plans", mailbox.Others + "/" + w.a.Identity().Account().Address.String() + "/Plans"}
	case reflect.TypeFor[[]string]():
		return []any{[]string{"$Strange"}}
	case reflect.TypeFor[[]mailbox.Appended]():
		return []any{[]mailbox.Appended{{Upload: w.upload}}}
	case reflect.TypeFor[mailbox.Appended]():
		return []any{mailbox.Appended{Upload: w.upload}}
	case reflect.TypeFor[*mailbox.Message]():
		return []any{&w.message, &w.forged}
	case reflect.TypeFor[mailbox.DropMessage]():
		return []any{w.drop}
	case reflect.TypeFor[int64]():
		return []any{int64(100)}
	case reflect.TypeFor[uint32]():
		return []any{uint32(1)}
	case reflect.TypeFor[bool]():
		return []any{false, true}
	case reflect.TypeFor[[]uint32]():
		return []any{[]uint32{1, 2, 3}}
	case reflect.TypeFor[mail.UID]():
		return []any{w.message.UID}
	case reflect.TypeFor[[]mail.UID]():
		return []any{[]mail.UID(nil), []mail.UID{w.message.UID}}
	case reflect.TypeFor[mail.Flags]():
		return []any{mail.Deleted}
	case reflect.TypeFor[mail.ModSeq]():
		return []any{mail.ModSeq(0)}
	case reflect.TypeFor[mailbox.With]():
		return []any{mailbox.WithIndex | mailbox.WithOctets}
	case reflect.TypeFor[[]mailbox.UIDRange]():
		return []any{[]mailbox.UIDRange{{Lo: 1, Hi: 1 << 31}}}
	case reflect.TypeFor[[]mailbox.Fact]():
		return []any{[]mailbox.Fact{mailbox.FactSize, mailbox.FactSubject}}
	case reflect.TypeFor[*mailbox.Folder]():
		return []any{&mailbox.Folder{Mailbox: mailbox.Mailbox{ID: w.message.Mailbox, Account: w.forged.Account}, Rights: mailbox.AllRights}}
	case reflect.TypeFor[mailbox.AnnotationQuery]():
		return []any{mailbox.AnnotationQuery{Entries: []string{"/private", "/shared"}, Depth: mailbox.Deep}}
	case reflect.TypeFor[[]mailbox.Annotation]():
		return []any{[]mailbox.Annotation{{Entry: "/shared/comment", Value: []byte("strange")}}}
	case reflect.TypeFor[mailbox.Rights]():
		return []any{mailbox.AllRights}
	case reflect.TypeFor[[]byte]():
		return []any{[]byte("keep;")}
	case reflect.TypeFor[mailbox.FlagOp]():
		return []any{mailbox.Add}
	case reflect.TypeFor[func(error)]():
		return []any{func(err error) { fmt.Fprintln(heard, err) }}
	case reflect.TypeFor[func(uint32, *mailbox.Message, bool) error]():
		return []any{func(seq uint32, m *mailbox.Message, _ bool) error {
			_, err := fmt.Fprintf(heard, "%d %+v %s\n", seq, *m, m.Index)
			return err
		}}
	case reflect.TypeFor[[]mailbox.Mark]():
		return []any{[]mailbox.Mark{{UID: 1, Flags: mail.Seen, ModSeq: 1 << 40}}}
	case reflect.TypeFor[func(uint32, *mailbox.Message) error]():
		return []any{func(seq uint32, m *mailbox.Message) error {
			_, err := fmt.Fprintf(heard, "%d %+v %s\n", seq, *m, m.Index)
			return err
		}}
	}
	return w.registered(t, heard)
}

// registered gives the values to try for parameters of a Post and a Register.
func (w *victim) registered(t reflect.Type, heard io.Writer) []any {
	id := w.message.ID
	switch t {
	case reflect.TypeFor[int]():
		return []any{0}
	case reflect.TypeFor[mail.AccountID]():
		return []any{w.a.Identity().Account().ID}
	case reflect.TypeFor[mail.MailboxID]():
		return []any{w.message.Mailbox}
	case reflect.TypeFor[mail.EmailID]():
		return []any{id}
	case reflect.TypeFor[mail.ThreadID]():
		return []any{w.thread}
	case reflect.TypeFor[[]mail.EmailID]():
		return []any{[]mail.EmailID{id}}
	case reflect.TypeFor[mailbox.State]():
		return []any{mailbox.State{}, mailbox.State{ModSeq: 1}}
	case reflect.TypeFor[mailbox.Query]():
		return []any{
			mailbox.Query{}, mailbox.Query{Filter: mailbox.Where{InMailbox: w.message.Mailbox}}, mailbox.Query{Anchor: id},
			mailbox.Query{Filter: mailbox.Where{Text: secret}, Sort: []mailbox.Sort{{By: mailbox.SortSubject}}},
		}
	case reflect.TypeFor[[]mailbox.EmailChange]():
		return []any{[]mailbox.EmailChange{{ID: id, Keywords: map[string]bool{"$flagged": true}}, {ID: id, Mailbox: w.message.Mailbox}}}
	case reflect.TypeFor[mailbox.NewEmail]():
		return []any{mailbox.NewEmail{Upload: w.upload, Mailbox: w.message.Mailbox}}
	case reflect.TypeFor[mailbox.NewMailbox]():
		return []any{mailbox.NewMailbox{Name: "strange", Parent: w.message.Mailbox}}
	case reflect.TypeFor[mailbox.MailboxChange]():
		return []any{mailbox.MailboxChange{Name: new("strange"), Parent: new(w.message.Mailbox), Subscribed: new(true)}}
	case reflect.TypeFor[mailbox.Upload]():
		return []any{w.upload}
	case reflect.TypeFor[func(*mailbox.Message) error]():
		return []any{func(m *mailbox.Message) error {
			_, err := fmt.Fprintf(heard, "%+v %s\n", *m, m.Index)
			return err
		}}
	}
	return nil
}

// walk calls every exported method of x with all that is known of the victim and writes down what
// came back. It fails on a parameter it has no values for: a new method must be tried too.
func walk(h *house, x any, w *victim) string {
	var heard strings.Builder
	v := reflect.ValueOf(x)
	for i := range v.NumMethod() {
		method := v.Type().Method(i)
		if method.Name == "Close" || method.Name == "Identity" {
			continue
		}
		for _, args := range combinations(h, method, w, &heard) {
			ctx, cancel := context.WithTimeout(h.Context(), 10*time.Second)
			fmt.Fprintf(&heard, "%s:\n", method.Name)
			call := v.Method(i).Call
			if method.Type.IsVariadic() {
				call = v.Method(i).CallSlice
			}
			for _, out := range call(fill(ctx, args)) {
				heard.WriteString(show(h, out.Interface()))
			}
			cancel()
		}
	}
	return heard.String()
}

// combinations gives all lists of arguments to call a method with; a context is left nil.
func combinations(h *house, method reflect.Method, w *victim, heard io.Writer) [][]reflect.Value {
	lists := [][]reflect.Value{nil}
	for p := 1; p < method.Type.NumIn(); p++ {
		t := method.Type.In(p)
		values := []any{nil}
		if t != reflect.TypeFor[context.Context]() {
			values = w.arguments(t, heard)
		}
		if len(values) == 0 {
			h.Fatalf("%s has a parameter of type %v: teach this test what to try", method.Name, t)
		}
		var next [][]reflect.Value
		for _, list := range lists {
			for _, value := range values {
				next = append(next, append(list[:len(list):len(list)], reflect.ValueOf(value)))
			}
		}
		lists = next
	}
	return lists
}

// fill puts the context where there is none.
func fill(ctx context.Context, args []reflect.Value) []reflect.Value {
	out := make([]reflect.Value, len(args))
	for i, a := range args {
		if out[i] = a; !a.IsValid() {
			out[i] = reflect.ValueOf(ctx)
		}
	}
	return out
}

// show writes whatever a method gave, to the last octet.
func show(h *house, x any) string {
	var b strings.Builder
	switch x := x.(type) {
	case *mailbox.View:
		if x != nil {
			fmt.Fprintf(&b, "%+v\n", x.Folder())
			h.must(x.Fetch(h.Context(), seqs(1, uint32(x.Len())), mailbox.WithIndex|mailbox.WithOctets, func(seq uint32, m *mailbox.Message) error {
				_, err := fmt.Fprintf(&b, "%d %+v %s\n", seq, *m, m.Index)
				return err
			}))
		}
	case *mailbox.Drop:
		if x != nil {
			fmt.Fprintf(&b, "%+v\n", x.Messages())
			x.Close()
		}
	case mailbox.Body:
		text, err := io.ReadAll(io.NewSectionReader(x, 0, x.Size()))
		h.must(err)
		b.Write(text)
		h.must(x.Close())
	case mailbox.Upload:
		x.Release()
	case *mailbox.Register:
		if x != nil {
			fmt.Fprintf(&b, "%+v\n", x.Mailboxes())
		}
	case *mailbox.Post:
		if x != nil {
			r, err := x.Register(h.Context())
			h.must(err)
			fmt.Fprintf(&b, "%+v\n", r.Mailboxes())
		}
	case []mailbox.Annotation:
		fmt.Fprintf(&b, "%s\n", x)
	case error, nil: // may repeat what was asked for
	default:
		if k := reflect.TypeOf(x).Kind(); k != reflect.Chan && k != reflect.Func {
			fmt.Fprintf(&b, "%+v\n", x)
		}
	}
	return b.String()
}

// everything walks an account, a view and a drop of it.
func everything(h *house, address string, w *victim) string {
	a := h.open(address)
	w.forged = w.message
	if a.Identity().Tenant() != w.a.Identity().Tenant() { // within a tenant a Message is trusted: only accounts give them
		w.forged.Account = a.Identity().Account().ID
	}
	d, err := a.LockDrop(h.Context())
	h.must(err)
	heard := walk(h, d, w)
	d.Close()
	r, err := a.Register(h.Context())
	h.must(err)
	return heard + walk(h, h.selectBox(a, "INBOX"), w) + walk(h, r, w) + walk(h, a.Post(), w) + walk(h, a, w)
}

// An account reaches nothing of another one, of its own tenant or of another, by any exported
// method, whatever it knows. The last part shows that the test would see it.
func TestIsolation(t *testing.T) {
	h := newHouse(t, mailbox.Config{})
	h.company("alpha.example", "en", "sato", "suzuki")
	h.company("beta.example", "en", "smith")
	w := newVictim(h, h.open("smith@beta.example"))
	neighbour := newVictim(h, h.open("suzuki@alpha.example"))
	before, beforeNeighbour := w.state(h), neighbour.state(h)

	for _, other := range []*victim{w, neighbour} {
		heard := everything(h, "sato@alpha.example", other)
		for _, trace := range other.traces {
			if strings.Contains(heard, trace) {
				t.Errorf("%q of another account came out", trace)
			}
		}
	}
	if after := w.state(h); after != before {
		t.Errorf("the other tenant's account changed:\n%s\nwas\n%s", after, before)
	}
	if after := neighbour.state(h); after != beforeNeighbour {
		t.Errorf("the neighbour's account changed:\n%s\nwas\n%s", after, beforeNeighbour)
	}

	heard := everything(h, "smith@beta.example", w)
	for _, trace := range []string{secret, w.message.ID.String(), w.message.Mailbox.String()} {
		if !strings.Contains(heard, trace) {
			t.Errorf("%q is not seen by its owner either: this test can't fail", trace)
		}
	}
	if w.state(h) == before {
		t.Error("its owner could not change the account either: this test can't fail")
	}
}
