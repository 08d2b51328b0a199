package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tegami/app"
	"tegami/cmd/console"
	"tegami/mail"
	"tegami/obs"
)

type demoCommand struct {
	Data      string `help:"The folder to keep it in: empty, or of an earlier demo." required:"" type:"path"`
	PortBase  int    `help:"The first of the ports on 127.0.0.1." default:"24000"`
	Accounts  int    `help:"How many accounts the first company has, 100 at least unless you say so." default:"120"`
	Password  string `help:"The password of all accounts; default a random one."`
	Smarthost string `help:"HOST:PORT that takes all mail for other hosts, signed, and tried again after seconds. Without it the demo sends nothing outside: such mail waits." placeholder:"HOST:PORT"`
	DNS       string `help:"A resolver to ask about other hosts, such as 127.0.0.1:5353. With it mail from outside is authenticated; without, nobody is asked." name:"dns" placeholder:"ADDRESS:PORT"`
	Unsigned  bool   `help:"Don't sign what leaves (DKIM): for measuring."`
	Letters   bool   `help:"Put some mail into the boxes of the first people, to have something to read."`
	More      int    `help:"How many companies with one account there are besides: user0@c0.example and on. For measuring many companies."`
}

// demoProtocols are the doors of the demo, in the order of their ports. vpnDoor is the door of its VPN zone: what connects there from
// this machine is in the first company's network, and may send for its domain without signing in (SV-9).
var demoProtocols = []string{"smtp", "smtps", "imap", "imaps", "pop3", "pop3s", "https", "submission", vpnDoor, "sieve", contentDoor}

const vpnDoor = "smtp in the VPN"

// contentDoor is where remote pictures of mail come from. Its origin is the address where the pages' is a name, since cookies know no ports.
const contentDoor = "https-content"

// demoState is what demo.json says once every door answers.
type demoState struct {
	SMTP       string `json:"smtp"`
	SMTPS      string `json:"smtps"`
	IMAP       string `json:"imap"`
	IMAPS      string `json:"imaps"`
	POP3       string `json:"pop3"`
	POP3S      string `json:"pop3s"`
	HTTPS      string `json:"https"`
	Submission string `json:"submission"`
	SMTPVPN    string `json:"smtpVPN"`
	Sieve      string `json:"sieve"`
	CA         string `json:"ca"`
	Panel      string `json:"panel"`
	Webmail    string `json:"webmail"`
	API        string `json:"api"`
	// OperatorKey and OwnerKey are API keys: of the operator, and of the first company's owner.
	OperatorKey string        `json:"operatorKey"`
	OwnerKey    string        `json:"ownerKey"`
	Operator    demoAccount   `json:"operator"` // for the panel's sign-in page
	Accounts    []demoAccount `json:"accounts"`
}

type demoAccount struct {
	Address  string   `json:"address"`
	Password string   `json:"password"`
	Roles    []string `json:"roles"`
}

// Run serves the demonstration until the process is asked to end.
func (c demoCommand) Run(sh *shell) error {
	password, err := c.prepare()
	if err != nil {
		return err
	}
	log := obs.NewLog(sh.err, obs.LogText, slog.LevelWarn)
	p, err := app.Open(sh.ctx, c.config(), log)
	if err != nil {
		return err
	}
	operator, err := c.operatorPassword(password)
	if err != nil {
		return errors.Join(err, p.Close())
	}
	accounts, keys, err := seed(sh.ctx, p, demoPlan{c.Accounts, c.More, password, operator})
	if err != nil {
		return errors.Join(err, p.Close())
	}
	if c.Letters {
		if err := c.postLetters(sh.ctx, p, accounts); err != nil {
			return errors.Join(err, p.Close())
		}
	}
	err = runPlatform(sh, p, c.config(), log, func() error {
		return c.announce(sh, p, demoState{
			Accounts: accounts, OperatorKey: keys.operator, OwnerKey: keys.owner,
			Operator: demoAccount{demoOperator, operator, []string{demoOperator}},
		})
	})
	return errors.Join(err, c.forget())
}

// Files of a demo's folder beside those of the store.
const (
	stateFile    = "demo.json"
	passwordFile = "demo.password" // of all accounts; also the mark of a demo's folder
	operatorFile = "demo.operator" // of the operator
)

// prepare makes the folder, or takes up that of an earlier demo, and gives the accounts' password.
func (c demoCommand) prepare() (string, error) {
	const op = "tegami.demo"
	broken := func(err error) error { return mail.Because(op, mail.Unavailable, "demo.folder", err) }
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return "", broken(err)
	}
	kept, err := os.ReadFile(filepath.Join(c.Data, passwordFile))
	if err == nil {
		if c.Password != "" && c.Password != string(kept) {
			return "", mail.E(op, mail.Conflict, "demo.other_password", c.Data)
		}
		return string(kept), c.forget()
	}
	entries, err := os.ReadDir(c.Data)
	if err != nil {
		return "", broken(err)
	}
	if len(entries) > 0 {
		return "", mail.E(op, mail.Conflict, "demo.not_empty", c.Data)
	}
	password := c.Password
	if password == "" {
		password = strings.ToLower(rand.Text()[:16])
	}
	if err := os.WriteFile(filepath.Join(c.Data, passwordFile), []byte(password), 0o600); err != nil {
		return "", broken(err)
	}
	return password, nil
}

