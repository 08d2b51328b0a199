package directory

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"

	"tegami/i18n"
	"tegami/mail"
)

// LogFile says how the operation log is written into a file.
type LogFile struct {
	Words *i18n.Catalogue
	Lang  i18n.Lang
	Zone  *time.Location // of the times beside those in UTC; nil = UTC
}

// logColumns are the keys of the header row's words.
func (f LogFile) header() []string {
	var row []string
	for _, key := range []string{
		"log.column.seq", "log.column.time", "log.column.utc", "log.column.actor", "log.column.role", "log.column.remote", "log.column.agent",
		"log.column.session", "log.column.what", "log.column.op", "log.column.kind", "log.column.id", "log.column.name", "log.column.reason",
		"log.column.result", "log.column.changes", "log.column.hash",
	} {
		row = append(row, f.say(key))
	}
	return row
}

// ExportLog writes lines of the operation log as a CSV file: UTF-8 with BOM, lines ending in CRLF, the newest first, all that the query
// finds whatever its Limit. The export itself stands in the log (CP-7). Nothing is written before an error of the query.
func (c *Company) ExportLog(ctx context.Context, by mail.Actor, w io.Writer, q LogQuery, f LogFile) error {
	const op = "directory.ExportLog"
	if err := c.NoteExport(ctx, by, op, kindLog); err != nil {
		return err
	}
	return mail.Wrap(op, exportLog(ctx, w, q, f, c.Log))
}

// ExportLog is that of Company for the log of the platform.
func (d *Directory) ExportLog(ctx context.Context, w io.Writer, q LogQuery, f LogFile) error {
	return mail.Wrap("directory.ExportPlatformLog", exportLog(ctx, w, q, f, d.Log))
}

func exportLog(ctx context.Context, w io.Writer, q LogQuery, f LogFile, search func(context.Context, LogQuery) (LogPage, error)) error {
	const bom = "\ufeff"
	q.Limit = MaxLogPage
	page, err := search(ctx, q)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, bom); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(f.header()); err != nil {
		return err
	}
	for {
		for i := range page.Lines {
			if err := out.Write(f.row(&page.Lines[i])); err != nil {
				return err
			}
		}
		out.Flush()
		if out.Error() != nil || page.Next == 0 {
			return out.Error()
		}
		q.Before = page.Next
		if page, err = search(ctx, q); err != nil {
			return err
		}
	}
}

func (f LogFile) row(l *LogLine) []string {
	zone := f.Zone
	if zone == nil {
		zone = time.UTC
	}
	id := ""
	if !l.ID.IsZero() {
		id = l.ID.String()
	}
	row := []string{
		strconv.FormatUint(l.Seq, 10), l.At.In(zone).Format("2006-01-02 15:04:05.000"), l.At.UTC().Format(time.RFC3339Nano),
		l.Actor, f.say(actorTexts[l.Role]), l.Remote, l.Agent, l.Session,
		f.say(OpText(l)), string(l.Op), l.Kind, id, l.Name, l.Reason, f.result(l), f.changes(l.Changes), hex.EncodeToString(l.Hash),
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return row
}

// result says how it came out.
func (f LogFile) result(l *LogLine) string {
	if l.Refused != "" {
		return f.say("log.refused")
	}
	return f.say("log.done")
}

// changes are one a line.
func (f LogFile) changes(list []Change) string {
	var lines []string
	for _, c := range list {
		lines = append(lines, c.Path+": "+c.Before+" → "+c.After)
	}
	return strings.Join(lines, "\n")
}

// harmless keeps a spreadsheet from taking a value for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
