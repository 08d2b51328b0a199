package app

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"tegami/mail"
	"tegami/obs"
	"tegami/policy/virus"
	"tegami/trace"
)

// Config is the boot file: what a process must know before it can open its store. The text of each
// doc tag is the setting's documentation; docs/config.md, the example file and
// `tegami config` are made from it.
type Config struct {
	Hostname    string         `toml:"hostname" doc:"The name of this server: in greetings, Received fields and the self-made certificate. The MX records point to it. Empty: the name of the machine."`
	Postmaster  string         `toml:"postmaster" doc:"Who gets mail for postmaster of this server (RFC 5321 §4.5.1): the address of an account here, such as admin@company.example. Empty: such mail is refused as for an unknown recipient. The postmaster of a company's domain is its alias of that name or its first administrator."`
	Data        string         `toml:"data" doc:"The folder everything is kept in. It is made if it does not exist, for the owner only."`
	Node        int            `toml:"node" doc:"The number of this process among those that share a store, 0 to 1023. No two may have the same: it is part of every id."`
	StopTimeout Duration       `toml:"stop_timeout" doc:"How long a stop waits for commands that run, before connections are cut."`
	Log         LogConfig      `toml:"log" doc:"What is written to standard error."`
	TLS         TLSConfig      `toml:"tls" doc:"The certificate of all listeners. Without one, the server makes its own authority and certificate in the data folder and renews it; mail software must then be told to trust DATA/tls/ca.pem."`
	Cluster     ClusterConfig  `toml:"cluster" doc:"Keeping the state in PostgreSQL instead of the data folder."`
	DNS         DNSConfig      `toml:"dns" doc:"Who answers questions about other domains."`
	Inbound     InboundConfig  `toml:"inbound" doc:"Mail that comes in from other hosts."`
	Virus       VirusConfig    `toml:"virus" doc:"Looking for viruses in mail of both directions (VC-1). The test file of all engines (EICAR) is always known."`
	Spam        SpamConfig     `toml:"spam" doc:"The spam filter (SF-1). It needs nothing set: this is who else may be asked about mail from outside."`
	Sending     SendingConfig  `toml:"sending" doc:"How many recipients at other hosts may be written to (ML-10). What is over a limit is held, and the administrators are told. A company's own settings go before these. 0: the default shown here; -1: no limit."`
	Queue       QueueConfig    `toml:"queue" doc:"How long what could not be delivered is tried."`
	Relay       RelayConfig    `toml:"relay" doc:"Mail that goes out to other hosts."`
	LDAP        LDAPConfig     `toml:"ldap" doc:"Companies' own directories, from which accounts are taken."`
	Webhooks    WebhooksConfig `toml:"webhooks" doc:"Companies' own programs, which are told of events."`
	Search      SearchConfig   `toml:"search" doc:"Finding mail by its text."`
	Reports     ReportsConfig  `toml:"reports" doc:"Daily reports to other domains about mail in their name (DMARC, RFC 9990) and TLS to their hosts (RFC 8460). Those that others send about our domains are always read: tegami admin report."`
	HTTP        HTTPConfig     `toml:"http" doc:"The HTTPS listeners: pages, the API, settings of mail software."`
	Web         WebConfig      `toml:"web" doc:"The webmail, and what it shows of mail."`
	Trace       TraceConfig    `toml:"trace" doc:"The message trace (CP-8)."`
	Metrics     MetricsConfig  `toml:"metrics" doc:"The figures for monitoring, at /metrics of the HTTPS listeners."`
	Listen      []ListenConfig `toml:"listen" doc:"Where the server can be reached. Give as many as you like; without any, these are taken: smtp on 25, smtps on 465, imaps on 993, pop3s on 995, sieve on 4190 and https on 443, all on every address and in the internet zone."`
}

// LogConfig says what is logged.
type LogConfig struct {
	Level string `toml:"level" doc:"The least that is written: debug, info, warn or error."`
	Form  string `toml:"form" doc:"text (key=value) or json (an object a line)."`
}

// TLSConfig says where the certificate is.
type TLSConfig struct {
	Certificate string `toml:"certificate" doc:"PEM file with the certificate and those between it and the root. Read again when it changes. Empty: the server makes its own."`
	Key         string `toml:"key" doc:"PEM file with the private key."`
}

