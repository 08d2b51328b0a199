package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tegami/mail"
)

// Lifetimes of what the server makes for itself.
const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 90 * 24 * time.Hour
	renewBefore     = 30 * 24 * time.Hour // a certificate this close to its end is made anew
	refreshEvery    = time.Minute         // how often the files of a given certificate are looked at
	backdate        = time.Hour           // for clients whose clock is late
)

// certificates is the server's certificate, kept fresh: read from files, or made by an authority of the
// server's own in the data folder.
type certificates struct {
	config  TLSConfig
	dir     string   // of the self-made ones
	names   []string // host names and addresses they are for
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]
	read    time.Time // when the given files were changed last

	authority atomic.Pointer[tls.Certificate]               // that signs what is self-made; nil with a given certificate
	ours      func(ctx context.Context, domain string) bool // tells our mail domains; nil: there are none
	issuing   sync.Mutex
	issued    map[string]*tls.Certificate // for names below mail domains, as they were asked for
}

// maxIssued is how many certificates for names below mail domains are in memory, about 2 KiB each. Past it all are made anew when asked for.
const maxIssued = 1_024

// servedPrefixes are the names below a mail domain that lead to us.
var servedPrefixes = []string{"mta-sts.", "autoconfig.", "autodiscover."}

// openCertificates reads or makes the certificate.
func openCertificates(c Config, names []string, log *slog.Logger) (*certificates, error) {
	k := &certificates{config: c.TLS, dir: filepath.Join(c.Data, "tls"), names: names, log: log}
	return k, k.refresh(time.Now())
}

// authorityFile is where the self-made authority's certificate is; "" when the certificate was given.
func (k *certificates) authorityFile() string {
	if k.config.Certificate != "" {
		return ""
	}
	return filepath.Join(k.dir, "ca.pem")
}

// tlsConfig is for all listeners. It follows the certificate.
func (k *certificates) tlsConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: k.choose}
}

// choose gives the certificate for the name a client asks for. Our own authority makes one for each of the names below our mail domains, so
// that MTA-STS and automatic settings work among those who trust it; everybody else gets the server's.
func (k *certificates) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	server, authority := k.current.Load(), k.authority.Load()
	if authority == nil || hello.ServerName == "" || server.Leaf.VerifyHostname(hello.ServerName) == nil {
		return server, nil
	}
	name, ok := mail.ParseDomain(hello.ServerName)
	if !ok || !k.serves(hello.Context(), name) {
		return server, nil
	}
	return k.forName(name, *authority, time.Now())
}

// serves tells whether a name is one of those below our mail domains that lead to us.
func (k *certificates) serves(ctx context.Context, name string) bool {
	for _, prefix := range servedPrefixes {
		if domain, ok := strings.CutPrefix(name, prefix); ok && k.ours != nil && k.ours(ctx, domain) {
			return true
		}
	}
	return false
}

// forName gives the certificate for a name, made if there is none in memory that can be used on.
func (k *certificates) forName(name string, authority tls.Certificate, now time.Time) (*tls.Certificate, error) {
	k.issuing.Lock()
	defer k.issuing.Unlock()
	if c := k.issued[name]; c != nil && now.Before(c.Leaf.NotAfter.Add(-renewBefore)) {
		return c, nil
	}
	der, key, err := sign(template(now, []string{name}, false), &authority)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, mail.Because("app.certificate", mail.Other, "", err)
	}
	if k.issued == nil || len(k.issued) >= maxIssued {
		k.issued = make(map[string]*tls.Certificate)
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	k.issued[name] = c
	return c, nil
}

// keepFresh looks after the certificate until ctx ends.
func (k *certificates) keepFresh(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := k.refresh(time.Now()); err != nil {
				k.log.Error("certificate", "err", err)
			}
		}
	}
}

// refresh reads the certificate again if its file changed, or makes a new one when the old one nears its end.
// When that fails, the old one stays in use.
func (k *certificates) refresh(now time.Time) error {
	if k.config.Certificate != "" {
		return k.readGiven()
	}
	if c := k.current.Load(); c != nil && now.Before(c.Leaf.NotAfter.Add(-renewBefore)) {
		return nil
	}
	return k.readOrMake(now)
}

