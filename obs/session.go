// Package obs is what the platform tells its operator: log lines, figures, and
// the ids that bind a refusal a customer saw to the log lines behind it.
package obs

import (
	"crypto/rand"
	"encoding/base32"
	"io"
	"log/slog"
)

// sessionText writes ids in lower case without letters that look like others (Crockford's set).
var sessionText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewSessionID makes the id of a session: 8 characters, 40 random bits.
func NewSessionID() string {
	var b [5]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return sessionText.EncodeToString(b[:])
}

// LogForm is how log lines are written.
type LogForm string

// Forms of log lines.
const (
	LogText LogForm = "text" // key=value, for people
	LogJSON LogForm = "json" // an object a line, for collectors
)

// NewLog makes the logger of a process. It is passed on in Config structs, never kept in a package.
func NewLog(w io.Writer, form LogForm, level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if form == LogJSON {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// Named gives a logger for one part of the house; a nil log gives one that writes nothing.
func Named(log *slog.Logger, part string) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log.With("part", part)
}
