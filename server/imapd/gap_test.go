package imapd

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var statusOfLists = regexp.MustCompile(`^\* STATUS "?Lists"? \(MESSAGES (\d+)`)

// TestNotifyBeginsWithoutGap: a client hears of mail that comes while its NOTIFY begins, either in the state it is told first or
// behind it (RFC 5465 §3.1).
func TestNotifyBeginsWithoutGap(t *testing.T) {
	const tries = 200
	h := newHouse(t)
	addr := h.door(t, Config{AllowPlainAuth: true})
	user := h.user(t, "alpha.example")
	reader, writer := dialRaw(t, addr, user), dialRaw(t, addr, user)
	writer.ok("CREATE Lists")
	for n := 1; n <= tries; n++ {
		reader.ok("NOTIFY NONE")
		fmt.Fprintf(writer.conn, "w APPEND Lists {18+}\r\nSubject: hello\r\n\r\n\r\n")
		fmt.Fprintf(reader.conn, "n NOTIFY SET STATUS (subtree Lists (MessageNew MessageExpunge))\r\n")
		for !strings.HasPrefix(writer.line(), "w OK") {
		}
		for known := 0; known < n; {
			line, err := reader.in.ReadString('\n')
			if err != nil {
				t.Fatalf("the client knows of %d messages and is not told of %d: %v", known, n, err)
			}
			if m := statusOfLists.FindStringSubmatch(line); m != nil {
				known, _ = strconv.Atoi(m[1])
			}
		}
	}
}
