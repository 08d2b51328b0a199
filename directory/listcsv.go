package directory

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/mime"
)

// Limits of files.
const (
	// MaxCSV is the size of a file in octets.
	MaxCSV = 10 << 20
	// MaxCSVLines is how many lines a file has beside its header row.
	MaxCSVLines = 10_000
	// MaxLineErrors is how many lines are told about.
	MaxLineErrors = 100
)

// LineError is what is wrong with a line of a file.
type LineError struct {
	Line   int    // from 1, the header row
	Column string // as in the header row; "" = the line as a whole
	Err    error
}

// Columns of the file of members, with the Japanese names they may have.
const (
	colList = iota
	colAction
	colMember
	colName
	colPost
	columns
)

var columnNames = [columns][]string{
	{"list_address", "リストアドレス"}, {"action", "処理"}, {"member_address", "メンバーアドレス"},
	{"member_name", "メンバー名"}, {"can_post", "投稿許可"},
}

// actions says what the words of the column action mean: whether the member is on the list afterwards.
var actions = map[string]bool{
	"add": true, "update": true, "追加": true, "変更": true, "delete": false, "削除": false,
}

// answers are the words of the column can_post. Nothing means yes.
var answers = map[string]bool{
	"": true, "yes": true, "true": true, "1": true, "可": true, "no": false, "false": false, "0": false, "不可": false,
}

// memberLine is one line of the file of members.
type memberLine struct {
	line int
	list mail.Address
	on   bool
	Member
}

// ImportMembers changes members of the tenant's lists as a CSV file says, all or nothing (LI-5): columns
// list_address, action (add, delete), member_address, member_name, can_post, in the order of
// the header row; UTF-8 with or without BOM, or CP932. For administrators.
//
// It gives what is wrong, line by line, at most MaxLineErrors. The error then is "import.refused" with the
// number of such lines, of the kind of the first one. Full "import.too_big", "import.too_many_lines"; Invalid "import.header".
func (c *Company) ImportMembers(ctx context.Context, by mail.Actor, r io.Reader) ([]LineError, error) {
	const op = "directory.ImportMembers"
	if err := c.check(ctx, by, op, RightLists); err != nil {
		return nil, err
	}
	lines, wrong, err := readMembers(op, r)
	if err != nil {
		return nil, err
	}
	found := wrong
	err = c.change(ctx, by, op, RightLists, func(tx store.Tx) error {
		found = wrong[:len(wrong):len(wrong)]
		edits := make(map[string]*listEdit)
		for _, l := range lines {
			if len(found) >= MaxLineErrors {
				break
			}
			err := c.importLine(tx, by, edits, l)
			switch mail.KindOf(err) {
			case mail.Invalid, mail.NotFound, mail.Full, mail.Conflict:
				if key, _ := mail.TextOf(err); key == "object.changed" {
					return err
				}
				found = append(found, LineError{Line: l.line, Err: err})
			default:
				if err != nil {
					return err
				}
			}
		}
		if len(found) > 0 {
			return mail.E(op, mail.KindOf(found[0].Err), "import.refused", len(found))
		}
		return nil
	})
	return found, err
}

// importLine does what one line says.
func (c *Company) importLine(tx store.Tx, by mail.Actor, edits map[string]*listEdit, l memberLine) error {
	e := edits[l.list.Key()]
	if e == nil {
		list, err := c.findList(tx, l.list)
		if err == nil {
			err = c.permit(tx, by, "directory.ImportMembers", RightLists, Place{Domain: list.Domain})
		}
		if err != nil {
			return err
		}
		if e, err = c.edit(tx, &list); err != nil {
			return err
		}
		edits[l.list.Key()] = e
	}
	if l.on {
		return e.add(l.Member)
	}
	if err := removeMember(tx, e.list.ID, l.Address); err != nil {
		return err
	}
	e.count--
	return nil
}

// readMembers reads a file of members, without looking anything up.
func readMembers(op mail.Op, r io.Reader) (lines []memberLine, wrong []LineError, err error) {
	text, err := readCSV(op, r)
	if err != nil {
		return nil, nil, err
	}
	in := csv.NewReader(strings.NewReader(text))
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	header, err := in.Read()
	if err != nil {
		return nil, nil, mail.Because(op, mail.Invalid, "import.header", err)
	}
	at, err := findColumns(op, header)
	if err != nil {
		return nil, nil, err
	}
	for {
		row, err := in.Read()
		if err == io.EOF {
			return lines, wrong, nil
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) { // what follows an open quote can't be told apart
			return nil, append(wrong, LineError{Line: syntax.StartLine, Err: mail.Because(op, mail.Invalid, "import.syntax", err)}), nil
		}
		if err != nil {
			return nil, nil, mail.Because(op, mail.Invalid, "import.syntax", err)
		}
		if len(lines)+len(wrong) >= MaxCSVLines {
			return nil, nil, mail.E(op, mail.Full, "import.too_many_lines", MaxCSVLines)
		}
		number, _ := in.FieldPos(0)
		line, bad := memberOnLine(op, row, at)
		line.line = number
		if bad != nil {
			bad.Line = number
			wrong = append(wrong, *bad)
			if len(wrong) >= MaxLineErrors {
				return nil, wrong, nil
			}
			continue
		}
		lines = append(lines, line)
	}
}

