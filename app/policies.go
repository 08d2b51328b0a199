package app

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tegami/mail"
	"tegami/relay"
)

// policyFolder is where the MTA-STS policies of other domains are kept, below the data folder: a file each. They are
// a cache of what everybody may read; losing one costs no mail, only the memory that its domain wants TLS.
const policyFolder = "mta-sts"

// maxPolicyFile bounds a file in octets: a policy has 64 KB at most (RFC 8461 §3.3).
const maxPolicyFile = 256 << 10

// policyFiles implements relay.PolicyStore.
type policyFiles struct{ dir string }

// path is a domain's file; false for what is no domain and must not become a name on disk.
func (p policyFiles) path(domain string) (string, bool) {
	name, ok := mail.ParseDomain(domain)
	if !ok || strings.ContainsAny(name, `/\:[`) || strings.HasPrefix(name, ".") {
		return "", false
	}
	return filepath.Join(p.dir, name+".json"), true
}

// Policy gives what was kept, unless its time is over.
func (p policyFiles) Policy(_ context.Context, domain string) (have relay.StoredPolicy, ok bool, err error) {
	path, ok := p.path(domain)
	if !ok {
		return have, false, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return have, false, nil
	}
	if err == nil && len(text) <= maxPolicyFile {
		err = json.Unmarshal(text, &have)
	}
	if err != nil {
		return have, false, unreadable("app.Policy", path, err)
	}
	if time.Since(have.Fetched) > have.MaxAge {
		return relay.StoredPolicy{}, false, os.Remove(path)
	}
	return have, true, nil
}

// PutPolicy keeps a policy in place of what was kept for its domain.
func (p policyFiles) PutPolicy(_ context.Context, domain string, policy relay.StoredPolicy) error {
	const op = "app.PutPolicy"
	path, ok := p.path(domain)
	if !ok {
		return mail.E(op, mail.Invalid, "domain.malformed", domain)
	}
	text, err := json.Marshal(policy)
	if err != nil {
		return mail.Because(op, mail.Other, "config.unreadable", err)
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return unreadable(op, p.dir, err)
	}
	fresh, err := os.CreateTemp(p.dir, "new-*")
	if err != nil {
		return unreadable(op, p.dir, err)
	}
	_, err = fresh.Write(text)
	err = errors.Join(err, fresh.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		return unreadable(op, path, errors.Join(err, os.Remove(fresh.Name())))
	}
	return nil
}
