package passkey_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"testing"

	"tegami/directory"
	"tegami/directory/passkey"
	"tegami/mail"
	"tegami/store/embedded"
)

const page, password = "localhost:8443", "correct horse battery"

// A device holds one passkey, as a telephone does.
type device struct {
	*testing.T
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte
	count  uint32
	origin string
	flags  byte // 1: somebody was there, 4: and showed who
}

func newDevice(t *testing.T) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	return &device{T: t, key: key, id: id, origin: "https://" + page, flags: 5}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// client is what the browser says of a question.
func (d *device) client(kind string, options json.RawMessage) (data []byte, handle string) {
	d.Helper()
	var asked struct {
		PublicKey struct {
			Challenge string `json:"challenge"`
			User      struct {
				ID string `json:"id"`
			} `json:"user"`
		} `json:"publicKey"`
	}
	if err := json.Unmarshal(options, &asked); err != nil {
		d.Fatal(err)
	}
	data, _ = json.Marshal(map[string]any{"type": kind, "challenge": asked.PublicKey.Challenge, "origin": d.origin, "crossOrigin": false})
	return data, asked.PublicKey.User.ID
}

// head is the authenticator data without a credential.
func (d *device) head(flags byte) []byte {
	d.count++
	site := sha256.Sum256([]byte("localhost"))
	return binary.BigEndian.AppendUint32(append(site[:], flags), d.count)
}

// create answers navigator.credentials.create.
func (d *device) create(options json.RawMessage) json.RawMessage {
	d.Helper()
	client, handle := d.client("webauthn.create", options)
	d.handle, _ = base64.RawURLEncoding.DecodeString(handle)
	public, err := d.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		d.Fatal(err)
	}
	auth := append(d.head(d.flags|0x40), make([]byte, 16)...)
	auth = binary.BigEndian.AppendUint16(auth, uint16(len(d.id)))
	auth = append(auth, d.id...)
	auth = append(auth, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32) // a COSE key, ES256 on P-256
	auth = append(auth, public[1:33]...)
	auth = append(auth, 0x22, 0x58, 32)
	auth = append(auth, public[33:]...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(auth)))
	object = append(object, auth...)
	return d.answer(map[string]any{"clientDataJSON": b64(client), "attestationObject": b64(object)})
}

