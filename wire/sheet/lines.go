package sheet

import (
	"encoding/csv"
	"errors"
	"io"

	"tegami/mail"
)

// Next gives the line that comes next and where it begins. io.EOF behind the last. Invalid "import.syntax" for what can't be read: with the
// line where that begins, since what follows an open quote can't be told apart; or without one.
func Next(in *csv.Reader) (line int, cells []string, err error) {
	const op = "sheet.Next"
	cells, err = in.Read()
	var syntax *csv.ParseError
	switch {
	case err == io.EOF:
		return 0, nil, err
	case errors.As(err, &syntax):
		return syntax.StartLine, nil, mail.Because(op, mail.Invalid, "import.syntax", err)
	case err != nil:
		return 0, nil, mail.Because(op, mail.Invalid, "import.syntax", err)
	}
	line, _ = in.FieldPos(0)
	return line, cells, nil
}
