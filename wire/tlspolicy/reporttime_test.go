package tlspolicy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTimesOfReports reads times as RFC 8460 writes them, and as Microsoft does.
func TestTimesOfReports(t *testing.T) {
	for text, want := range map[string]string{
		"2023-01-10T00:00:00Z": "2023-01-10T00:00:00Z", "2023-01-10T00:00:00": "2023-01-10T00:00:00Z",
		"2023-01-10T09:00:00+09:00": "2023-01-10T00:00:00Z", "": "0001-01-01T00:00:00Z", "yesterday": "",
	} {
		r, err := ReadReport(strings.NewReader(fmt.Sprintf(`{"date-range":{"start-datetime":%q,"end-datetime":%q}}`, text, text)))
		if want == "" {
			if err == nil {
				t.Errorf("%q was read as %v", text, r.Range)
			}
			continue
		}
		if err != nil || r.Range.Start.UTC().Format(time.RFC3339) != want || !r.Range.End.Equal(r.Range.Start) {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
}