// get answers navigator.credentials.get.
func (d *device) get(options json.RawMessage) json.RawMessage {
	d.Helper()
	client, _ := d.client("webauthn.get", options)
	auth := d.head(d.flags)
	hash := sha256.Sum256(client)
	signed := sha256.Sum256(append(auth[:len(auth):len(auth)], hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, signed[:])
	if err != nil {
		d.Fatal(err)
	}
	return d.answer(map[string]any{
		"clientDataJSON": b64(client), "authenticatorData": b64(auth), "signature": b64(signature), "userHandle": b64(d.handle),
	})
}

func (d *device) answer(response map[string]any) json.RawMessage {
	text, err := json.Marshal(map[string]any{
		"id": b64(d.id), "rawId": b64(d.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	})
	if err != nil {
		d.Fatal(err)
	}
	return text
}

// A house is a directory with one account that has a passkey.
type house struct {
	*testing.T
	*directory.Directory
	ctx     context.Context
	browser directory.Browser
	device  *device
	caller  *directory.Caller
}

func newHouse(t *testing.T) *house {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	h := &house{T: t, Directory: directory.New(st, directory.Config{Passkeys: passkey.New("Tegami", "mail.tegami.example")}), ctx: context.Background(), device: newDevice(t)}
	h.browser.Origin = mail.Origin{Door: "web", Remote: netip.MustParseAddr("192.0.2.1")}
	ops := directory.Operator("test", "").For("test")
	tenant, err := h.OpenTenant(h.ctx, ops, directory.TenantSpec{Name: "アルファ商事"})
	h.must(err)
	c := h.Company(tenant.ID)
	_, err = c.AddDomain(h.ctx, ops, directory.DomainSpec{Name: "alpha.example", Plan: directory.Plan100MB, IDs: 10})
	h.must(err)
	_, err = c.AddAccount(h.ctx, ops, directory.AccountSpec{Address: mail.Address{Local: "sato", Domain: "alpha.example"}, Password: password})
	h.must(err)
	h.caller = h.enter(h.password())
	begun, err := h.RegisterPasskey(h.ctx, h.caller, page)
	h.must(err)
	codes, err := h.AddPasskey(h.ctx, h.caller, "電話", begun.Token, h.device.create(begun.Options))
	h.must(err)
	if len(codes) != directory.RecoveryCodes {
		t.Fatalf("%d recovery codes", len(codes))
	}
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) password() *directory.WebStep {
	h.Helper()
	step, err := h.BeginWeb(h.ctx, h.browser, "sato@alpha.example", password)
	h.must(err)
	return step
}

// enter wants a step that is done, and who is signed in.
func (h *house) enter(step *directory.WebStep) *directory.Caller {
	h.Helper()
	if step.Step != directory.StepDone {
		h.Fatalf("at step %s", step.Step)
	}
	c, err := h.CallerBySession(h.ctx, h.browser.Origin, step.Token)
	h.must(err)
	return c
}

func (h *house) refused(err error, key string) {
	h.Helper()
	if got, _ := mail.TextOf(err); err == nil || got != key {
		h.Errorf("got %v, want [%s]", err, key)
	}
}

// TestCP9Passkey: a passkey signs in alone and as a second factor, each answer once.
func TestCP9Passkey(t *testing.T) {
	h := newHouse(t)
	begun, err := h.BeginPasskey(h.ctx, h.browser, page, "")
	h.must(err)
	answer := h.device.get(begun.Options)
	step, err := h.ShowPasskey(h.ctx, h.browser, "", begun.Token, answer)
	h.must(err)
	if c := h.enter(step); c.Actor().Name() != "sato@alpha.example" {
		t.Errorf("signed in as %s", c.Actor().Name())
	}
	_, err = h.ShowPasskey(h.ctx, h.browser, "", begun.Token, answer)
	h.refused(err, "auth.passkey_wrong")

	second := h.password()
	if second.Step != directory.StepFactor {
		t.Fatalf("the password leads to %s", second.Step)
	}
	begun, err = h.BeginPasskey(h.ctx, h.browser, page, second.Token)
	h.must(err)
	_, err = h.ShowPasskey(h.ctx, h.browser, "", begun.Token, h.device.get(begun.Options)) // of another sign-in
	h.refused(err, "auth.step_over")
	step, err = h.ShowPasskey(h.ctx, h.browser, second.Token, begun.Token, h.device.get(begun.Options))
	h.must(err)
	h.enter(step)
}

// TestCP9PasskeyRefused: what does not prove enough opens nothing.
func TestCP9PasskeyRefused(t *testing.T) {
	h := newHouse(t)
	_, err := h.BeginPasskey(h.ctx, h.browser, "192.0.2.5:443", "")
	h.refused(err, "passkey.page")
	for name, spoil := range map[string]func(*device){
		"another site":           func(d *device) { d.origin = "https://localhost.example" },
		"without showing who":    func(d *device) { d.flags = 1 },
		"another key":            func(d *device) { d.key = newDevice(t).key },
		"another credential":     func(d *device) { d.id = newDevice(t).id },
		"a handle of nobody":     func(d *device) { d.handle = make([]byte, 32) },
		"a counter that is back": func(d *device) { d.count = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			begun, err := h.BeginPasskey(h.ctx, h.browser, page, "")
			h.must(err)
			spoiled := *h.device
			spoil(&spoiled)
			_, err = h.ShowPasskey(h.ctx, h.browser, "", begun.Token, spoiled.get(begun.Options))
			h.refused(err, "auth.passkey_wrong")
		})
	}
}

// FuzzHandle reads what a browser answered.
func FuzzHandle(f *testing.F) {
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}`))
	v := passkey.New("Tegami", "mail.tegami.example")
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, err := v.Handle(answer); err != nil && !mail.Is(err, mail.Invalid) {
			t.Error(err)
		}
		u := directory.PasskeyUser{Page: page, Handle: []byte("x")}
		if _, err := v.Registered(u, json.RawMessage(`{"challenge":"AAAAAAAAAAAAAAAAAAAAAA"}`), answer); err == nil {
			t.Error("taken")
		}
	})
}
