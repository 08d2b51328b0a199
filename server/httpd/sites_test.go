package httpd

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tegami/directory"
	"tegami/domains"
	"tegami/i18n"
	"tegami/mail"
	"tegami/mailbox"
	"tegami/obs"
	"tegami/store/embedded"
)

var (
	_ Domains      = (*domains.Service)(nil)
	_ Unsubscriber = (*directory.Directory)(nil)
)

// company is a door before a directory with alpha.example, which has IMAPS and the account sato, and plain.example, which has neither.
func company(t testing.TB) *Server {
	t.Helper()
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ctx, ops := context.Background(), directory.Operator("test", "")
	dir := directory.New(st, directory.Config{Provision: mailbox.Provision})
	tenant, err := dir.OpenTenant(ctx, ops, directory.TenantSpec{Name: "Alpha", Lang: "en"})
	if err != nil {
		t.Fatal(err)
	}
	c := dir.Company(tenant.ID)
	for name, options := range map[string][]directory.Option{"alpha.example": {directory.OptionIMAPS}, "plain.example": nil} {
		if _, err := c.AddDomain(ctx, ops, directory.DomainSpec{Name: name, Plan: directory.Plan100MB, IDs: 10, Options: options}); err != nil {
			t.Fatal(err)
		}
	}
	sato := mail.Address{Local: "sato", Domain: "alpha.example"}
	if _, err := c.AddAccount(ctx, ops, directory.AccountSpec{Address: sato, Password: "correct horse battery"}); err != nil {
		t.Fatal(err)
	}
	return New(Config{
		Words: i18n.New(), Metrics: obs.NewMetrics(), Hostname: "Mail.Example",
		Domains:     domains.New(st, dir, domains.Config{Hostname: "mail.example"}),
		Unsubscribe: &lists{member: true},
	})
}

// ask sends a request and gives the answer.
func ask(s *Server, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	s.handler().ServeHTTP(rec, r)
	return rec
}

func TestSitesByHost(t *testing.T) {
	s := newDoor(nil)
	for host, want := range map[string]struct {
		site
		domain string
	}{
		"mail.example": {siteOwn, "mail.example"}, "MAIL.example.:443": {siteOwn, "mail.example"}, "localhost:8443": {siteOwn, "mail.example"},
		"192.0.2.1": {siteOwn, "mail.example"}, "[2001:db8::1]:443": {siteOwn, "mail.example"}, "[::1]": {siteOwn, "mail.example"},
		"autoconfig.alpha.example": {siteAutoconfig, "alpha.example"}, "AutoDiscover.Alpha.Example:443": {siteAutodiscover, "alpha.example"},
		"mta-sts.alpha.example": {siteSTS, "alpha.example"}, "alpha.example": {siteDomain, "alpha.example"},
		"mta-sts.example": {siteDomain, "mta-sts.example"}, "mta-sts.mta-sts.alpha.example": {siteSTS, "mta-sts.alpha.example"},
		"": {}, "a b": {}, "..": {}, "[x]": {}, "autoconfig.": {siteDomain, "autoconfig"},
	} {
		if where, domain := s.site(host); where != want.site || domain != want.domain {
			t.Errorf("%q: %d %q, want %d %q", host, where, domain, want.site, want.domain)
		}
	}
}