// ClusterConfig says where the state of a cluster is.
type ClusterConfig struct {
	Database          string `toml:"database" doc:"URL of the PostgreSQL database (15 or newer), such as postgres://tegami@db.example/tegami. Empty: everything is in the data folder."`
	DatabaseFile      string `toml:"database_file" doc:"File that holds the URL instead, for one with a password in it."`
	OwnerDatabase     string `toml:"owner_database" doc:"The same database as the role that owns the tables: with it, a start brings them to this program's version. Empty: that is done by another process, and a start with tables of another version fails."`
	OwnerDatabaseFile string `toml:"owner_database_file" doc:"File that holds that URL instead."`
	Blobs             string `toml:"blobs" doc:"Folder for the octets of messages, which all processes of the cluster must share. Empty: blobs in the data folder."`
}

// DNSConfig says who is asked.
type DNSConfig struct {
	Servers []string `toml:"servers" doc:"Recursive resolvers, such as 127.0.0.1 or [::1]:53, asked in this order. Empty: those of /etc/resolv.conf."`
	Trust   bool     `toml:"trust_ad" doc:"The resolvers verify DNSSEC and nobody can step in between, as with unbound on this machine: then DANE is used (RFC 7672)."`
}

// InboundConfig is about mail from outside.
type InboundConfig struct {
	Authenticate   bool     `toml:"authenticate" doc:"Find out who sent a message by SPF, DKIM, DMARC and ARC, write Authentication-Results, and refuse what its domain wants refused (DMARC)."`
	TrustedSealers []string `toml:"trusted_sealers" doc:"Domains of forwarders and lists whose ARC seals are believed: mail they passed on is not refused for failing DMARC, if it passed there."`
}

// VirusConfig says who looks for viruses.
type VirusConfig struct {
	Clamd   []string `toml:"clamd" doc:"ClamAV's daemons that are asked: HOST:PORT, the path of a socket, or auto for the socket in a usual place, where there is one at the start. One that is named and does not answer makes mail wait, or pass marked, as each company chose. Its StreamMaxLength must be larger than the largest message."`
	Timeout Duration `toml:"timeout" doc:"How long the engines have for one message together."`
}

// SpamConfig says who is asked beside the filter.
type SpamConfig struct {
	Lists    []string `toml:"lists" doc:"DNS lists (RFC 5782), such as bl.example.org; domains:dbl.example.org for one that lists domains, and with =2.5 behind it for one that weighs other than 2 in log odds. Mind their terms of use: they learn who writes to you."`
	Rspamd   string   `toml:"rspamd" doc:"An Rspamd whose opinion is one more reason: http://127.0.0.1:11333. Empty: none."`
	Greylist bool     `toml:"greylist" doc:"Ask strangers whose mail may be spam or not to come again, once. Other mail is never delayed."`
}

// SendingConfig are the limits of ML-10.
type SendingConfig struct {
	AccountHour int `toml:"account_hour" doc:"Recipients of one account within an hour."`
	AccountDay  int `toml:"account_day" doc:"Recipients of one account within a day."`
	DomainHour  int `toml:"domain_hour" doc:"Recipients of one domain's accounts within an hour."`
	DomainDay   int `toml:"domain_day" doc:"Recipients of one domain's accounts within a day."`
	CompanyHour int `toml:"company_hour" doc:"Recipients of one company within an hour."`
	CompanyDay  int `toml:"company_day" doc:"Recipients of one company within a day."`
}

// QueueConfig says how often and how long delivery is tried.
type QueueConfig struct {
	FirstRetry Duration `toml:"first_retry" doc:"After the first failure; the time then doubles."`
	MaxRetry   Duration `toml:"max_retry" doc:"The longest time between two tries."`
	Lifetime   Duration `toml:"lifetime" doc:"After this the message goes back to its sender (RFC 5321 §4.5.4.1: at least 4 to 5 days)."`
	WarnAfter  Duration `toml:"warn_after" doc:"After this the sender is told of the delay, once."`
}

