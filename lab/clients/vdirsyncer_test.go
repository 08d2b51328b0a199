package clients

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tegami/lab/platform"
)

// bookCards is how many cards vdirsyncer has to synchronise.
const bookCards = 300

// TestML6VdirsyncerBothWays synchronises address books with a folder of files both ways, changes both sides, and synchronises again until nothing
// differs.
func TestML6VdirsyncerBothWays(t *testing.T) {
	need(t, "vdirsyncer")
	p := demo(t)
	far := newFar(t, p, 12)
	near := t.TempDir()
	contacts := filepath.Join(near, "contacts")
	if err := os.Mkdir(contacts, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range bookCards {
		put(t, filepath.Join(contacts, fmt.Sprintf("near-%d.vcf", i)), vcardOf(fmt.Sprint("near-", i), "near"))
	}
	for i := range 20 {
		far.must("PUT", fmt.Sprintf("contacts/far-%d.vcf", i), vcardOf(fmt.Sprint("far-", i), "far"))
	}
	far.must("PUT", "emailed/only.vcf", vcardOf("only", "emailed"))

	conf := write(t, "vdirsyncer", fmt.Sprintf(`[general]
status_path = %q

[pair books]
a = "near"
b = "far"
collections = ["contacts", "emailed"]
conflict_resolution = "b wins"

[storage near]
type = "filesystem"
path = %q
fileext = ".vcf"

[storage far]
type = "carddav"
url = "https://%s/"
username = %q
password = %q
verify = %q
`, filepath.Join(near, "status"), near, far.host, far.user, platform.Password, p.Demo.CA))
	vdirsyncer(t, conf, "discover")
	sync := func() string {
		t.Helper()
		vdirsyncer(t, conf, "sync")
		return nearBooks(t, near) + "\n" + far.books()
	}

	first := sync()
	far.same(near, bookCards+20, 1)
	if sync() != first {
		t.Error("the second run changed something")
	}

	for i := range 30 {
		if err := os.Remove(filepath.Join(contacts, fmt.Sprintf("near-%d.vcf", i))); err != nil {
			t.Fatal(err)
		}
		far.must("DELETE", fmt.Sprintf("contacts/near-%d.vcf", 100+i), "")
		put(t, filepath.Join(contacts, fmt.Sprintf("near-%d.vcf", 200+i)), vcardOf(fmt.Sprint("near-", 200+i), "changed near"))
		put(t, filepath.Join(contacts, fmt.Sprintf("new-%d.vcf", i)), vcardOf(fmt.Sprint("new-", i), "new"))
	}
	for i := range 20 {
		far.must("PUT", fmt.Sprintf("contacts/far-%d.vcf", i), vcardOf(fmt.Sprint("far-", i), "changed far"))
	}
	second := sync()
	far.same(near, bookCards+20-60+30, 1)
	if sync() != second {
		t.Error("the run after the changes left differences")
	}
	if got := strings.Count(second, "changed near"); got != 2*30 {
		t.Errorf("%d cards have what was changed near, on both sides", got)
	}
	if got := strings.Count(second, "changed far"); got != 2*20 {
		t.Errorf("%d cards have what was changed far, on both sides", got)
	}
	if got := strings.Count(second, "X-ODD;X-PARAM=1:kept"); got != 2*(bookCards+20-60+30+1) {
		t.Errorf("%d cards have the property that nobody knows", got)
	}
}

// vcardOf is a card with what may get lost: Japanese, a picture, a property that nobody knows.
func vcardOf(uid, note string) string {
	return strings.Join([]string{"BEGIN:VCARD", "VERSION:3.0", "UID:" + uid, "FN:山田 太郎", "N:山田;太郎;;;", "X-PHONETIC-LAST-NAME:やまだ", "item1.EMAIL;type=INTERNET;type=pref:" + uid + "@x.example",
		"item1.X-ABLabel:_$!<School>!$_", "PHOTO;ENCODING=b;TYPE=PNG:iVBORw0KGgo=", "X-ODD;X-PARAM=1:kept", "NOTE:" + note, "END:VCARD", ""}, "\r\n")
}

// vdirsyncer runs the program, and says yes to what it asks.
func vdirsyncer(t *testing.T, conf string, verb string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "vdirsyncer", "-c", conf, verb)
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "HOME="+t.TempDir())
	cmd.Stdin = strings.NewReader(strings.Repeat("y\n", 20))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("vdirsyncer %s: %v\n%s", verb, err, out)
	}
}

// nearBooks writes down the files.
func nearBooks(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.vcf"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(filepath.Base(filepath.Dir(f)) + "/" + filepath.Base(f) + "\n" + string(text))
	}
	return all.String()
}

// far is the side of the platform.
type far struct {
	testing.TB
	host, user string
	client     *http.Client
}

func newFar(t *testing.T, p *platform.Platform, user int) *far {
	t.Helper()
	pem, err := os.ReadFile(p.Demo.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &far{t, "localhost:" + port(t, p.Demo.HTTPS), platform.User(user), &http.Client{Transport: transport}}
}

// must asks the platform, and gives what it answers.
func (f *far) must(method, path, body string) string {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), method, "https://"+f.host+"/dav/books/"+f.user+"/"+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	r.SetBasicAuth(f.user, platform.Password)
	r.Header.Set("Depth", "1")
	if method == "PUT" {
		r.Header.Set("Content-Type", "text/vcard")
	}
	answer, err := f.client.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		f.Fatalf("%s %s: %d %s %v", method, path, answer.StatusCode, text, err)
	}
	return string(text)
}

// books writes down the cards of both books, with their ETags.
func (f *far) books() string {
	f.Helper()
	const query = `<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><D:getetag/><C:address-data/></D:prop></C:addressbook-query>`
	return f.must("REPORT", "contacts/", query) + f.must("REPORT", "emailed/", query)
}

var hrefForm = regexp.MustCompile(`<D:href>[^<]*\.vcf</D:href>`)

// same holds both sides against how many cards each book has.
func (f *far) same(near string, contacts, emailed int) {
	f.Helper()
	here, err := filepath.Glob(filepath.Join(near, "contacts", "*.vcf"))
	if err != nil {
		f.Fatal(err)
	}
	there, err := filepath.Glob(filepath.Join(near, "emailed", "*.vcf"))
	if err != nil {
		f.Fatal(err)
	}
	cards := len(hrefForm.FindAllString(f.books(), -1))
	if len(here) != contacts || len(there) != emailed || cards != contacts+emailed {
		f.Errorf("near %d and %d, far %d; want %d and %d", len(here), len(there), cards, contacts, emailed)
	}
}