// TestUnknownHostsGetNothing: for a host that is none of ours every page is a 404 without detail, and no host gets another's pages.
func TestUnknownHostsGetNothing(t *testing.T) {
	s := company(t)
	for _, host := range []string{
		"other.example", "autoconfig.other.example", "autodiscover.other.example", "mta-sts.other.example", "autoconfig.mail.example", "x",
		"www.alpha.example", "autoconfig.sub.alpha.example",
	} {
		for at := range s.routes() {
			if at.site == siteAny {
				continue
			}
			body := request("sato@" + strings.TrimPrefix(strings.TrimPrefix(host, "autodiscover."), "autoconfig."))
			rec := ask(s, at.method, "https://"+host+at.path+"?t=good&emailaddress=sato@other.example", body, "Content-Type", "text/xml")
			if rec.Code == http.StatusMethodNotAllowed {
				continue
			}
			if rec.Code != http.StatusNotFound || rec.Body.String() != "404 page not found\n" {
				t.Errorf("%s %s %s: %d %q", at.method, host, at.path, rec.Code, rec.Body)
			}
			if rec.Header().Get("Strict-Transport-Security") != "" {
				t.Errorf("%s is bound to HTTPS by us", host)
			}
		}
	}
	for _, target := range []string{
		"https://alpha.example/", "https://autoconfig.alpha.example/", "https://mta-sts.alpha.example/mail/config-v1.1.xml",
		"https://mail.example/.well-known/mta-sts.txt", "https://alpha.example/unsubscribe?t=good", "https://mail.example//",
	} {
		if rec := ask(s, "GET", target, ""); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
}

const thunderbird = `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="alpha.example">
    <domain>alpha.example</domain>
    <displayName>alpha.example</displayName>
    <displayShortName>alpha.example</displayShortName>
    <incomingServer type="pop3">
      <hostname>mail.example</hostname>
      <port>995</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>mail.example</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>mail.example</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </outgoingServer>
  </emailProvider>
</clientConfig>
`

// TestAutoconfig: Thunderbird finds the settings in each place it looks, the same for every address.
func TestAutoconfig(t *testing.T) {
	s := company(t)
	for _, target := range []string{
		"https://autoconfig.alpha.example/mail/config-v1.1.xml?emailaddress=sato%40alpha.example",
		"https://autoconfig.alpha.example/mail/config-v1.1.xml?emailaddress=nobody%40alpha.example",
		"https://autoconfig.alpha.example/mail/config-v1.1.xml",
		"https://AUTOCONFIG.alpha.example:443/mail/config-v1.1.xml?emailaddress=<&>",
		"https://autoconfig.alpha.example/.well-known/autoconfig/mail/config-v1.1.xml",
		"https://alpha.example/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=sato%40alpha.example",
		"https://mail.example/mail/config-v1.1.xml?emailaddress=sato%40alpha.example",
	} {
		rec := ask(s, "GET", target, "")
		if rec.Code != 200 || rec.Header().Get("Content-Type") != "text/xml; charset=utf-8" || rec.Body.String() != thunderbird {
			t.Errorf("%s: %d %s\n%s", target, rec.Code, rec.Header(), rec.Body)
		}
	}
	rec := ask(s, "GET", "https://autoconfig.plain.example/mail/config-v1.1.xml", "")
	if rec.Code != 200 || strings.Contains(rec.Body.String(), "imap") || !strings.Contains(rec.Body.String(), "pop3") {
		t.Errorf("without the option: %d %s", rec.Code, rec.Body)
	}
	for _, target := range []string{"https://mail.example/mail/config-v1.1.xml", "https://mail.example/mail/config-v1.1.xml?emailaddress=x@other.example"} {
		if rec := ask(s, "GET", target, ""); rec.Code != 404 {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
}

// TestAutoconfigFollowsTheFormat holds every value against what Thunderbird's format allows.
func TestAutoconfigFollowsTheFormat(t *testing.T) {
	var c clientConfig
	if err := xml.Unmarshal(ask(company(t), "GET", "https://autoconfig.alpha.example/mail/config-v1.1.xml", "").Body.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	if c.Version != "1.1" || c.Provider.ID == "" || len(c.Provider.Incoming) == 0 || len(c.Provider.Outgoing) == 0 {
		t.Fatalf("%+v", c)
	}
	for _, one := range slices.Concat(c.Provider.Incoming, c.Provider.Outgoing) {
		if !slices.Contains([]string{"pop3", "imap", "smtp"}, one.Type) || !slices.Contains([]string{"plain", "SSL", "STARTTLS"}, one.Socket) ||
			!slices.Contains([]string{"password-cleartext", "password-encrypted", "none"}, one.Authentication) || one.Username != "%EMAILADDRESS%" || one.Port == 587 {
			t.Errorf("%+v", one)
		}
	}
}

// request is what Outlook sends.
func request(address string) string {
	return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>` + address + `</EMailAddress>
    <AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
  </Request>
</Autodiscover>`
}

const outlook = `<?xml version="1.0" encoding="UTF-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
      <Protocol>
        <Type>POP3</Type>
        <Server>mail.example</Server>
        <Port>995</Port>
        <DomainRequired>off</DomainRequired>
        <LoginName>sato@plain.example</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>SSL</Encryption>
        <AuthRequired>on</AuthRequired>
      </Protocol>
      <Protocol>
        <Type>SMTP</Type>
        <Server>mail.example</Server>
        <Port>465</Port>
        <DomainRequired>off</DomainRequired>
        <LoginName>sato@plain.example</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>SSL</Encryption>
        <AuthRequired>on</AuthRequired>
        <UsePOPAuth>on</UsePOPAuth>
        <SMTPLast>off</SMTPLast>
      </Protocol>
    </Account>
  </Response>
</Autodiscover>
`

func TestAutodiscover(t *testing.T) {
	s := company(t)
	for _, target := range []string{
		"https://autodiscover.plain.example/autodiscover/autodiscover.xml", "https://autodiscover.plain.example/Autodiscover/Autodiscover.xml",
		"https://plain.example/AutoDiscover/AutoDiscover.xml", "https://mail.example/autodiscover/autodiscover.xml",
	} {
		rec := ask(s, "POST", target, request("sato@plain.example"), "Content-Type", "text/xml")
		if rec.Code != 200 || rec.Body.String() != outlook {
			t.Errorf("%s: %d\n%s", target, rec.Code, rec.Body)
		}
	}
	rec := ask(s, "POST", "https://autodiscover.alpha.example/autodiscover/autodiscover.xml", request("sato@alpha.example"))
	kinds := regexp.MustCompile(`<Type>(\w+)</Type>`).FindAllString(rec.Body.String(), -1)
	if got := strings.Join(kinds, ""); got != "<Type>POP3</Type><Type>IMAP</Type><Type>SMTP</Type>" {
		t.Errorf("with the option: %s", got)
	}
}

// TestAutodiscoverTellsNobodyWhoThereIs: an address that exists and one that doesn't get the same answer but for the name.
func TestAutodiscoverTellsNobodyWhoThereIs(t *testing.T) {
	s := company(t)
	answer := func(user string) string {
		rec := ask(s, "POST", "https://autodiscover.alpha.example/autodiscover/autodiscover.xml", request(user+"@alpha.example"))
		return strings.ReplaceAll(rec.Body.String(), user, "USER")
	}
	if there, nowhere := answer("sato"), answer("nobody"); there != nowhere || !strings.Contains(there, "settings") {
		t.Errorf("%s\nand\n%s", there, nowhere)
	}
}

// TestAutodiscoverRefuses has requests that get no settings, hostile ones among them.
func TestAutodiscoverRefuses(t *testing.T) {
	s := company(t)
	const at = "https://autodiscover.alpha.example/autodiscover/autodiscover.xml"
	for name, c := range map[string]struct {
		body string
		code int
		want string
	}{
		"nothing":           {"", 200, "<ErrorCode>600</ErrorCode>"},
		"no XML":            {"hello", 200, "<ErrorCode>600</ErrorCode>"},
		"cut off":           {request("sato@alpha.example")[:200], 200, "<ErrorCode>600</ErrorCode>"},
		"no address":        {"<Autodiscover/>", 200, "<ErrorCode>600</ErrorCode>"},
		"a bad address":     {request("sato"), 200, "<ErrorCode>600</ErrorCode>"},
		"another domain":    {request("sato@plain.example"), 404, "404 page not found"},
		"another format":    {strings.ReplaceAll(request("sato@alpha.example"), "outlook/responseschema/2006a", "mobilesync/responseschema/2006"), 200, "<ErrorCode>601</ErrorCode>"},
		"too long":          {strings.Replace(request("sato@alpha.example"), "<Request>", "<Request><X>"+strings.Repeat("x", maxDiscover)+"</X>", 1), 200, "<ErrorCode>600</ErrorCode>"},
		"too deep":          {strings.Repeat("<a>", 500) + strings.Repeat("</a>", 500), 200, "<ErrorCode>600</ErrorCode>"},
		"entities":          {`<!DOCTYPE a [<!ENTITY x "` + strings.Repeat("x", 100) + `"><!ENTITY y "&x;&x;&x;">]><a><EMailAddress>&y;</EMailAddress></a>`, 200, "<ErrorCode>600</ErrorCode>"},
		"a file":            {`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><EMailAddress>&x;@alpha.example</EMailAddress></a>`, 200, "<ErrorCode>600</ErrorCode>"},
		"another charset":   {`<?xml version="1.0" encoding="utf-16"?><a><EMailAddress>sato@alpha.example</EMailAddress></a>`, 200, "<ErrorCode>600</ErrorCode>"},
		"markup in address": {request(`&lt;b&gt;"x"@alpha.example`), 200, "<ErrorCode>600</ErrorCode>"},
	} {
		rec := ask(s, "POST", at, c.body)
		if rec.Code != c.code || !strings.Contains(rec.Body.String(), c.want) || strings.Contains(rec.Body.String(), "settings") {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if rec := ask(s, "GET", at, ""); rec.Code != 405 || rec.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", rec.Code, rec.Header())
	}
}

func FuzzParseDiscover(f *testing.F) {
	f.Add(request("sato@alpha.example"))
	f.Add(`<!DOCTYPE a [<!ENTITY x "y">]><a b='c'>&x;<![CDATA[<EMailAddress>]]></a>`)
	f.Fuzz(func(t *testing.T, body string) {
		q, err := parseDiscover(strings.NewReader(body))
		if err == nil && (q.Address.Domain == "" || q.Address.Local == "") {
			t.Errorf("no address: %+v", q)
		}
		if err != nil && !mail.Is(err, mail.Invalid) {
			t.Errorf("%v", err)
		}
		if err == nil {
			reply, err := xml.Marshal(discovered(domains.ClientConfig{Incoming: []domains.ClientServer{{Protocol: "pop3"}}}, q.Address))
			if err != nil || xml.Unmarshal(reply, new(struct{})) != nil {
				t.Errorf("the answer is no XML: %s %v", reply, err)
			}
		}
	})
}

func FuzzSite(f *testing.F) {
	for _, seed := range []string{"mail.example", "autoconfig.alpha.example:443", "[::1]:1", "a..b", "xn--", "\x00"} {
		f.Add(seed)
	}
	s := newDoor(nil)
	f.Fuzz(func(t *testing.T, host string) {
		where, domain := s.site(host)
		if where != siteAny {
			if _, ok := mail.ParseDomain(domain); !ok {
				t.Errorf("%q: %d %q", host, where, domain)
			}
		}
	})
}

func TestPolicyIsServed(t *testing.T) {
	s := company(t)
	rec := ask(s, "GET", "https://mta-sts.alpha.example/.well-known/mta-sts.txt", "")
	want := "version: STSv1\r\nmode: testing\r\nmx: mail.example\r\nmax_age: 604800\r\n"
	if rec.Code != 200 || rec.Body.String() != want || rec.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %q %v", rec.Code, rec.Body, rec.Header())
	}
}

// TestWithoutDomains: a door that was told of no domains serves none.
func TestWithoutDomains(t *testing.T) {
	s := newDoor(nil)
	for _, target := range []string{"https://mta-sts.alpha.example/.well-known/mta-sts.txt", "https://autoconfig.alpha.example/mail/config-v1.1.xml", "https://mail.example/unsubscribe?t=x"} {
		if rec := ask(s, "GET", target, ""); rec.Code != 404 {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
}

// broken is a directory that cannot be asked.
type broken struct{ Domains }

func (broken) Policy(context.Context, string) (domains.STSPolicy, error) {
	return domains.STSPolicy{}, errors.New("disk on fire")
}

func (broken) ClientConfig(context.Context, string, mail.Zone) (domains.ClientConfig, error) {
	return domains.ClientConfig{}, errors.New("disk on fire")
}

// TestAnOutageIsNoAnswer: a sender that is told 404 would forget the policy (RFC 8461 §3.3); it must be told to come again.
func TestAnOutageIsNoAnswer(t *testing.T) {
	s := New(Config{Words: i18n.New(), Metrics: obs.NewMetrics(), Hostname: "mail.example", Domains: broken{}})
	for _, target := range []string{"https://mta-sts.alpha.example/.well-known/mta-sts.txt", "https://autoconfig.alpha.example/mail/config-v1.1.xml"} {
		if rec := ask(s, "GET", target, ""); rec.Code != 503 || rec.Header().Get("Retry-After") == "" || strings.Contains(rec.Body.String(), "fire") {
			t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
		}
	}
}

// TestProfile reads the property list with another's parser.
func TestProfile(t *testing.T) {
	s := company(t)
	fetch := func(query string) string {
		t.Helper()
		rec := ask(s, "GET", "https://mail.example/profile.mobileconfig?"+query, "", "Accept-Language", "en")
		if rec.Code != 200 || rec.Header().Get("Content-Type") != "application/x-apple-aspen-config" || rec.Header().Get("Content-Disposition") != "attachment; filename=alpha.example.mobileconfig" {
			t.Fatalf("%s: %d %v", query, rec.Code, rec.Header())
		}
		return rec.Body.String()
	}
	one := fetch("emailaddress=sato@alpha.example")
	if again := fetch("emailaddress=sato@alpha.example"); again != one {
		t.Error("another profile the second time")
	}
	for name, other := range map[string]string{"another person": fetch("emailaddress=o'hara%26co@alpha.example"), "POP3": fetch("emailaddress=sato@alpha.example&protocol=pop3")} {
		uuid := regexp.MustCompile(`[0-9A-F]{8}-[0-9A-F]{4}-8[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}`)
		mine, theirs := uuid.FindAllString(one, -1), uuid.FindAllString(other, -1)
		if len(mine) != 2 || len(theirs) != 2 || mine[0] == theirs[0] || mine[0] == mine[1] {
			t.Errorf("%s: UUIDs %v and %v", name, mine, theirs)
		}
	}
	if strings.Contains(one, "<key>IncomingPassword</key>") || strings.Contains(one, "<key>OutgoingPassword</key>") {
		t.Error("it has a password")
	}
	for query, want := range map[string]string{
		"emailaddress=sato@alpha.example":               "EmailTypeIMAP 993 465 sato@alpha.example sato@alpha.example True",
		"emailaddress=sato@alpha.example&protocol=pop3": "EmailTypePOP 995 465 sato@alpha.example sato@alpha.example True",
		"emailaddress=a%26b@alpha.example":              "EmailTypeIMAP 993 465 a&b@alpha.example a&b@alpha.example True",
	} {
		if got := parsePlist(t, fetch(query)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	anybody := ask(s, "GET", "https://autoconfig.alpha.example/profile.mobileconfig", "")
	if got := parsePlist(t, anybody.Body.String()); got != "EmailTypeIMAP 993 465 None None True" {
		t.Errorf("without an address: %s", got)
	}
	for _, target := range []string{
		"https://autoconfig.alpha.example/profile.mobileconfig?emailaddress=x@plain.example", "https://mail.example/profile.mobileconfig?emailaddress=x@other.example",
		"https://autoconfig.plain.example/profile.mobileconfig?protocol=imap", "https://autoconfig.alpha.example/profile.mobileconfig?emailaddress=%0a",
	} {
		if rec := ask(s, "GET", target, ""); rec.Code != 404 {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
}

// parsePlist says what Python's plistlib finds.
func parsePlist(t *testing.T, text string) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: nobody else to read the property list")
	}
	cmd := exec.Command(python, "-c", `import plistlib, sys
p = plistlib.loads(sys.stdin.buffer.read())
a, = p["PayloadContent"]
assert p["PayloadType"] == "Configuration" and a["PayloadType"] == "com.apple.mail.managed" and p["PayloadVersion"] == a["PayloadVersion"] == 1
assert a["IncomingMailServerHostName"] == a["OutgoingMailServerHostName"] == "mail.example" and a["OutgoingMailServerUseSSL"] is True
print(a["EmailAccountType"], a["IncomingMailServerPortNumber"], a["OutgoingMailServerPortNumber"], a.get("EmailAddress"), a.get("IncomingMailServerUsername"), a["IncomingMailServerUseSSL"])`)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out, text)
	}
	return strings.TrimSpace(string(out))
}

// lists is one list with one member.
type lists struct {
	member bool
	fails  bool
}

func (l *lists) Subscription(_ context.Context, token string) (string, error) {
	switch {
	case l.fails:
		return "", mail.E("test", mail.Unavailable, "")
	case token != "good":
		return "", mail.E("test", mail.NotFound, "")
	}
	return "team@alpha.example", nil
}

func (l *lists) Unsubscribe(context.Context, string) error {
	l.member = false
	return nil
}

// TestLI6Unsubscribe: reading a link changes nothing, one click does (RFC 8058).
func TestLI6Unsubscribe(t *testing.T) {
	const form, at = "application/x-www-form-urlencoded", "https://mail.example/unsubscribe?t="
	words := i18n.New()
	for name, c := range map[string]struct {
		method, token, kind, body string
		fails                     bool
		code                      int
		text                      string
		left                      bool
	}{
		"a look":              {"GET", "good", "", "", false, 200, "unsubscribe.ask", false},
		"a program's look":    {"HEAD", "good", "", "", false, 200, "", false},
		"one click":           {"POST", "good", form, "List-Unsubscribe=One-Click", false, 200, "unsubscribe.done", true},
		"one click, in parts": {"POST", "good", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n", false, 200, "unsubscribe.done", true},
		"a bare POST":         {"POST", "good", form, "", false, 400, "", false},
		"another form":        {"POST", "good", form, "x=One-Click", false, 400, "", false},
		"by the link":         {"POST", "good&List-Unsubscribe=One-Click", form, "", false, 400, "", false},
		"no form":             {"POST", "good", "text/plain", "List-Unsubscribe=One-Click", false, 400, "", false},
		"cut off":             {"POST", "good", "multipart/form-data; boundary=b", "--b\r\nContent", false, 400, "", false},
		"a bad token":         {"POST", "bad", form, "List-Unsubscribe=One-Click", false, 404, "unsubscribe.unknown", false},
		"no token":            {"GET", "", "", "", false, 404, "unsubscribe.unknown", false},
		"a long token":        {"GET", strings.Repeat("x", maxToken+1), "", "", false, 404, "unsubscribe.unknown", false},
		"a look in an outage": {"GET", "good", "", "", true, 503, "unsubscribe.later", false},
		"a click in one":      {"POST", "good", form, "List-Unsubscribe=One-Click", true, 503, "unsubscribe.later", false},
	} {
		for _, lang := range i18n.Langs() {
			l := &lists{member: true, fails: c.fails}
			s := New(Config{Words: words, Metrics: obs.NewMetrics(), Hostname: "mail.example", Unsubscribe: l})
			rec := ask(s, c.method, at+c.token, c.body, "Content-Type", c.kind, "Accept-Language", string(lang))
			if rec.Code != c.code || l.member == c.left {
				t.Errorf("%s: %d, still a member: %v", name, rec.Code, l.member)
			}
			if c.text != "" && c.method != "HEAD" && !strings.Contains(rec.Body.String(), words.Text(lang, c.text, "team@alpha.example")) {
				t.Errorf("%s: the page in %s lacks %s:\n%s", name, lang, c.text, rec.Body)
			}
			if strings.Contains(rec.Body.String(), "unsubscribe.") {
				t.Errorf("%s: the page shows a key of the catalogue", name)
			}
		}
	}
}

// TestThePageCarriesItsToken: whatever a token has in it, the form sends it back.
func TestThePageCarriesItsToken(t *testing.T) {
	l := &anyToken{}
	s := New(Config{Words: i18n.New(), Metrics: obs.NewMetrics(), Hostname: "mail.example", Unsubscribe: l})
	token := `a"><script>&t=b+c/=`
	page := ask(s, "GET", "https://mail.example/unsubscribe?t="+url.QueryEscape(token), "").Body.String()
	if strings.Contains(page, "<script") {
		t.Error("the token is markup")
	}
	m := regexp.MustCompile(`action="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal(page)
	}
	ask(s, "POST", "https://mail.example"+strings.ReplaceAll(m[1], "&amp;", "&"), "List-Unsubscribe=One-Click", "Content-Type", "application/x-www-form-urlencoded")
	if l.token != token {
		t.Errorf("%q, want %q", l.token, token)
	}
}

type anyToken struct{ token string }

func (*anyToken) Subscription(context.Context, string) (string, error) { return "<b>@x", nil }
func (a *anyToken) Unsubscribe(_ context.Context, token string) error  { a.token = token; return nil }

func FuzzIsOneClick(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")
	f.Add("multipart/form-data; boundary=b", "--b\r\n\r\n--b--")
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequest("POST", "/unsubscribe", strings.NewReader(body))
		r.Header["Content-Type"] = []string{kind}
		r.Body = http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader(body)), maxBody)
		if isOneClick(r) && !strings.Contains(body, "One") && !strings.Contains(body, "%") {
			t.Errorf("%q", body)
		}
	})
}