// LDAPConfig is about companies' own directories. Companies name the hosts, so this says where connections may go.
type LDAPConfig struct {
	Allow []string `toml:"allow" doc:"Networks that may be connected to although they are loopback, link-local or this machine's own, such as 192.0.2.0/24. By default none."`
	Deny  []string `toml:"deny" doc:"Networks that must not be connected to: those of the platform's own machines, such as 10.0.0.0/8. Loopback, link-local and this machine's addresses need no entry."`
	Ports []int    `toml:"ports" doc:"Ports that may be connected to. Empty: 389, 636, 3268 and 3269."`
}

// WebhooksConfig says where webhooks may lead.
type WebhooksConfig struct {
	Allow []string `toml:"allow" doc:"Networks of special use, such as 10.1.0.0/16, that webhooks may be sent to. By default none: a company's webhook must not reach into the platform's own network."`
}

// RelayConfig is about mail to other hosts.
type RelayConfig struct {
	SmartHost   string   `toml:"smart_host" doc:"HOST:PORT that takes all mail for other hosts, in place of their own. Empty: each host is found by its MX record. Companies and domains can have smart hosts of their own (tegami admin smarthost)."`
	Concurrency int      `toml:"concurrency" doc:"Connections to one destination at most. It begins with fewer and learns."`
	Port        int      `toml:"port" doc:"Where other hosts take mail. Another one than 25 is for tests."`
	Allow       []string `toml:"allow" doc:"Networks that may be connected to although they are loopback or private, such as 192.0.2.0/24. By default none, so that nobody's MX record leads to machines beside this one. Smart hosts need no entry."`
	Source      []string `toml:"source" doc:"Addresses of this machine that connections to other hosts come from: one of IPv4, one of IPv6, or both. The domains' SPF records must allow them, and their names in the DNS should be this server's. Empty: the system chooses."`
	Sign        bool     `toml:"sign" doc:"Sign what leaves with the keys of its domain (DKIM)."`
	TrustCA     string   `toml:"trust_ca" doc:"PEM file with further authorities other hosts' certificates may come from. For tests, and closed networks with an authority of their own."`
}

// SearchConfig is about finding mail.
type SearchConfig struct {
	Index bool `toml:"index" doc:"Keep a full-text index of all mail, so that a search need not read every message. It takes about a quarter of the mail's text in the data folder, and can always be made anew: tegami admin reindex."`
}

// ReportsConfig says whether reports are sent.
type ReportsConfig struct {
	Company string `toml:"company" doc:"A mail domain of the operator's own company here: reports leave through its queue. Empty: none are sent, and nothing is collected for them."`
	Contact string `toml:"contact" doc:"Whom the other side may ask about a report: a mail address. Empty: postmaster of this server."`
}

// HTTPConfig is about the HTTPS listeners.
type HTTPConfig struct {
	Proxies []string `toml:"proxies" doc:"Networks of reverse proxies in front of the HTTPS listeners, such as 127.0.0.1/32. Who asks is then the last address of X-Forwarded-For that is none of theirs. Name every proxy: without it all its clients count as one, and behind a proxy on this machine failed sign-ins are not counted at all."`
}

// WebConfig is about the webmail.
type WebConfig struct {
	ContentURL string   `toml:"content_url" doc:"The origin for untrusted content, such as https://content.example: a host name of its own, where browsers reach an https-content listener. Remote pictures of mail are loaded through it, by us, when the reader asks for them. Empty: they can't be shown."`
	Allow      []string `toml:"allow" doc:"Networks of special use, such as 10.1.0.0/16, that pictures may be loaded from. By default none: a mail must not reach into the platform's own network."`
}

// TraceConfig is about the message trace.
type TraceConfig struct {
	Keep Duration `toml:"keep" doc:"For how long it can be seen what became of a message. At least a day."`
}

// MetricsConfig says who may read the figures.
type MetricsConfig struct {
	From []string `toml:"from" doc:"Networks that may read /metrics beside this machine, such as 192.0.2.0/24."`
}