// operatorPassword gives the operator's password: that of the accounts where it is a random one, else one of its own, since an
// operator's must not be easily guessed.
func (c demoCommand) operatorPassword(ofAccounts string) (string, error) {
	path := filepath.Join(c.Data, operatorFile)
	kept, err := os.ReadFile(path)
	if err == nil {
		return string(kept), nil
	}
	if c.Password != "" {
		ofAccounts = strings.ToLower(rand.Text()[:16])
	}
	if err := os.WriteFile(path, []byte(ofAccounts), 0o600); err != nil {
		return "", mail.Because("tegami.demo", mail.Unavailable, "demo.folder", err)
	}
	return ofAccounts, nil
}

// forget removes demo.json, which says that the doors answer.
func (c demoCommand) forget() error {
	err := os.Remove(filepath.Join(c.Data, stateFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return mail.Because("tegami.demo", mail.Unavailable, "demo.folder", err)
	}
	return nil
}

// config is the boot file of a demo: every protocol on loopback, from the base port upwards. Nothing of it is asked or sent
// beyond what the flags name.
func (c demoCommand) config() app.Config {
	cfg := app.DefaultConfig()
	cfg.Hostname, cfg.Data = "mail.tegami.example", c.Data
	for i, protocol := range demoProtocols {
		l := app.ListenConfig{Protocol: protocol, Address: fmt.Sprintf("127.0.0.1:%d", c.PortBase+i), Zone: string(mail.ZoneInternet), PlainAuth: true}
		if protocol == vpnDoor {
			l.Protocol, l.Zone = "smtp", string(mail.ZoneVPN)
		}
		if protocol == contentDoor {
			cfg.Web.ContentURL = "https://" + l.Address
		}
		cfg.Listen = append(cfg.Listen, l)
	}
	cfg.Inbound.Authenticate = c.DNS != ""
	cfg.DNS.Servers = []string{cmp.Or(c.DNS, noResolver)}
	cfg.Relay.SmartHost, cfg.Relay.Sign = c.Smarthost, !c.Unsigned
	cfg.Queue.FirstRetry, cfg.Queue.MaxRetry = app.Duration(2*time.Second), app.Duration(10*time.Second)
	cfg.Sending = app.SendingConfig{AccountHour: -1, AccountDay: -1, DomainHour: -1, DomainDay: -1, CompanyHour: -1, CompanyDay: -1}
	return cfg
}

// noResolver is where nobody answers: a demo looks nobody up.
const noResolver = "127.0.0.1:9"

// announce waits until every door answers, writes demo.json and says where to go.
func (c demoCommand) announce(sh *shell, p *app.Platform, state demoState) error {
	at := map[string]string{}
	for _, l := range p.Listeners() {
		door := l.Protocol
		if l.Zone == mail.ZoneVPN {
			door = vpnDoor
		}
		at[door] = l.Address.String()
		if err := answers(sh.ctx, l); err != nil {
			return err
		}
	}
	ca, err := filepath.Abs(p.Authority())
	if err != nil {
		return mail.Because("tegami.demo", mail.Unavailable, "demo.folder", err)
	}
	state.open(at, ca)
	if err := state.write(filepath.Join(c.Data, stateFile)); err != nil {
		return mail.Because("tegami.demo", mail.Unavailable, "demo.folder", err)
	}
	fmt.Fprintln(sh.out, sh.text("demo.ready", state.Panel, state.Accounts[0].Address, state.Accounts[0].Password, demoOperator, state.Operator.Password, filepath.Join(c.Data, stateFile)))
	if engines := p.VirusEngines(); len(engines) > 0 {
		fmt.Fprintln(sh.out, sh.text("demo.virus", strings.Join(engines, ", ")))
	} else {
		fmt.Fprintln(sh.out, sh.text("demo.virus_none"))
	}
	return console.WriteTable(sh.out, [][]string{
		{"SMTP", state.SMTP, "SMTPS", state.SMTPS}, {"IMAP", state.IMAP, "IMAPS", state.IMAPS}, {"POP3", state.POP3, "POP3S", state.POP3S},
		{"587", state.Submission, "VPN", state.SMTPVPN},
		{"Sieve", state.Sieve, "CA", ca},
	})
}

// open fills in where the doors are.
func (s *demoState) open(at map[string]string, ca string) {
	s.SMTP, s.SMTPS, s.Submission, s.SMTPVPN = at["smtp"], at["smtps"], at["submission"], at[vpnDoor]
	s.IMAP, s.IMAPS, s.POP3, s.POP3S, s.Sieve = at["imap"], at["imaps"], at["pop3"], at["pop3s"], at["sieve"]
	s.HTTPS, s.CA = at["https"], ca
	_, port, _ := net.SplitHostPort(s.HTTPS) // it is one of our listeners
	site := "https://localhost:" + port      // passkeys are bound to a name
	s.Panel, s.Webmail, s.API = site+"/panel/", site+"/", "https://"+s.HTTPS+"/api/v1"
}

// write puts the file there in one step, so that nobody reads half of it.
func (s demoState) write(path string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// answerTimeout is how long a door of the demo may take to say its first word.
const answerTimeout = 10 * time.Second

// answers connects to a door and waits for its greeting, or for its part of the TLS handshake.
func answers(ctx context.Context, l app.Listening) error {
	const op = "tegami.demo"
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	silent := func(err error) error { return mail.Because(op, mail.Unavailable, "demo.silent", err) }
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", l.Address.String())
	if err != nil {
		return silent(err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if strings.HasSuffix(l.Protocol, "s") || l.Protocol == contentDoor {
		// Only whether it answers is asked; what it shows is not relied on.
		if err := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx); err != nil {
			return silent(err)
		}
		return nil
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return silent(err)
	}
	return nil
}
