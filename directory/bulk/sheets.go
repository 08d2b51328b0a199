package bulk

import (
	"io"
	"strconv"

	"tegami/wire/sheet"
)

// WritePasswords writes the sheet of initial passwords, to be handed out once.
func WritePasswords(w io.Writer, list []Password, japanese bool) error {
	names := []string{"address", "name", "initial_password"}
	if japanese {
		names = []string{"メールアドレス", "氏名", "初期パスワード"}
	}
	out, err := sheet.NewWriter(w, names, Form{})
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := out.Write(p.Address.String(), p.Name, p.Password); err != nil {
			return err
		}
	}
	return out.Close()
}

// Told is a line of a report as people read it.
type Told struct {
	Line   int // 0 = the file as a whole
	Column string
	Code   string
	Text   string
}

// WriteReport writes a report: 行番号,列,コード,メッセージ.
func WriteReport(w io.Writer, report []Told, japanese bool) error {
	names := []string{"line", "column", "code", "message"}
	if japanese {
		names = []string{"行番号", "列", "コード", "メッセージ"}
	}
	out, err := sheet.NewWriter(w, names, Form{})
	if err != nil {
		return err
	}
	for _, l := range report {
		line := ""
		if l.Line > 0 {
			line = strconv.Itoa(l.Line)
		}
		if err := out.Write(line, l.Column, l.Code, l.Text); err != nil {
			return err
		}
	}
	return out.Close()
}