// ListenConfig is one listener.
type ListenConfig struct {
	Protocol  string `toml:"protocol" doc:"smtp, smtps, submission, imap, imaps, pop3, pop3s, sieve, https or https-content. smtps, imaps, pop3s and those of https speak TLS from the first octet, the others after STARTTLS. sieve is ManageSieve (4190), by which mail software looks after filters. https-content is the door for web.content_url. submission (587) is not part of the default profile (ML-7)."`
	Address   string `toml:"address" doc:"Address and port, such as 0.0.0.0:25 or [::]:993. Without an address before the colon: every one."`
	Zone      string `toml:"zone" doc:"The access zone of who connects here (SV-9): internet, or vpn for a closed network whose source addresses belong to companies. Empty: internet."`
	PlainAuth bool   `toml:"plain_auth" doc:"Take passwords without TLS. Only for tests on this machine: refused on any other address than loopback."`
}

// Duration is a time.Duration written as "30s" or "5m".
type Duration time.Duration

// UnmarshalText reads the form of time.ParseDuration. The error's kind is Invalid.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return mail.E("app.Duration", mail.Invalid, "config.duration", string(text))
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the form of time.Duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// DefaultConfig is what holds where the boot file says nothing.
func DefaultConfig() Config {
	return Config{
		Data:        "/var/lib/tegami",
		StopTimeout: Duration(20 * time.Second),
		Log:         LogConfig{Level: "info", Form: string(obs.LogText)},
		HTTP:        HTTPConfig{Proxies: []string{}},
		Web:         WebConfig{Allow: []string{}},
		Trace:       TraceConfig{Keep: Duration(trace.DefaultKeep)},
		Metrics:     MetricsConfig{From: []string{}},
		Search:      SearchConfig{Index: true},
		DNS:         DNSConfig{Servers: []string{}},
		Inbound:     InboundConfig{Authenticate: true, TrustedSealers: []string{}},
		Virus:       VirusConfig{Clamd: []string{clamdAuto}, Timeout: Duration(virus.DefaultTime)},
		Spam:        SpamConfig{Lists: []string{}},
		Sending:     SendingConfig{1000, 5000, 10_000, 50_000, 20_000, 100_000},
		Queue: QueueConfig{
			FirstRetry: Duration(time.Minute), MaxRetry: Duration(time.Hour), Lifetime: Duration(5 * 24 * time.Hour), WarnAfter: Duration(4 * time.Hour),
		},
		LDAP:  LDAPConfig{Allow: []string{}, Deny: []string{}, Ports: []int{}},
		Relay: RelayConfig{Concurrency: 20, Port: 25, Allow: []string{}, Source: []string{}, Sign: true},
	}
}

// defaultListeners are taken when the boot file names none (ML-7: no 587).
func defaultListeners() []ListenConfig {
	return []ListenConfig{
		{Protocol: "smtp", Address: ":25"},
		{Protocol: "smtps", Address: ":465"},
		{Protocol: "imaps", Address: ":993"},
		{Protocol: "pop3s", Address: ":995"},
		{Protocol: "sieve", Address: ":4190"},
		{Protocol: "https", Address: ":443"},
	}
}

// ReadConfig reads a boot file. It is strict: an unknown setting is an error with its line. Errors are Invalid,
// or Unavailable for a file that cannot be read.
func ReadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, unreadable("app.ReadConfig", path, err)
	}
	return ParseConfig(path, text)
}

// ParseConfig reads the text of a boot file; name is what errors call it.
func ParseConfig(name string, text []byte) (Config, error) {
	c := DefaultConfig()
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return Config{}, configError(name, err)
	}
	if err := c.complete(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// configError says in which line of the file what is wrong.
func configError(name string, err error) error {
	const op = "app.ParseConfig"
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		e := unknown.Errors[0]
		line, _ := e.Position()
		return mail.E(op, mail.Invalid, "config.unknown_setting", name, line, strings.Join(e.Key(), "."))
	}
	var syntax *toml.DecodeError
	if errors.As(err, &syntax) {
		line, _ := syntax.Position()
		return mail.E(op, mail.Invalid, "config.syntax", name, line, syntax.Error())
	}
	return mail.Because(op, mail.Invalid, "", err)
}

// complete fills what follows from the rest and checks what can be checked without looking at the machine.
func (c *Config) complete() error {
	if c.Hostname == "" {
		if name, err := os.Hostname(); err == nil {
			c.Hostname = name
		}
	}
	if len(c.Listen) == 0 {
		c.Listen = defaultListeners()
	}
	for i := range c.Listen {
		if err := c.Listen[i].complete(); err != nil {
			return err
		}
	}
	return c.check()
}

