package notice

import (
	"context"
	"strings"
	"time"

	"tegami/i18n"
	"tegami/mail"
	"tegami/wire/mime"
)

// removedName is how the file is called that stands in the place of a deleted attachment, whatever the reader's language is (VC-3).
const removedName = "削除された添付ファイル.txt"

// RemovedFile is an attachment that was taken out of a message.
type RemovedFile struct {
	File  string    // its name, decoded; "" = it had none
	Virus string    // as the engine calls it
	Found time.Time //
}

// Removed writes the file that stands in the place of a deleted attachment (VC-3): plain text in UTF-8 with CRLF, in all languages, since who
// reads it is not known when it is written. header is what its part begins with, for mime.Replace.
func (s *Service) Removed(ctx context.Context, tenant mail.TenantID, f RemovedFile) (header mime.Header, text string) {
	set := s.settings(ctx, tenant)
	return removed(s.words(&set, i18n.Langs()), f)
}

func removed(all []words, f RemovedFile) (header mime.Header, text string) {
	file := infectedFile(f.File)
	if f.File == "" {
		file = "-"
	}
	text = bothLanguages(all, func(w *words) string {
		var b strings.Builder
		b.WriteString(w.paragraph(w.text("notice.virus_note.what")) + "\n\n")
		for _, l := range []line{{"notice.virus.file", file}, {"notice.virus.name", shownSafe(f.Virus)}, {"notice.virus.found", f.Found}} {
			b.WriteString("  " + w.text("notice.line", l.label, l.value) + "\n")
		}
		b.WriteString("\n" + w.paragraph(w.text("notice.virus_note.do")) + "\n")
		return b.String()
	})
	header = mime.ContentHeader("text/plain; charset=utf-8", "attachment", removedName)
	return header, strings.ReplaceAll(text, "\n", "\r\n")
}
