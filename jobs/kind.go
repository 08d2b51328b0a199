package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tegami/directory"
	"tegami/mail"
)

// Kind is a kind of long work. App makes the list of them.
type Kind struct {
	Name string // "import"
	// Right is what it takes to start one and to see those of others.
	Right directory.Right
	// Needs says what it takes beside Right with these parameters; nil: nothing more. An error refuses the order.
	Needs func(*directory.Caller, json.RawMessage) error
	// Again: a job that a restart interrupted is run again. Such work does nothing before Task.Commit.
	Again bool
	// Do does the work. What it returns is kept if it did not call Task.Commit, which keeps it too.
	Do func(context.Context, *Task) (Result, error)
}

// Result is what a job leaves.
type Result struct {
	Counts map[string]int
	Report []Line
	Good   int
	Bad    int
	// Refused: nothing was done, for the reasons in Report. Why says that for the job as a whole.
	Refused error
	// Sheet is handed out once to who started the job, under SheetName.
	Sheet     []byte
	SheetName string
}

// LineOf puts an error into a line of a report.
func LineOf(line int, column string, err error) Line {
	key, args := mail.TextOf(err)
	if key == "" {
		key = "kind.other"
	}
	return Line{Line: line, Column: column, Key: key, Args: texts(args)}
}

// texts are arguments as a report keeps them.
func texts(args []any) []string {
	list := make([]string, 0, len(args))
	for _, a := range args {
		list = append(list, fmt.Sprint(a))
	}
	return list
}

// errTakenOver ends a task whose job was ended by somebody else, or is another leader's now.
var errTakenOver = errors.New("the job is not ours any more")
