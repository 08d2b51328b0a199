package contentd

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tegami/mail"
	"tegami/wire/reach"
)

// bench is the door beside a server of pictures.
type bench struct {
	*testing.T
	*Server
	site  *httptest.Server
	keys  [][]byte
	asked atomic.Int32
	serve http.HandlerFunc
}

func newBench(t *testing.T, l Limits) *bench {
	t.Helper()
	b := &bench{T: t, keys: [][]byte{bytes.Repeat([]byte{1}, 32)}}
	b.site = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		for _, name := range []string{"Cookie", "Referer", "Authorization"} {
			if r.Header.Get(name) != "" {
				t.Errorf("the server of the picture is told %s", name)
			}
		}
		http.SetCookie(w, &http.Cookie{Name: "track", Value: "1"})
		b.serve(w, r)
	}))
	t.Cleanup(b.site.Close)
	roots := x509.NewCertPool()
	roots.AddCert(b.site.Certificate())
	b.Server = New(Config{
		URL: "https://content.example/", Keys: func(context.Context) ([][]byte, error) { return b.keys, nil },
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: roots, Limits: l,
	})
	ports = append(ports, b.site.URL[strings.LastIndexByte(b.site.URL, ':')+1:])
	t.Cleanup(func() { ports = ports[:len(ports)-1] })
	return b
}

// ask asks for a remote picture as a browser does.
func (b *bench) ask(url string) *httptest.ResponseRecorder {
	b.Helper()
	address := b.Remote(mail.AccountID(7), url)
	sealed, ok := strings.CutPrefix(address, "https://content.example/picture/")
	if !ok {
		b.Fatalf("%s has the address %q", url, address)
	}
	return b.path("/picture/" + sealed)
}

func (b *bench) path(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// pictureOf makes a picture; of WebP only its beginning, which is all that is read here.
func pictureOf(t *testing.T, kind string, wide, high int) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	switch m := image.NewPaletted(image.Rect(0, 0, wide, high), color.Palette{color.Black}); kind {
	case "image/png":
		err = png.Encode(&out, m)
	case "image/jpeg":
		err = jpeg.Encode(&out, m, nil)
	case "image/gif":
		err = gif.Encode(&out, m, nil)
	case "image/webp":
		out.WriteString("RIFF\x1a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00")
		out.Write([]byte{byte(wide - 1), byte((wide - 1) >> 8), byte((wide - 1) >> 16), byte(high - 1), byte((high - 1) >> 8), byte((high - 1) >> 16)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestPictures: pictures of dots are passed on by what they are, everything else is refused.
func TestPictures(t *testing.T) {
	b := newBench(t, Limits{Pixels: 10_000})
	for _, c := range []struct {
		name, said, want string
		body             []byte
	}{
		{"png", "image/png", "image/png", pictureOf(t, "image/png", 3, 2)},
		{"jpeg said to be text", "text/html", "image/jpeg", pictureOf(t, "image/jpeg", 3, 2)},
		{"gif", "image/gif", "image/gif", pictureOf(t, "image/gif", 3, 2)},
		{"webp", "image/webp", "image/webp", pictureOf(t, "image/webp", 3, 2)},
		{"svg", "image/svg+xml", "", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)},
		{"html said to be a picture", "image/png", "", []byte("<html><script>alert(1)</script>")},
		{"icon", "image/x-icon", "", []byte("\x00\x00\x01\x00")},
		{"nothing", "image/png", "", nil},
		{"the beginning of a picture only", "image/png", "", []byte("\x89PNG\r\n\x1a\n")},
		{"png of too many dots", "image/png", "", pictureOf(t, "image/png", 101, 100)},
		{"webp of too many dots", "image/webp", "", pictureOf(t, "image/webp", 16000, 16000)},
	} {
		b.serve = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.said)
			w.Write(c.body)
		}
		got := b.ask(b.site.URL + "/" + strings.ReplaceAll(c.name, " ", "-"))
		h := got.Header()
		if c.want == "" && (got.Code != http.StatusNotFound || h.Get("Cache-Control") != "no-store") {
			t.Errorf("%s: %d %v", c.name, got.Code, h)
		}
		if c.want != "" && (got.Code != http.StatusOK || h.Get("Content-Type") != c.want || !bytes.Equal(got.Body.Bytes(), c.body) || !strings.HasPrefix(h.Get("Cache-Control"), "private")) {
			t.Errorf("%s: %d %v", c.name, got.Code, h)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || h.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", c.name, h)
		}
	}
}

// TestClosedNetworks: no address leads inside, neither by itself, by a name, nor by a redirection.
func TestClosedNetworks(t *testing.T) {
	b := newBench(t, Limits{Time: 5 * time.Second})
	b.serve = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	}
	port := b.site.URL[strings.LastIndexByte(b.site.URL, ':'):]
	for _, to := range []string{"https://127.0.0.2" + port, "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://[::1]/", "http://0.0.0.0/", "file:///etc/passwd",
		"ftp://example.com/", "gopher://127.0.0.1/", "http://127.0.0.1:25/", "https://user:pass@127.0.0.1" + port, "http://2130706434/", "http://0x7f.2/"} {
		if got := b.ask(b.site.URL + "/?to=" + to); got.Code == http.StatusOK {
			t.Errorf("redirected to %s: %d", to, got.Code)
		}
		if b.Remote(mail.AccountID(7), to) != "" {
			if got := b.ask(to); got.Code == http.StatusOK {
				t.Errorf("%s: %d", to, got.Code)
			}
		}
	}
	if _, err := b.fetch(t.Context(), "https://127.0.0.2"+port); !errors.Is(err, reach.ErrClosed) {
		t.Errorf("%v", err)
	}
	b.serve = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }
	b.asked.Store(0)
	if got := b.ask(b.site.URL + "/round"); got.Code == http.StatusOK || b.asked.Load() != maxRedirects+1 {
		t.Errorf("a round of redirections: %d after %d", got.Code, b.asked.Load())
	}
}

