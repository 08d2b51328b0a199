package ldap_test

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"tegami/lab/ports"
	"tegami/lab/tlstest"
)

const slapdProgram = "/usr/sbin/slapd"

// rootPassword is that of cn=admin,dc=corp,dc=example.
const rootPassword = "the directory's own"

// slapd is OpenLDAP's server with a directory of its own, on 127.0.0.1 alone.
type slapd struct {
	testing.TB
	plain, secure string // URLs
	ca            string // PEM
	client        *tls.Config
	port          int
}

// startSlapd starts the server with dc=corp,dc=example and ou=people in it.
func startSlapd(t *testing.T) *slapd {
	t.Helper()
	if _, err := os.Stat(slapdProgram); err != nil {
		t.Skip("slapd is not installed (Debian package slapd)")
	}
	dir := t.TempDir()
	port := ports.Take(t)
	server, client := tlstest.New(t)
	s := &slapd{TB: t, port: port, client: client, plain: fmt.Sprintf("ldap://127.0.0.1:%d", port), secure: fmt.Sprintf("ldaps://127.0.0.1:%d", port+1)}
	s.writePEM(dir, server)
	conf := fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/slapd.pid
TLSCertificateFile %[1]s/cert.pem
TLSCertificateKeyFile %[1]s/key.pem
security simple_bind=1
sizelimit size.soft=500 size.prtotal=unlimited
database mdb
maxsize 67108864
suffix "dc=corp,dc=example"
rootdn "cn=admin,dc=corp,dc=example"
rootpw "%[2]s"
directory %[1]s/db
`, dir, rootPassword)
	write(t, filepath.Join(dir, "slapd.conf"), conf)
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(slapdProgram, "-f", filepath.Join(dir, "slapd.conf"), "-h", s.plain+"/ "+s.secure+"/", "-d", "0")
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		<-ended
	})
	s.await(ended, &said)
	s.do(func(c *goldap.Conn) error {
		top := goldap.NewAddRequest("dc=corp,dc=example", nil)
		top.Attribute("objectClass", []string{"dcObject", "organization"})
		top.Attribute("o", []string{"Corp"})
		if err := c.Add(top); err != nil {
			return err
		}
		ou := goldap.NewAddRequest("ou=people,dc=corp,dc=example", nil)
		ou.Attribute("objectClass", []string{"organizationalUnit"})
		return c.Add(ou)
	})
	return s
}

// await waits until the server takes connections.
func (s *slapd) await(ended chan struct{}, said *strings.Builder) {
	s.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port+1))
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-ended:
			s.Fatalf("slapd ended: %s", said)
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.Fatal("slapd takes no connections")
}

// writePEM writes the server's certificate and key.
func (s *slapd) writePEM(dir string, server *tls.Config) {
	s.Helper()
	cert := server.Certificates[0]
	s.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		s.Fatal(err)
	}
	write(s, filepath.Join(dir, "cert.pem"), s.ca)
	write(s, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// do works on the directory as its administrator.
func (s *slapd) do(fn func(*goldap.Conn) error) {
	s.Helper()
	c, err := goldap.DialURL(s.secure, goldap.DialWithTLSConfig(s.client))
	if err == nil {
		defer c.Close()
		err = c.Bind("cn=admin,dc=corp,dc=example", rootPassword)
	}
	if err == nil {
		err = fn(c)
	}
	if err != nil {
		s.Fatal(err)
	}
}

func dn(uid string) string { return "uid=" + uid + ",ou=people,dc=corp,dc=example" }

// person is an entry.
func person(uid, address, sn, givenName string) *goldap.AddRequest {
	r := goldap.NewAddRequest(dn(uid), nil)
	r.Attribute("objectClass", []string{"inetOrgPerson"})
	r.Attribute("cn", []string{sn + " " + givenName})
	r.Attribute("sn", []string{sn})
	r.Attribute("givenName", []string{givenName})
	r.Attribute("mail", []string{address})
	r.Attribute("telephoneNumber", []string{"03-1234-5678"})
	return r
}

// add puts people into the directory.
func (s *slapd) add(people ...*goldap.AddRequest) {
	s.Helper()
	s.do(func(c *goldap.Conn) error {
		for _, p := range people {
			if err := c.Add(p); err != nil {
				return err
			}
		}
		return nil
	})
}

// change replaces an attribute; without values it goes.
func (s *slapd) change(uid, attribute string, values ...string) {
	s.Helper()
	s.do(func(c *goldap.Conn) error {
		m := goldap.NewModifyRequest(dn(uid), nil)
		m.Replace(attribute, values)
		return c.Modify(m)
	})
}

func (s *slapd) remove(uids ...string) {
	s.Helper()
	s.do(func(c *goldap.Conn) error {
		for _, uid := range uids {
			if err := c.Del(goldap.NewDelRequest(dn(uid), nil)); err != nil {
				return err
			}
		}
		return nil
	})
}
