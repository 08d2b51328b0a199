package trace

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tegami/lab/platform"
)

// patience is how long what was refused may take to be in the trace: it is written every few seconds.
const patience = 60 * time.Second

// api asks the control API as the owner of the demo's first company.
type api struct {
	testing.TB
	client *http.Client
	base   string
	key    string
	tenant string
}

func newAPI(t testing.TB, p *platform.Platform) *api {
	t.Helper()
	var keys struct {
		OwnerKey string `json:"ownerKey"`
	}
	text, err := os.ReadFile(filepath.Join(p.Dir, "demo.json"))
	if err == nil {
		err = json.Unmarshal(text, &keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(p.Demo.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	a := &api{t, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}, "https://" + p.Demo.HTTPS + "/api/v1", keys.OwnerKey, ""}
	var self struct{ Tenant string }
	a.get("/self", &self)
	a.tenant = self.Tenant
	return a
}

func (a *api) get(path string, into any) {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), http.MethodGet, a.base+path, nil)
	if err != nil {
		a.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+a.key)
	answer, err := a.client.Do(r)
	if err != nil {
		a.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		a.Fatalf("%s: %s", path, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		a.Fatal(err)
	}
}

// entry is what the test looks at of a message.
type entry struct {
	ID, From, Subject, Result, Helo string
	Recipients                      []struct{ Address, Result, Reason, Into string }
}

// find searches until something is found.
func (a *api) find(query url.Values) entry {
	a.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var got struct{ Items []entry }
		a.get("/tenants/"+a.tenant+"/trace?"+query.Encode(), &got)
		if len(got.Items) > 0 {
			return got.Items[0]
		}
	}
	a.Fatalf("%v finds nothing", query)
	return entry{}
}

// TestCP8WholeWay: a message that was accepted and one that was refused are found, with their steps.
func TestCP8WholeWay(t *testing.T) {
	p := platform.Start(t, 3)
	a := newAPI(t, p)
	c, err := smtp.Dial(p.Demo.SMTP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	host, _, err := net.SplitHostPort(p.Demo.SMTP)
	must(err)
	must(c.Hello("mx.customer.example"))
	must(c.Mail("abe@customer.example"))
	must(c.Rcpt(platform.User(1)))
	if err := c.Rcpt("nobody-there@alpha.example"); err == nil {
		t.Fatal("an address that is not there was taken")
	}
	w, err := c.Data()
	must(err)
	_, err = w.Write([]byte("From: abe@customer.example\r\nTo: " + platform.User(1) + "\r\nMessage-ID: <whole-way@customer.example>\r\nSubject: =?UTF-8?B?6KaL56mN5pu4?=\r\n\r\nhello\r\n"))
	must(err)
	must(w.Close())

	got := a.find(url.Values{"messageId": {"whole-way@customer.example"}, "remote": {host}})
	if got.Subject != "見積書" || got.Result != "delivered" || got.Helo != "mx.customer.example" || len(got.Recipients) != 1 || got.Recipients[0].Into != "inbox" {
		t.Errorf("%+v", got)
	}
	var story struct {
		Steps []struct{ Kind string }
	}
	a.get("/tenants/"+a.tenant+"/trace/"+got.ID, &story)
	if len(story.Steps) != 2 || story.Steps[0].Kind != "accepted" || story.Steps[1].Kind != "delivered" {
		t.Errorf("%+v", story)
	}
	refused := a.find(url.Values{"recipient": {"nobody-there@alpha.example"}, "result": {"refused"}})
	if refused.From != "abe@customer.example" || refused.Recipients[0].Reason != "recipient.unknown" {
		t.Errorf("%+v", refused)
	}
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) { // the figures come behind the index
		var o struct {
			Hours []struct{ Received, Refused int }
		}
		a.get("/tenants/"+a.tenant+"/overview", &o)
		received, refusals := 0, 0
		for _, h := range o.Hours {
			received, refusals = received+h.Received, refusals+h.Refused
		}
		if received == 1 && refusals == 1 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d received, %d refused", received, refusals)
		}
	}
}
