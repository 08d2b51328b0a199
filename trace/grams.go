package trace

import (
	"strings"

	"golang.org/x/text/width"
)

// folded is a text without regard to case and width.
func folded(text string) string { return strings.ToLower(width.Fold.String(text)) }