func (k *certificates) readGiven() error {
	const op = "app.certificate"
	info, err := os.Stat(k.config.Certificate)
	if err != nil {
		return unreadable(op, k.config.Certificate, err)
	}
	if info.ModTime().Equal(k.read) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(k.config.Certificate, k.config.Key)
	if err != nil {
		return unreadable(op, k.config.Certificate, err)
	}
	k.current.Store(&pair)
	k.read = info.ModTime()
	k.log.Info("certificate read", "file", k.config.Certificate, "until", pair.Leaf.NotAfter)
	return nil
}

// readOrMake takes the self-made certificate from its files, or makes what is missing or no longer fits.
func (k *certificates) readOrMake(now time.Time) error {
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return unreadable("app.certificate", k.dir, err)
	}
	authority, err := k.readPair("ca")
	if errors.Is(err, fs.ErrNotExist) {
		authority, err = k.make("ca", now, nil)
	}
	if err != nil {
		return err
	}
	server, err := k.readPair("server")
	if err != nil || !k.fits(server.Leaf, authority.Leaf, now) {
		if server, err = k.make("server", now, &authority); err != nil {
			return err
		}
	}
	k.authority.Store(&authority)
	k.current.Store(&server)
	return nil
}

// fits tells whether a certificate can be used on: for our names, by our authority, not near its end.
func (k *certificates) fits(leaf, authority *x509.Certificate, now time.Time) bool {
	return leaf.CheckSignatureFrom(authority) == nil && now.Before(leaf.NotAfter.Add(-renewBefore)) &&
		!slices.ContainsFunc(k.names, func(name string) bool { return leaf.VerifyHostname(name) != nil })
}

func (k *certificates) readPair(name string) (tls.Certificate, error) {
	file := filepath.Join(k.dir, name)
	if _, err := os.Stat(file + ".key"); err != nil {
		return tls.Certificate{}, mail.Because("app.certificate", mail.Unavailable, "", err)
	}
	pair, err := tls.LoadX509KeyPair(file+".pem", file+".key")
	if err != nil {
		return tls.Certificate{}, unreadable("app.certificate", file+".pem", err)
	}
	return pair, nil
}

// make makes an authority (by is nil) or a certificate signed by one, and writes both of its files, the key first.
func (k *certificates) make(name string, now time.Time, by *tls.Certificate) (tls.Certificate, error) {
	const op = "app.certificate"
	wanted := template(now, k.names, by == nil)
	der, key, err := sign(wanted, by)
	if err != nil {
		return tls.Certificate{}, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, mail.Because(op, mail.Other, "", err)
	}
	file := filepath.Join(k.dir, name)
	if err := writePEM(file+".key", "PRIVATE KEY", secret, 0o600); err != nil {
		return tls.Certificate{}, unreadable(op, file+".key", err)
	}
	if err := writePEM(file+".pem", "CERTIFICATE", der, 0o644); err != nil {
		return tls.Certificate{}, unreadable(op, file+".pem", err)
	}
	k.log.Info("certificate made", "file", file+".pem", "until", wanted.NotAfter)
	return k.readPair(name)
}

// sign makes a key and a certificate for it that says what is wanted, signed by an authority, or by itself where by is nil.
func sign(wanted *x509.Certificate, by *tls.Certificate) (der []byte, key *ecdsa.PrivateKey, err error) {
	const op = "app.certificate"
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, mail.Because(op, mail.Other, "", err)
	}
	parent, signer := wanted, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	if der, err = x509.CreateCertificate(rand.Reader, wanted, parent, key.Public(), signer); err != nil {
		return nil, nil, mail.Because(op, mail.Other, "", err)
	}
	return der, key, nil
}

// template is what a certificate for names says. The common name has 64 characters at most (RFC 5280 appendix A.1).
func template(now time.Time, names []string, authority bool) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // rand.Reader never fails
	c := &x509.Certificate{
		SerialNumber: serial, NotBefore: now.Add(-backdate), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if len(names[0]) <= 64 {
		c.Subject = pkix.Name{CommonName: names[0]}
	}
	if authority {
		c.Subject.CommonName, c.NotAfter = "Tegami "+names[0], now.Add(authorityLife)
		c.IsCA, c.MaxPathLenZero = true, true
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil
		return c
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	return c
}

// writePEM replaces a file in one step.
func writePEM(path, kind string, der []byte, mode fs.FileMode) error {
	next := path + ".new"
	if err := os.WriteFile(next, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return err
	}
	return os.Rename(next, path)
}
