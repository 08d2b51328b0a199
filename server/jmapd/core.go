package jmapd

import (
	"context"
	"encoding/json"

	"tegami/wire/jmap"
)

// coreMethods are those of RFC 8620 §4.
func coreMethods() []entry {
	return []entry{method("Core/echo", jmap.Core, free, echo)}
}

// echo gives its arguments back (RFC 8620 §4).
func echo(_ context.Context, _ *call, in *json.RawMessage) (*json.RawMessage, error) { return in, nil }