func (c *Config) check() error {
	switch _, level := c.level(); {
	case c.Node < 0 || c.Node > 1023:
		return badValue("node", strconv.Itoa(c.Node))
	case level != nil:
		return badValue("log.level", c.Log.Level)
	case c.Log.Form != string(obs.LogText) && c.Log.Form != string(obs.LogJSON):
		return badValue("log.form", c.Log.Form)
	case (c.TLS.Certificate == "") != (c.TLS.Key == ""):
		return badValue("tls.key", c.TLS.Key)
	case c.Cluster.Database != "" && c.Cluster.DatabaseFile != "":
		return badValue("cluster.database_file", c.Cluster.DatabaseFile)
	case c.Cluster.OwnerDatabase != "" && c.Cluster.OwnerDatabaseFile != "":
		return badValue("cluster.owner_database_file", c.Cluster.OwnerDatabaseFile)
	}
	if _, ok := mail.ParseDomain(c.Hostname); !ok {
		return badValue("hostname", c.Hostname)
	}
	if _, err := c.postmaster(); err != nil {
		return badValue("postmaster", c.Postmaster)
	}
	if err := c.checkOutgoing(); err != nil {
		return err
	}
	if _, err := c.ldapReach(); err != nil {
		return err
	}
	if _, err := prefixes("webhooks.allow", c.Webhooks.Allow); err != nil {
		return err
	}
	if err := c.checkWeb(); err != nil {
		return err
	}
	if c.Trace.Keep < minTraceKeep {
		return badValue("trace.keep", time.Duration(c.Trace.Keep).String())
	}
	if _, err := prefixes("http.proxies", c.HTTP.Proxies); err != nil {
		return err
	}
	_, err := prefixes("metrics.from", c.Metrics.From)
	return err
}

// minTraceKeep is the shortest time the trace is kept: a message may be on its way for days.
const minTraceKeep = Duration(24 * time.Hour)

// postmaster is who gets this server's own mail; the zero Address where nobody does.
func (c *Config) postmaster() (mail.Address, error) {
	if c.Postmaster == "" {
		return mail.Address{}, nil
	}
	return mail.ParseAddress(c.Postmaster)
}

// contactURI is where users reach the operator; "" where nobody is named.
func (c *Config) contactURI() string {
	if c.Postmaster == "" {
		return ""
	}
	return "mailto:" + c.Postmaster
}

func badValue(setting, value string) error {
	return mail.E("app.Config", mail.Invalid, "config.bad_value", setting, value)
}

func (c *Config) level() (level slog.Level, err error) {
	err = level.UnmarshalText([]byte(c.Log.Level))
	return level, err
}

// complete fills and checks one listener.
func (l *ListenConfig) complete() error {
	if l.Zone == "" {
		l.Zone = string(mail.ZoneInternet)
	}
	host, _, err := net.SplitHostPort(l.Address)
	switch {
	case !knownProtocol(l.Protocol):
		return badValue("listen.protocol", l.Protocol)
	case err != nil:
		return badValue("listen.address", l.Address)
	case l.Zone != string(mail.ZoneInternet) && l.Zone != string(mail.ZoneVPN):
		return badValue("listen.zone", l.Zone)
	case l.PlainAuth && !isLoopback(host):
		return mail.E("app.Config", mail.Invalid, "config.plain_auth", l.Address)
	}
	return nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost"
}

// protocols are what a listener can speak, and whether TLS begins at once.
var protocols = map[string]bool{
	"smtp": false, "smtps": true, "submission": false, "imap": false, "imaps": true, "pop3": false, "pop3s": true, "sieve": false, "https": true, "https-content": true,
}

func knownProtocol(name string) bool {
	_, ok := protocols[name]
	return ok
}

// unreadable says that a file could not be read, and why.
func unreadable(op mail.Op, path string, err error) error {
	e := mail.Because(op, mail.Unavailable, "config.unreadable", err)
	e.Args = []any{path, cause(err)}
	return e
}

// cause is the innermost reason of an error of the file system: "permission denied".
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
