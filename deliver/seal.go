package deliver

import (
	"context"
	"crypto/rsa"
	"slices"
	"strings"
	"time"

	"tegami/mail"
	"tegami/wire/mailauth/arc"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mailauth/dkim"
	"tegami/wire/mime"
)

// sealTimeout is how long looking up the keys of a chain may take. Without an answer nothing is sealed.
const sealTimeout = 20 * time.Second

// sealed puts an ARC set (RFC 8617) before the fields that are added to a message, for a domain of the tenant. Where there is
// no key, or nothing to seal, it gives the fields alone: a forward without seal is better than none.
func (h *House) sealed(ctx context.Context, tenant mail.TenantID, domain string, m *message, added []byte) ([]byte, error) {
	chain, results, key, ok := h.chain(ctx, tenant, domain, m)
	if !ok {
		return added, nil
	}
	header := slices.Concat(added, m.header)
	return h.seal(added, header, m, chain, results, key), nil
}

// chain verifies the chain a message came with, as its header was then, and finds what we know of it and the key to
// seal that with. It is not ok where nothing can be sealed.
func (h *House) chain(ctx context.Context, tenant mail.TenantID, domain string, m *message) (c arc.Chain, f authres.Field, key dkim.Key, ok bool) {
	if h.cfg.Keys == nil || h.cfg.Lookup == nil {
		return c, f, key, false
	}
	ctx, cancel := context.WithTimeout(ctx, sealTimeout)
	defer cancel()
	keys, err := h.cfg.Keys.Signers(ctx, tenant, domain)
	if err != nil {
		h.cfg.Log.Warn("no key for an ARC seal", "tenant", tenant.String(), "domain", domain, "err", err)
	}
	if len(keys) == 0 {
		return c, f, key, false
	}
	c = arc.Verify(ctx, h.cfg.Lookup, m.header, m.bodyReader())
	return c, h.results(m, c), rsaFirst(keys), !c.Temp
}

// seal gives the set of a chain for a message as it goes out, with the added fields behind it.
func (h *House) seal(added, header []byte, m *message, c arc.Chain, f authres.Field, key dkim.Key) []byte {
	fields, err := arc.Seal(header, m.bodyReader(), key, c, arc.Options{Results: f, Time: time.Now()})
	if err != nil {
		h.cfg.Log.Warn("no ARC seal", "domain", key.Domain, "err", err)
		return added
	}
	return slices.Concat(fields, added)
}

// rsaFirst gives the key that most can verify: RFC 8617 §4.1.2 knows one signature for each instance.
func rsaFirst(keys []dkim.Key) dkim.Key {
	i := slices.IndexFunc(keys, func(k dkim.Key) bool {
		_, ok := k.Signer.Public().(*rsa.PublicKey)
		return ok
	})
	return keys[max(i, 0)]
}

// results are what we found out when the message came, as our Authentication-Results say. The intake strips
// what bears our name and is not ours.
func (h *House) results(m *message, c arc.Chain) authres.Field {
	f := authres.Field{Server: h.cfg.Hostname}
	for hf := range m.header.Fields() {
		if !strings.EqualFold(string(hf.Name), authres.FieldName) {
			continue
		}
		found, err := authres.Parse(mime.Unfold(hf.Value))
		if err == nil && strings.EqualFold(found.Server, h.cfg.Hostname) {
			f.Results = found.Results
			break
		}
	}
	if _, ok := f.Get("arc"); !ok {
		f.Results = append(slices.Clip(f.Results), c.Report())
	}
	return f
}
