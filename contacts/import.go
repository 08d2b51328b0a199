package contacts

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/sheet"
	"tegami/wire/vcard"
)

// Doubles says what becomes of what is there already when a file is brought in: a card with the same uid, or with the same name and one of the same
// addresses, in the same book.
type Doubles string

// What can become of doubles.
const (
	SkipDoubles    Doubles = "skip"
	ReplaceDoubles Doubles = "replace"
	KeepDoubles    Doubles = "keep" // both stay; a uid that is taken is made anew
)

// Import asks for a file to be brought into a book.
type Import struct {
	Book    mail.ObjectID // zero: the one new cards come into
	Doubles Doubles       // "" = SkipDoubles
}

// Report is what became of a file.
type Report struct {
	Format   string        // "vcard" or "csv"
	Charset  sheet.Charset // of a CSV file
	Added    int
	Replaced int
	Skipped  int
	Failed   []vcard.Line // what is wrong, by the line of the file; without cards
	Ignored  []string     // columns that nobody knows
}

// importAtOnce is how many cards are written in one transaction.
const importAtOnce = 200

// Import brings in a file: vCards of any version, or CSV in UTF-8 or CP932, found out by itself. What can't be read is told with its line, and the
// rest comes in. Invalid "import.charset", "import.empty", "import.header", "contacts.doubles"; Full "import.too_big", "import.too_many_lines"; NotFound
// "contacts.book.unknown".
func (a *Account) Import(ctx context.Context, b []byte, want Import) (out Report, err error) {
	const op = "contacts.Import"
	if want.Doubles == "" {
		want.Doubles = SkipDoubles
	}
	if !slices.Contains([]Doubles{SkipDoubles, ReplaceDoubles, KeepDoubles}, want.Doubles) {
		return out, mail.E(op, mail.Invalid, "contacts.doubles", string(want.Doubles))
	}
	lines, err := out.read(b)
	if err != nil {
		return out, mail.Wrap(op, err)
	}
	for part := range slices.Chunk(lines, importAtOnce) {
		var done Report
		err := a.writes(ctx, op, func(tx store.Tx, books []Book, now *standing) error {
			done = Report{}
			book, err := bookOrDefault(op, books, want.Book)
			if err != nil {
				return err
			}
			in := Import{book.ID, want.Doubles}
			for _, l := range part {
				if err := a.importOne(tx, now, in, l, &done); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return out, err
		}
		out.Added, out.Replaced, out.Skipped = out.Added+done.Added, out.Replaced+done.Replaced, out.Skipped+done.Skipped
		out.Failed = append(out.Failed, done.Failed...)
	}
	slices.SortStableFunc(out.Failed, func(a, b vcard.Line) int { return a.Number - b.Number })
	return out, nil
}

// read takes a file apart, and notes what can't be read.
func (r *Report) read(b []byte) (good []vcard.Line, err error) {
	if len(b) > vcard.MaxFile {
		return nil, mail.E("contacts.read", mail.Full, "import.too_big", vcard.MaxFile>>20)
	}
	var all []vcard.Line
	if isVCards(b) {
		r.Format = "vcard"
		all, err = readVCards(b)
	} else {
		r.Format = "csv"
		var t *vcard.Table
		if t, err = vcard.ReadCSV(b); err == nil {
			r.Charset, r.Ignored, all = t.Charset, t.Ignored, t.Lines
		}
	}
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		if l.Err != nil {
			r.Failed = append(r.Failed, l)
			continue
		}
		good = append(good, l)
	}
	return good, nil
}

// isVCards tells whether a file has vCards: it begins with one, behind marks and white space.
func isVCards(b []byte) bool {
	head := bytes.ReplaceAll(b[:min(len(b), 512)], []byte{0}, nil) // of UTF-16
	head = bytes.TrimLeft(head, "\xef\xbb\xbf\xfe\xff \t\r\n")
	return len(head) >= 5 && strings.EqualFold(string(head[:5]), "BEGIN")
}

func readVCards(b []byte) (all []vcard.Line, err error) {
	r := vcard.NewReader(bytes.NewReader(b), vcard.MaxFile)
	for {
		v, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if len(all) >= vcard.MaxLines {
			return nil, mail.E("contacts.read", mail.Full, "import.too_many_lines", vcard.MaxLines)
		}
		l := vcard.Line{Number: r.Line(), Err: err}
		if mail.Is(err, mail.Unavailable) {
			return nil, err
		}
		if err == nil {
			l.Card = vcard.FromVCard(v)
			l.Err = l.Card.Check()
		}
		all = append(all, l)
		if err != nil && mail.Is(err, mail.Invalid) {
			return all, nil // it had no end, and neither has the file
		}
	}
}

// importOne brings in one card.
func (a *Account) importOne(tx store.Tx, now *standing, in Import, l vcard.Line, done *Report) error {
	js := l.Card.Clone()
	double := now.double(in.Book, js)
	if double != nil && in.Doubles == SkipDoubles {
		done.Skipped++
		return nil
	}
	var err error
	if double != nil && in.Doubles == ReplaceDoubles {
		err = a.replace(tx, now, double, js)
	} else {
		if double != nil {
			delete(js, "uid")
		}
		_, err = a.addIn(tx, now, in.Book, js)
	}
	switch {
	case err == nil && double != nil && in.Doubles == ReplaceDoubles:
		done.Replaced++
	case err == nil:
		done.Added++
	case mail.Is(err, mail.Full), mail.Is(err, mail.Invalid):
		done.Failed = append(done.Failed, vcard.Line{Number: l.Number, Err: err})
	default:
		return err
	}
	return nil
}

// double finds the card in a book that another would double.
func (n *standing) double(book mail.ObjectID, js vcard.Card) *row {
	if uid := js.UID(); uid != "" {
		if r := n.byUID(book, uid); r != nil {
			return r
		}
	}
	name := js.Name()
	var found *row
	keys := map[string]bool{}
	for _, e := range js.Emails() {
		keys[addressKey(e)] = true
	}
	if len(keys) == 0 {
		return nil
	}
	n.rows(func(r *row) {
		if found == nil && r.book == book && r.name == name && slices.ContainsFunc(r.found, func(c *candidate) bool { return keys[c.key] }) {
			found = r
		}
	})
	return found
}

// replace gives a card other words, but for its uid.
func (a *Account) replace(tx store.Tx, now *standing, r *row, js vcard.Card) error {
	was, err := a.card(tx, r.id)
	if err != nil {
		return err
	}
	c := was
	js["uid"], js["updated"] = r.uid, stamp()
	if js["created"] == nil && r.created != "" {
		js["created"] = r.created
	}
	if err := a.rewrite(&c, nil, js); err != nil {
		return err
	}
	return a.put(tx, now, &c, &was)
}

// Export asks for cards as a file.
type Export struct {
	Book   mail.ObjectID   // zero: all books
	IDs    []mail.ObjectID // nil: all cards of it
	Format string          // "vcard" or "csv"
	// Version is that of vCards; "" = 3.0, which all software reads.
	Version string
	Layout  vcard.Layout // of CSV; "" = LayoutTegami
	Form    sheet.Form   // of CSV
}

// Export writes cards as a file. It gives the lines that CP932 has no characters for: with any, the file is not whole. Invalid "contacts.format",
// "contacts.layout", "export.charset"; NotFound "contacts.book.unknown".
func (a *Account) Export(ctx context.Context, w io.Writer, want Export) ([]sheet.Unwritten, error) {
	const op = "contacts.Export"
	if want.Layout == "" {
		want.Layout = vcard.LayoutTegami
	}
	if want.Version == "" {
		want.Version = vcard.V3
	}
	if want.Format != "vcard" && want.Format != "csv" || want.Version != vcard.V3 && want.Version != vcard.V4 {
		return nil, mail.E(op, mail.Invalid, "contacts.format", want.Format+" "+want.Version)
	}
	ids, err := a.chosen(ctx, want)
	if err != nil {
		return nil, err
	}
	if want.Format == "vcard" {
		return nil, a.Cards(ctx, ids, func(c *Card) error {
			b, err := c.VCard(want.Version)
			if err != nil {
				return err
			}
			if _, err := w.Write(b); err != nil {
				return mail.Because(op, mail.Unavailable, "", err)
			}
			return nil
		})
	}
	var cards []vcard.Card // without pictures: a line has some kilobytes
	err = a.Cards(ctx, ids, func(c *Card) error {
		js, err := c.JSContact()
		if err == nil && js.Kind() != vcard.KindGroup {
			delete(js, "media")
			cards = append(cards, js)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	lacking, err := vcard.WriteCSV(w, cards, want.Layout, want.Form)
	return lacking, mail.Wrap(op, err)
}

// chosen lists the cards of an export, by reading.
func (a *Account) chosen(ctx context.Context, want Export) ([]mail.ObjectID, error) {
	var f *Filter
	if !want.Book.IsZero() {
		if _, err := a.Book(ctx, want.Book); err != nil {
			return nil, err
		}
		f = &Filter{When: &Having{Book: want.Book}}
	}
	ids, _, err := a.Query(ctx, f, nil)
	if want.IDs != nil {
		ids = slices.DeleteFunc(ids, func(id mail.ObjectID) bool { return !slices.Contains(want.IDs, id) })
	}
	return ids, err
}