// TestSealedAddresses: only what we sealed is fetched, with any key that is still kept, and until its end.
func TestSealedAddresses(t *testing.T) {
	b := newBench(t, Limits{})
	b.serve = func(w http.ResponseWriter, r *http.Request) { w.Write(pictureOf(t, "image/png", 1, 1)) }
	address, _ := strings.CutPrefix(b.Remote(mail.AccountID(7), b.site.URL), "https://content.example")
	if strings.Contains(address, "127.0.0.1") {
		t.Error("it can be read")
	}
	b.keys = append([][]byte{bytes.Repeat([]byte{2}, 32)}, b.keys...)
	if got := b.path(address); got.Code != http.StatusOK {
		t.Errorf("with an older key: %d", got.Code)
	}
	b.keys = b.keys[:1]
	turned := []byte(address)
	turned[len(turned)/2] ^= 1
	old, err := b.seal(t.Context(), asked{b.site.URL, "", time.Now().Add(-time.Minute).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"of a key that is gone": address, "changed": string(turned), "cut": address[:40], "none": "/picture/", "an address": "/picture/https:%2f%2fexample.com",
		"over": picturePath + old, "another path": "/", "too long": picturePath + strings.Repeat("A", maxSealed+4),
	} {
		if got := b.path(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
}

// TestKeptPictures: a picture is fetched once, and a large one is not.
func TestKeptPictures(t *testing.T) {
	b := newBench(t, Limits{Octets: 4096, Cache: 64 << 10})
	p := pictureOf(t, "image/png", 1, 1)
	b.serve = func(w http.ResponseWriter, r *http.Request) {
		w.Write(p)
		if r.URL.Path == "/large" {
			w.Write(make([]byte, 4096))
		}
	}
	for range 3 {
		if got := b.ask(b.site.URL + "/one"); got.Code != http.StatusOK {
			t.Fatal(got.Code)
		}
	}
	if n := b.asked.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	if got := b.ask(b.site.URL + "/large"); got.Code != http.StatusNotFound {
		t.Errorf("a large one: %d", got.Code)
	}
	now := time.Now()
	c := newCache(80, time.Hour)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		c.put(name, picture{"image/png", make([]byte, 10)}, now)
	}
	if _, ok := c.get("a", now); ok || c.used != 80 || len(c.known) != 8 {
		t.Errorf("%d octets, %d pictures", c.used, len(c.known))
	}
	if _, ok := c.get("j", now.Add(2*time.Hour)); ok || c.used != 70 {
		t.Error("kept for ever")
	}
}

// TestTurns: an account fetches a few at a time, and who waits too long is told.
func TestTurns(t *testing.T) {
	turns := newTurns(3, 2)
	ctx, cancel := context.WithCancel(t.Context())
	first, err := turns.take(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := turns.take(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	late, stop := context.WithCancel(ctx)
	stop()
	if _, err := turns.take(late, "a"); !mail.Is(err, mail.Busy) {
		t.Errorf("a third of one account: %v", err)
	}
	if _, err := turns.take(ctx, "b"); err != nil {
		t.Errorf("another account: %v", err)
	}
	if _, err := turns.take(late, "c"); !mail.Is(err, mail.Busy) {
		t.Errorf("a fourth: %v", err)
	}
	first()
	if _, err := turns.take(ctx, "c"); err != nil {
		t.Errorf("after one ended: %v", err)
	}
	cancel()
	if len(turns.held) != 3 {
		t.Errorf("%d accounts are remembered", len(turns.held))
	}
}

// slow is somebody who takes what he asked for when he is told to.
type slow struct {
	*httptest.ResponseRecorder
	begun, release chan struct{}
}

func (w *slow) Write(b []byte) (int, error) {
	close(w.begun)
	<-w.release
	return w.ResponseRecorder.Write(b)
}

// TestSlowTakers: pictures that nobody takes hold a bounded part of the memory, and requests that wait are bounded too.
func TestSlowTakers(t *testing.T) {
	shown := pictureOf(t, "image/png", 8, 8)
	for name, l := range map[string]Limits{"octets": {Sending: int64(len(shown)) + 1}, "requests": {Asking: 1}} {
		b := newBench(t, l)
		b.serve = func(w http.ResponseWriter, _ *http.Request) { w.Write(shown) }
		url := strings.TrimPrefix(b.Remote(1, b.site.URL+"/a.png"), "https://content.example")
		w := &slow{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			b.Handler().ServeHTTP(w, httptest.NewRequest("GET", url, nil))
		}()
		<-w.begun
		if r := b.path(url); r.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", name, r.Code)
		}
		other := strings.TrimPrefix(b.Remote(2, b.site.URL+"/a.png"), "https://content.example")
		if r := b.path(other); r.Code != http.StatusOK {
			t.Errorf("%s: of another account: %d", name, r.Code)
		}
		close(w.release)
		<-ended
		if r := b.path(url); r.Code != http.StatusOK || w.Code != http.StatusOK {
			t.Errorf("%s: afterwards %d, %d", name, r.Code, w.Code)
		}
	}
}

// FuzzSize: no picture's beginning breaks the reading of its size.
func FuzzSize(f *testing.F) {
	f.Add([]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0a\x00\x00\x00\x2f\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		s := &Server{limits: Limits{}.orDefaults()}
		if p, err := s.checked(octets); err == nil && !slices.Contains(kinds, p.kind) {
			t.Errorf("%q", p.kind)
		}
	})
}
