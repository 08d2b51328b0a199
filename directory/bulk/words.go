package bulk

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"tegami/mail"
	"tegami/wire/mime"
)

// Action is what becomes of what a line tells about.
type Action string

// Actions.
const (
	Add    Action = "add"
	Update Action = "update"
	Delete Action = "delete"
)

// actions are the words of the column action.
var actions = map[string]Action{
	"add": Add, "a": Add, "追加": Add, "登録": Add, "update": Update, "u": Update, "変更": Update, "更新": Update,
	"delete": Delete, "d": Delete, "削除": Delete,
}

// answers are the words for yes and no.
var answers = map[string]bool{
	"yes": true, "y": true, "true": true, "1": true, "on": true, "可": true, "はい": true, "する": true, "許可": true, "表示": true, "有効": true, "○": true,
	"no": false, "n": false, "false": false, "0": false, "off": false, "不可": false, "いいえ": false, "しない": false, "禁止": false, "非表示": false, "無効": false, "×": false,
}

// clears is what a field says that shall be empty afterwards.
const clears = "-"

// reading reads the fields of a row, and collects what is wrong with them.
type reading struct {
	table *Table
	row   Row
	wrong []Finding
}

// bad notes that a field is wrong.
func (r *reading) bad(column int, err error) {
	r.wrong = append(r.wrong, Finding{Line: r.row.Line, Column: r.table.Columns[column].Name, Err: err})
}

// action reads the column of actions. In a file without that column everything is added.
func (r *reading) action(column int) Action {
	if r.row.at[column] < 0 {
		return Add
	}
	text := r.row.Get(column)
	a, ok := actions[mime.NormalizeTight(text)]
	if !ok {
		r.bad(column, mail.E("bulk.action", mail.Invalid, "import.action", text))
	}
	return a
}

// address reads an address. Full-width letters and "＠" are put right; "" where nothing stands or what stands is none.
func (r *reading) address(column int) mail.Address {
	a, err := parseAddress(r.row.Get(column))
	if err != nil {
		r.bad(column, err)
	}
	return a
}

// parseAddress reads an address as people write them in files.
func parseAddress(text string) (mail.Address, error) {
	return mail.ParseAddress(strings.TrimSpace(norm.NFKC.String(text)))
}

// addresses reads a list of addresses; nil where the field is empty, an empty list where it clears.
func (r *reading) addresses(column int) *[]mail.Address {
	text := r.row.Get(column)
	if text == "" {
		return nil
	}
	list := []mail.Address{}
	if text == clears {
		return &list
	}
	for _, part := range split(text) {
		a, err := parseAddress(part)
		if err != nil {
			r.bad(column, err)
			continue
		}
		list = append(list, a)
	}
	return &list
}

// split takes a list of things in one field apart.
func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(";；,，、\n\r", r) })
}

// answer reads yes or no; nil where the field is empty. What clears is no.
func (r *reading) answer(column int) *bool {
	text := r.row.Get(column)
	if text == "" {
		return nil
	}
	yes, ok := answers[mime.NormalizeTight(text)]
	if !ok && text != clears {
		r.bad(column, mail.E("bulk.answer", mail.Invalid, "import.answer", text))
	}
	return &yes
}

// text reads a text; nil where the field is empty, "" where it clears.
func (r *reading) text(column int) *string {
	text := r.row.Get(column)
	switch text {
	case "":
		return nil
	case clears:
		text = ""
	}
	return &text
}

// yesNo writes an answer.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// join writes a list of addresses into one field.
func join(list []mail.Address) string {
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	return strings.Join(texts, ";")
}
