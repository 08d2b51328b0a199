package bulk

import (
	"io"
	"slices"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/mime"
)

// Columns of the file of lists of senders.
const (
	seAction = iota
	seList
	seSender
)

// senders is the file of a company's lists of senders (SF-2). It is no Kind: a company has two lists, which are replaced at once.
var senders = Table{Name: "senders", Columns: []Column{
	seAction: {Name: "action", Also: []string{"処理", "処理区分", "操作"}},
	seList:   {Name: "list", Also: []string{"リスト", "種別", "区分"}, Needs: true},
	seSender: {Name: "sender", Also: []string{"送信者", "アドレス", "メールアドレス", "address", "送信元"}, Needs: true},
}}

// senderLists are the words of the column list: true lets in.
var senderLists = map[string]bool{
	"allow": true, "許可": true, "受信許可": true, "受信許可リスト": true, "deny": false, "拒否": false, "受信拒否": false, "受信拒否リスト": false,
}

// SenderEdit is what a file says of a company's lists.
type SenderEdit struct{ Add, Remove directory.SenderLists }

// ReadSenders reads a file of senders. It is taken whole or not at all: Invalid "filter.line_list", "filter.line_action", "filter.line_sender",
// "filter.line_syntax" with the number of the first line that is wrong; and the errors of Table.Read.
func ReadSenders(b []byte) (e SenderEdit, err error) {
	const op mail.Op = "bulk.ReadSenders"
	f, err := senders.Read(b)
	if err != nil {
		return e, mail.Wrap(op, err)
	}
	if len(f.Findings) > 0 {
		return e, mail.E(op, mail.Invalid, "filter.line_syntax", f.Findings[0].Line)
	}
	for _, row := range f.Rows {
		allow, known := senderLists[mime.NormalizeTight(row.Get(seList))]
		if !known {
			return e, mail.E(op, mail.Invalid, "filter.line_list", row.Line, row.Get(seList))
		}
		sender, err := mail.ParseSenderPattern(row.Get(seSender))
		if err != nil {
			return e, mail.E(op, mail.Invalid, "filter.line_sender", row.Line, row.Get(seSender))
		}
		to := &e.Add
		switch action := row.Get(seAction); {
		case action == "":
		case actions[mime.NormalizeTight(action)] == Delete:
			to = &e.Remove
		case actions[mime.NormalizeTight(action)] != Add:
			return e, mail.E(op, mail.Invalid, "filter.line_action", row.Line, action)
		}
		if allow {
			to.Allow = append(to.Allow, sender)
		} else {
			to.Deny = append(to.Deny, sender)
		}
	}
	return e, nil
}

// Apply gives what lists become, and how many entries come and go. With replace, what the file does not add goes.
func (e *SenderEdit) Apply(l directory.SenderLists, replace bool) (made directory.SenderLists, added, removed int) {
	one := func(have, add, remove []mail.SenderPattern) []mail.SenderPattern {
		out := slices.Clone(add)
		if !replace {
			out = append(out, have...)
		}
		out = slices.DeleteFunc(out, func(p mail.SenderPattern) bool { return slices.Contains(remove, p) })
		slices.Sort(out)
		out = slices.Compact(out)
		added += without(out, have)
		removed += without(have, out)
		return out
	}
	made.Allow = one(l.Allow, e.Add.Allow, e.Remove.Allow)
	made.Deny = one(l.Deny, e.Add.Deny, e.Remove.Deny)
	return made, added, removed
}

// without counts the entries of a list that are not on another.
func without(list, other []mail.SenderPattern) (n int) {
	set := mail.NewSenderPatterns(other)
	for _, p := range list {
		if _, ok := set[p]; !ok {
			n++
		}
	}
	return n
}

// WriteSenders writes lists as a file that ReadSenders reads. It gives the lines that CP932 could not take: with any, the file is not whole.
// Invalid "export.charset".
func WriteSenders(to io.Writer, l directory.SenderLists, form Form) ([]Finding, error) {
	const op mail.Op = "bulk.WriteSenders"
	table := Table{Name: senders.Name, Columns: senders.Columns[seList:]}
	w, err := NewWriter(to, &table, form)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	words := [2]string{"deny", "allow"}
	if form.Japanese {
		words = [2]string{"拒否", "許可"}
	}
	for i, list := range [2][]mail.SenderPattern{l.Deny, l.Allow} {
		for _, p := range list {
			if err := w.Write(words[i], string(p)); err != nil {
				return nil, mail.Wrap(op, err)
			}
		}
	}
	return unwritten(w), mail.Wrap(op, w.Close())
}
