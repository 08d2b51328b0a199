package push

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/store"
	"tegami/store/embedded"
	"tegami/wire/reach"
)

func b64(t testing.TB, text string) []byte {
	t.Helper()
	out, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEncrypt is RFC 8291 §5 and Appendix A.
func TestEncrypt(t *testing.T) {
	keys := Keys{
		P256DH: b64(t, "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
		Auth:   b64(t, "BTBZMqHH6r4Tts7J_aSIgg"),
	}
	own, err := ecdh.P256().NewPrivateKey(b64(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := keys.seal([]byte("When I grow up, I want to be a watermelon"), own, b64(t, "DGv6ra1nlYgDCS1FRnbzlw"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if text := base64.RawURLEncoding.EncodeToString(got); text != want {
		t.Errorf("%s", text)
	}
	if _, err := keys.encrypt(make([]byte, maxPlain+1)); !mail.Is(err, mail.Full) {
		t.Error(err)
	}
	if body, err := keys.encrypt(make([]byte, maxPlain)); err != nil || len(body) > recordSize {
		t.Errorf("%d %v", len(body), err)
	}
	for _, wrong := range []Keys{{}, {P256DH: keys.P256DH}, {P256DH: keys.P256DH[:64], Auth: keys.Auth}, {P256DH: make([]byte, 65), Auth: keys.Auth}} {
		if err := wrong.check(); !mail.Is(err, mail.Invalid) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

// decrypt is what a browser does with a push.
func decrypt(t testing.TB, own *ecdh.PrivateKey, auth, body []byte) []byte {
	t.Helper()
	salt, size, n := body[:16], binary.BigEndian.Uint32(body[16:]), int(body[20])
	server, sealed := body[21:21+n], body[21+n:]
	theirs, err := ecdh.P256().NewPublicKey(server)
	if err != nil || size != recordSize {
		t.Fatal(err, size)
	}
	shared, err := own.ECDH(theirs)
	if err != nil {
		t.Fatal(err)
	}
	keying, _ := hkdf.Key(sha256.New, shared, auth, "WebPush: info\x00"+string(own.PublicKey().Bytes())+string(server), 32)
	key, _ := hkdf.Key(sha256.New, keying, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, _ := hkdf.Key(sha256.New, keying, salt, "Content-Encoding: nonce\x00", 12)
	aead, err := gcm(key)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := aead.Open(nil, nonce, sealed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(plain, []byte{2})
}

// signed verifies an Authorization (RFC 8292 §2) and gives its claims.
func signed(t testing.TB, header string) (claims struct {
	Aud, Sub string
	Exp      int64
}) {
	t.Helper()
	token, key, ok := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	parts := strings.Split(token, ".")
	if !ok || len(parts) != 3 {
		t.Fatalf("%q", header)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b64(t, key))
	if err != nil {
		t.Fatal(err)
	}
	sum, sign := sha256.Sum256([]byte(parts[0]+"."+parts[1])), b64(t, parts[2])
	if len(sign) != 64 || !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sign[:32]), new(big.Int).SetBytes(sign[32:])) {
		t.Errorf("the signature is wrong: %q", header)
	}
	if string(b64(t, parts[0])) != `{"typ":"JWT","alg":"ES256"}` {
		t.Errorf("%s", b64(t, parts[0]))
	}
	if err := json.Unmarshal(b64(t, parts[1]), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestVAPID: RFC 8292.
func TestVAPID(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSigner(key, "mailto:postmaster@alpha.example")
	if err != nil {
		t.Fatal(err)
	}
	at, _ := url.Parse("https://push.example:8443/p/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV")
	now := time.Now()
	header, err := s.header(at, now)
	if err != nil {
		t.Fatal(err)
	}
	c := signed(t, header)
	if c.Aud != "https://push.example:8443" || c.Sub != "mailto:postmaster@alpha.example" || c.Exp <= now.Unix() || c.Exp > now.Add(24*time.Hour).Unix() {
		t.Errorf("%+v", c)
	}
}

// house is a platform as far as this room, and a push service.
type house struct {
	*testing.T
	svc    *Service
	store  store.Store
	dir    *directory.Directory
	boxes  *mailbox.Service
	who    *directory.Identity
	ops    mail.Actor
	server *httptest.Server
	status atomic.Int32
	pushes chan pushedTo
	own    *ecdh.PrivateKey
	auth   []byte
}

// pushedTo is a push as it came.
type pushedTo struct {
	header http.Header
	path   string
	body   []byte
}

const password = "correct horse battery"

func newHouse(t *testing.T) *house {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, store: st, dir: directory.New(st, directory.Config{Provision: mailbox.Provision}), ops: directory.Operator("test", ""), pushes: make(chan pushedTo, 16)}
	h.boxes = mailbox.New(st, h.dir, mailbox.Config{NoTextIndex: true})
	t.Cleanup(func() { st.Close() })
	h.status.Store(http.StatusCreated)
	h.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.pushes <- pushedTo{r.Header, r.URL.Path, body}
		w.WriteHeader(int(h.status.Load()))
	}))
	t.Cleanup(h.server.Close)
	roots := h.server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	h.svc = New(Config{Store: st, Directory: h.dir, Contact: "mailto:a@alpha.example", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots})
	tenant, err := h.dir.OpenTenant(t.Context(), h.ops, directory.TenantSpec{Name: "alpha.example", Start: time.Now().Add(-time.Hour)})
	h.must(err)
	c := h.dir.Company(tenant.ID)
	_, err = c.AddDomain(t.Context(), h.ops, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10})
	h.must(err)
	_, err = c.AddAccount(t.Context(), h.ops, directory.AccountSpec{Address: mail.Address{Local: "sato", Domain: "alpha.example"}, Password: password})
	h.must(err)
	h.who, err = h.dir.SignIn(t.Context(), mail.Origin{Door: "jmap"}, "jmap", "sato@alpha.example", password)
	h.must(err)
	h.own, err = ecdh.P256().GenerateKey(rand.Reader)
	h.must(err)
	h.auth = []byte("0123456789abcdef")
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// run pushes beside the test.
func (h *house) run() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.svc.Run(ctx) }()
	h.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			h.Error(err)
		}
	})
}

// subscribe makes a subscription and shows its code.
func (h *house) subscribe(path string, types []string) Subscription {
	h.Helper()
	s, err := h.svc.Subscribe(h.Context(), h.who, Subscription{Device: "d", URL: h.server.URL + path, Types: types, Keys: &Keys{h.own.PublicKey().Bytes(), h.auth}})
	h.must(err)
	var v verification
	h.must(json.Unmarshal(decrypt(h, h.own, h.auth, (<-h.pushes).body), &v))
	if v.Type != "PushVerification" || v.ID != "o"+s.ID.String() || v.Code == "" || s.Verified {
		h.Fatalf("%+v %+v", v, s)
	}
	wrong := v.Code + "x"
	if _, err := h.svc.Change(h.Context(), h.who, s.ID, Change{Code: &wrong}); !mail.Is(err, mail.Invalid) {
		h.Errorf("wrong code: %v", err)
	}
	s, err = h.svc.Change(h.Context(), h.who, s.ID, Change{Code: &v.Code})
	h.must(err)
	return s
}

func (h *house) deliver() {
	h.Helper()
	a, err := h.boxes.Open(h.Context(), h.who)
	h.must(err)
	up, err := a.Stage(h.Context(), 0)
	h.must(err)
	defer up.Release()
	_, err = up.Write([]byte("Subject: x\r\n\r\nx\r\n"))
	h.must(err)
	_, err = a.Append(h.Context(), "INBOX", []mailbox.Appended{{Upload: up}})
	h.must(err)
}

// next waits for a push, making changes until one is told: Run may look at the subscriptions behind the first.
func (h *house) next() pushedTo {
	h.Helper()
	for {
		h.deliver()
		select {
		case p := <-h.pushes:
			return p
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// TestPush: a message that comes is told to a browser, encrypted and signed (RFC 8620 §7.2, RFC 8030, RFC 8291, RFC 8292).
func TestPush(t *testing.T) {
	h := newHouse(t)
	s := h.subscribe("/one", []string{"EmailDelivery", "ContactCard"})
	h.run()
	p := h.next()
	var change struct {
		Type    string `json:"@type"`
		Changed map[string]map[string]string
	}
	h.must(json.Unmarshal(decrypt(t, h.own, h.auth, p.body), &change))
	states := change.Changed["a"+h.who.Account().ID.String()]
	if change.Type != "StateChange" || len(change.Changed) != 1 || len(states) != 1 || states["EmailDelivery"] == "" {
		t.Errorf("%+v", change)
	}
	for name, want := range map[string]string{"Content-Encoding": "aes128gcm", "Ttl": "86400", "Urgency": "high", "Topic": strings.ToUpper(s.ID.String())} {
		if p.header.Get(name) != want {
			t.Errorf("%s: %q", name, p.header.Get(name))
		}
	}
	if c := signed(t, p.header.Get("Authorization")); c.Aud != h.server.URL {
		t.Errorf("%+v", c)
	}
	if key, err := h.svc.PublicKey(t.Context()); err != nil || !strings.HasSuffix(p.header.Get("Authorization"), ", k="+key) {
		t.Errorf("%s %v", key, err)
	}
}

// TestGone: a receiver that wants nothing any more ends its subscription.
func TestGone(t *testing.T) {
	h := newHouse(t)
	s := h.subscribe("/one", nil)
	h.status.Store(http.StatusGone)
	list, err := h.svc.subscribers(t.Context(), owner{h.who.Tenant(), h.who.Account().ID})
	h.must(err)
	h.svc.push(t.Context(), list[0], []byte("{}"), false)
	left, err := h.svc.List(t.Context(), h.who)
	h.must(err)
	if len(left) != 0 {
		t.Errorf("%v is still there", s.ID)
	}
}

// TestEndsWithPassword: a subscription goes with what its owner signed in with (RFC 8620 §7.2).
func TestEndsWithPassword(t *testing.T) {
	h := newHouse(t)
	h.subscribe("/one", nil)
	o := owner{h.who.Tenant(), h.who.Account().ID}
	h.must(h.dir.Company(o.tenant).SetPassword(t.Context(), h.ops, o.account, "another good password"))
	quota := ""
	if h.svc.pushed(t.Context(), o, mailbox.Moved{ModSeq: 1 << 40, Mail: true}, &quota) {
		t.Error("it was told")
	}
	list, err := h.svc.subscribers(t.Context(), o)
	h.must(err)
	if len(list) != 0 {
		t.Errorf("%v", list)
	}
}

// TestRefusedSubscriptions: what can't be subscribed, and how many.
func TestRefusedSubscriptions(t *testing.T) {
	h := newHouse(t)
	for _, at := range []string{"", "http://push.example/", "https://", "https://user@push.example/", "ftp://x", "https://push.example/#x", "https://push.example/" + strings.Repeat("x", 2048)} {
		if _, err := h.svc.Subscribe(t.Context(), h.who, Subscription{Device: "d", URL: at}); !mail.Is(err, mail.Invalid) {
			t.Errorf("%q: %v", at, err)
		}
	}
	for range MaxSubscriptions {
		_, err := h.svc.Subscribe(t.Context(), h.who, Subscription{Device: "d", URL: h.server.URL})
		h.must(err)
		<-h.pushes
	}
	if _, err := h.svc.Subscribe(t.Context(), h.who, Subscription{Device: "d", URL: h.server.URL}); !mail.Is(err, mail.Full) {
		t.Errorf("one too many: %v", err)
	}
}

// TestClosedNetworks: nobody has the platform send something into its own network.
func TestClosedNetworks(t *testing.T) {
	h := newHouse(t)
	s := New(Config{Store: h.store, Directory: h.dir})
	_, err := s.send(t.Context(), subscriber{h.who.Tenant(), 1, doc{URL: h.server.URL}}, []byte("{}"), false)
	if !errors.Is(err, reach.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// FuzzKeys: whatever a client calls keys, there is an error or an encryption.
func FuzzKeys(f *testing.F) {
	f.Add([]byte{4}, []byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, point, auth []byte) {
		k := Keys{point, auth}
		if k.check() != nil {
			return
		}
		if _, err := k.encrypt([]byte("x")); err != nil {
			t.Fatal(err)
		}
	})
}