// readCSV reads a whole file as text, whatever its charset.
func readCSV(op mail.Op, r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxCSV+1))
	if err != nil {
		return "", mail.Because(op, mail.Invalid, "import.syntax", err)
	}
	if len(b) > MaxCSV {
		return "", mail.E(op, mail.Full, "import.too_big", MaxCSV>>20)
	}
	if rest, ok := bytes.CutPrefix(b, []byte("\ufeff")); ok || utf8.Valid(b) {
		return string(rest), nil
	}
	text, _, _ := mime.DecodeCharset("cp932", b)
	return text, nil
}

// findColumns tells where each column stands. The first three must be there.
func findColumns(op mail.Op, header []string) (at [columns]int, err error) {
	for i, names := range columnNames {
		at[i] = -1
		for j, h := range header {
			for _, name := range names {
				if strings.EqualFold(strings.TrimSpace(h), name) {
					at[i] = j
				}
			}
		}
		if at[i] < 0 && i <= colMember {
			return at, mail.E(op, mail.Invalid, "import.header", names[0])
		}
	}
	return at, nil
}

// memberOnLine reads one line.
func memberOnLine(op mail.Op, row []string, at [columns]int) (l memberLine, bad *LineError) {
	get := func(col int) string {
		if at[col] < 0 || at[col] >= len(row) {
			return ""
		}
		return strings.TrimSpace(plainCell(row[at[col]]))
	}
	wrong := func(col int, key string) *LineError {
		return &LineError{Column: columnNames[col][0], Err: mail.E(op, mail.Invalid, key, get(col))}
	}
	var err error
	if l.list, err = mail.ParseAddress(get(colList)); err != nil {
		return l, wrong(colList, "address.malformed")
	}
	if l.Address, err = mail.ParseAddress(get(colMember)); err != nil {
		return l, wrong(colMember, "address.malformed")
	}
	var ok bool
	if l.on, ok = actions[strings.ToLower(get(colAction))]; !ok {
		return l, wrong(colAction, "import.action")
	}
	if l.CanPost, ok = answers[strings.ToLower(get(colPost))]; !ok {
		return l, wrong(colPost, "import.answer")
	}
	l.Name = get(colName)
	return l, nil
}

// formulas begin what a spreadsheet would work out instead of showing it.
const formulas = "=+-@\t\r"

// safeCell makes a field harmless to spreadsheets: an apostrophe goes before what begins a formula.
func safeCell(s string) string {
	if s != "" && (strings.IndexByte(formulas, s[0]) >= 0 || s[0] == '\'') {
		return "'" + s
	}
	return s
}

// plainCell takes back what safeCell did.
func plainCell(s string) string {
	if len(s) > 1 && s[0] == '\'' && (strings.IndexByte(formulas, s[1]) >= 0 || s[1] == '\'') {
		return s[1:]
	}
	return s
}

// ExportMembers writes the members of a list as ImportMembers reads them: UTF-8 with a BOM, CRLF, an apostrophe
// before what a spreadsheet would take for a formula. NotFound "list.unknown".
func (c *Company) ExportMembers(ctx context.Context, list mail.ObjectID, w io.Writer) error {
	const op = "directory.ExportMembers"
	l, err := c.List(ctx, list)
	if err != nil {
		return mail.Wrap(op, err)
	}
	members, err := c.Members(ctx, list)
	if err != nil {
		return mail.Wrap(op, err)
	}
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return mail.Because(op, mail.Unavailable, "", err)
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	row := make([]string, columns)
	for i, names := range columnNames {
		row[i] = names[0]
	}
	out.Write(row)
	for _, m := range members {
		row[colList], row[colAction] = safeCell(l.Address.String()), "add"
		row[colMember], row[colName], row[colPost] = safeCell(m.Address.String()), safeCell(m.Name), "yes"
		if !m.CanPost {
			row[colPost] = "no"
		}
		out.Write(row)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return mail.Because(op, mail.Unavailable, "", err)
	}
	return nil
}
