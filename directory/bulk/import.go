package bulk

import (
	"context"
	"slices"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Options say how a file is imported.
type Options struct {
	DryRun        bool `json:"dryRun,omitempty"`        // judge every line and change nothing
	GoodLinesOnly bool `json:"goodLinesOnly,omitempty"` // do the good lines although others are bad (正常行のみ登録)
	// ConfirmDeletes is how many deletions the one who imports expects; another number refuses the file. AnyDeletes: as many as there are.
	ConfirmDeletes int `json:"confirmDeletes,omitempty"`
}

// AnyDeletes is for who looked at the file himself, at the command line of the machine.
const AnyDeletes = -1

// Watcher is told how far an import is.
type Watcher interface {
	Phase(name string, total int) // a part of the work begins
	Step(n int)                   // so much more of it is done
	Found(good, bad int)
}

// nobody watches.
type nobody struct{}

func (nobody) Phase(string, int) {}
func (nobody) Step(int)          {}
func (nobody) Found(int, int)    {}

// Phases of an import, in their order.
const (
	PhaseReading = "reading"
	PhaseJudging = "judging"
	PhaseHashing = "hashing"
	PhaseWriting = "writing"
)

// Import is a file to be imported.
type Import struct {
	Company *directory.Company
	By      mail.Actor
	Kind    string // of Kinds
	Text    []byte
	Options
	Watch Watcher // nil: nobody watches
	// Also is called at the end of the transaction that does the work: what it writes is part of the same commit. An error takes all back.
	Also func(store.Tx, *Outcome) error
}

// Outcome is what became of a file.
type Outcome struct {
	Charset Charset
	Added   int // what was done, or would be
	Updated int
	Deleted int
	Same    int // updates that changed nothing
	Good    int // lines
	Bad     int
	// Findings are what is wrong, in the order of the lines, at most MaxLines.
	Findings  []Finding
	Passwords []Password // that were made; only once they are in the store
}

// Password is an initial password that was made for an account.
type Password struct {
	Line     int
	Address  mail.Address
	Name     string
	Password string
}

// Kind is what a kind of file is called, and what it takes to import and to export it.
type Kind struct {
	Name  string
	Right directory.Right
	Read  directory.Right
}

// Kinds lists the kinds of files.
func Kinds() []Kind {
	list := make([]Kind, 0, len(importers))
	for _, i := range importers {
		list = append(list, i.kind())
	}
	return list
}

// Find gives a kind by its name. NotFound "import.kind".
func Find(name string) (Kind, error) {
	i, err := find(name)
	if err != nil {
		return Kind{}, err
	}
	return i.kind(), nil
}

func find(name string) (importer, error) {
	at := slices.IndexFunc(importers, func(i importer) bool { return i.kind().Name == name })
	if at < 0 {
		return nil, mail.E("bulk.Find", mail.NotFound, "import.kind", name)
	}
	return importers[at], nil
}

// importer is a kind of file at work.
type importer interface {
	kind() Kind
	layout() *Table
	run(context.Context, *Import, *File) (*Outcome, error)
	export(context.Context, *directory.Company, directory.Selected, *Writer) error
}

// Check tells whether a file can be read at all, before a job is made of it. Errors as Table.Read.
func Check(kind string, text []byte) error {
	i, err := find(kind)
	if err != nil {
		return err
	}
	_, err = i.layout().Read(text)
	return err
}

// Run imports a file. Where nothing was done because of bad lines the error is "import.refused" with their number, or
// "import.confirm_deletes" with the number of deletions; the Outcome then tells what was found all the same.
func (in *Import) Run(ctx context.Context) (*Outcome, error) {
	const op = "bulk.Run"
	i, err := find(in.Kind)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if in.Watch == nil {
		in.Watch = nobody{}
	}
	in.Watch.Phase(PhaseReading, 0)
	f, err := i.layout().Read(in.Text)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	out, err := i.run(ctx, in, f)
	return out, mail.Wrap(op, err)
}

// refusal is why a file with these findings is not done; nil where it is.
func (in *Import) refusal(out *Outcome) error {
	const op = "bulk.refusal"
	switch {
	case out.Bad > 0 && !in.GoodLinesOnly:
		return mail.E(op, mail.Invalid, "import.refused", out.Bad)
	case out.Deleted != in.ConfirmDeletes && out.Deleted > 0 && in.ConfirmDeletes != AnyDeletes:
		return mail.E(op, mail.Conflict, "import.confirm_deletes", out.Deleted, in.ConfirmDeletes)
	}
	return nil
}

// importers are the kinds of files, in the order they are listed.
var importers = []importer{accounts, aliases, groups, groupMembers, lists, listMembers, forwards, contacts}
