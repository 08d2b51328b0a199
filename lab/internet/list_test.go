package internet

import (
	"regexp"
	"strings"
	"testing"
)

// verp is the sender of what the list sends: one for each member, so that a bounce names him.
var verp = regexp.MustCompile(`^<news-bounces\+[^@]+@alpha\.example>$`)

// testList: members at three hosts get what one of them posts, each under a sender of his own; the poster's signature survives
// (LI-4 is off); a member Postfix doesn't know has a bounce counted.
func (w *world) testList(t *testing.T) {
	w.needPostfix(t)
	w.alpha.Admin(t, "", "list", "add", "news@alpha.example", "--name", "News", "--posting", "members", "--owner", "agnes@alpha.example")
	w.alpha.Admin(t, "", "list", "members", "news@alpha.example", "--add", "agnes@alpha.example", "--add", "bert@beta.example",
		"--add", "cyril@gamma.example", "--add", "dead@gamma.example")
	w.submit(t, "bert@beta.example", "news@alpha.example", "list-post")
	for _, at := range []string{"agnes@alpha.example", "bert@beta.example", "cyril@gamma.example"} {
		m := w.arrived(t, at, "the post", subject("list-post"))
		m.holds(t, "List-Id", "<news.alpha.example>")
		m.holds(t, "List-Post", "<mailto:news@alpha.example>")
		m.holds(t, "List-Unsubscribe", "<mailto:news-unsubscribe")
		if strings.HasSuffix(at, "@alpha.example") {
			continue // those in the house share the octets: nothing in them is one member's
		}
		m.holds(t, "List-Unsubscribe", "<https://mx.alpha.example/unsubscribe?t=")
		m.holds(t, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
		if from := m.header.Get("Return-Path"); !verp.MatchString(from) {
			t.Errorf("%s got it from %s", at, from)
		}
		if strings.HasSuffix(at, "@gamma.example") {
			j := w.judge(t, m, alphaIP)
			j.wants(t, "pass", "pass")
			j.signedBy(t, "beta.example", "rsa-sha256", "ed25519-sha256")
		}
	}
	w.bounced(t, "dead@gamma.example")
}

// bounced waits until a bounce of a member is counted.
func (w *world) bounced(t *testing.T, member string) {
	t.Helper()
	poll(t, "a bounce of "+member+" is counted", func() bool {
		var list struct {
			Who []struct {
				Address string
				Bounces int
			}
		}
		w.alpha.Ask(t, &list, "list", "show", "news@alpha.example")
		for _, m := range list.Who {
			if m.Address == member {
				return m.Bounces == 1
			}
		}
		return false
	})
}
