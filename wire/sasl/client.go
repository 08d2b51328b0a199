package sasl

import (
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"

	"tegami/mail"
)

// A Client is the client's side of one exchange. It is used once.
type Client interface {
	// Mechanism is the name to send.
	Mechanism() string
	// Next answers a challenge. The first call passes nil and gives the initial
	// response, nil where the mechanism has none. An error means the server can't be
	// trusted or makes no sense: the exchange must be cancelled.
	Next(challenge []byte) (response []byte, err error)
	// Verify is called after the server said that it went well, and tells whether
	// the server has proved that it knows the password too; nil for mechanisms
	// without such a proof.
	Verify() error
}

// NewClient makes the client's side of the strongest mechanism that is offered and
// that the channel allows. Without TLS only SCRAM is taken: PLAIN and LOGIN would
// show the password. Nothing usable gives NotFound with the key "auth.mechanism".
func NewClient(offered []string, user, password string, c Channel) (Client, error) {
	has := make(map[string]bool, len(offered))
	for _, name := range offered {
		has[upper(name)] = true
	}
	switch {
	case has[ScramPlus] && c.Bindable():
		return NewScramClient(user, password, c, true), nil
	case has[Scram]:
		return NewScramClient(user, password, c, has[ScramPlus]), nil
	case has[Plain] && c.TLS != nil:
		return NewPlainClient(user, password), nil
	case has[Login] && c.TLS != nil:
		return NewLoginClient(user, password), nil
	}
	return nil, mail.E("sasl.NewClient", mail.NotFound, "auth.mechanism", strings.Join(offered, " "))
}

// NewPlainClient speaks PLAIN. For use over TLS only.
func NewPlainClient(user, password string) Client { return &plainClient{user, password} }

type plainClient struct{ user, password string }

func (c *plainClient) Mechanism() string { return Plain }
func (c *plainClient) Verify() error     { return nil }

func (c *plainClient) Next([]byte) ([]byte, error) {
	return []byte("\x00" + c.user + "\x00" + c.password), nil
}

// NewLoginClient speaks LOGIN. For use over TLS only.
func NewLoginClient(user, password string) Client {
	return &loginClient{user: user, password: password}
}

type loginClient struct {
	user, password string
	step           int
}

func (c *loginClient) Mechanism() string { return Login }
func (c *loginClient) Verify() error     { return nil }

func (c *loginClient) Next(challenge []byte) ([]byte, error) {
	if challenge == nil {
		return nil, nil
	}
	c.step++
	switch c.step { // by position: servers word their prompts in many ways
	case 1:
		return []byte(c.user), nil
	case 2:
		return []byte(c.password), nil
	}
	return nil, malformed("sasl.LoginClient")
}

// NewScramClient speaks SCRAM-SHA-256-PLUS when the server offered it (plusOffered)
// and the channel has a binding, else SCRAM-SHA-256.
func NewScramClient(user, password string, ch Channel, plusOffered bool) Client {
	c := &scramClient{user: user, password: password, nonce: newNonce(), header: "n,,"}
	switch name := ch.preferred(); {
	case name != "" && plusOffered:
		c.header, c.binding = "p="+name+",,", ch.data(name)
	case name != "":
		c.header = "y,," // we could, the server seems not to: it will notice if that was a lie
	}
	return c
}

type scramClient struct {
	user, password string
	nonce          string
	header         string
	binding        []byte
	bare           string
	signature      []byte // what the server must show
	step           int
	verified       bool
}

func (c *scramClient) Mechanism() string {
	if c.binding != nil {
		return ScramPlus
	}
	return Scram
}

func (c *scramClient) Verify() error {
	if !c.verified {
		return failed("sasl.ScramClient")
	}
	return nil
}

func (c *scramClient) Next(challenge []byte) ([]byte, error) {
	if challenge == nil || c.step == 0 && len(challenge) == 0 {
		return c.first()
	}
	c.step++
	switch {
	case len(challenge) > MaxMessage:
		return nil, tooLong("sasl.ScramClient")
	case c.step == 2:
		return c.final(string(challenge))
	case c.step == 3:
		return []byte{}, c.check(string(challenge))
	}
	return nil, malformed("sasl.ScramClient")
}

func (c *scramClient) first() ([]byte, error) {
	user, err := prepareUser("sasl.ScramClient", c.user)
	if err != nil {
		return nil, err
	}
	c.step = 1
	c.bare = "n=" + escapeName.Replace(user) + ",r=" + c.nonce
	return []byte(c.header + c.bare), nil
}

// final answers server-first-message with the proof.
func (c *scramClient) final(first string) ([]byte, error) {
	const op = "sasl.ScramClient"
	nonce, rest, ok1 := attribute(first, 'r')
	salt64, rest, ok2 := attribute(rest, 's')
	count, _, ok3 := attribute(rest, 'i')
	salt, err1 := base64.StdEncoding.DecodeString(salt64)
	n, err2 := strconv.Atoi(count)
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil || len(salt) == 0 || n < MinIterations || n > MaxIterations {
		return nil, malformed(op)
	}
	if !strings.HasPrefix(nonce, c.nonce) || len(nonce) == len(c.nonce) {
		return nil, failed(op) // not an answer to our message
	}
	password, err := preparePassword(op, c.password)
	if err != nil {
		return nil, err
	}
	keys, err := deriveKeys(password, salt, n)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	bound := append([]byte(c.header), c.binding...)
	without := "c=" + base64.StdEncoding.EncodeToString(bound) + ",r=" + nonce
	authMessage := c.bare + "," + first + "," + without
	c.signature = mac(keys.server, authMessage)
	return []byte(without + ",p=" + base64.StdEncoding.EncodeToString(keys.proof(authMessage))), nil
}

// check reads server-final-message.
func (c *scramClient) check(final string) error {
	value, _, ok := attribute(final, 'v')
	got, err := base64.StdEncoding.DecodeString(value)
	if !ok || err != nil || subtle.ConstantTimeCompare(got, c.signature) != 1 {
		return failed("sasl.ScramClient")
	}
	c.verified = true
	return nil
}
