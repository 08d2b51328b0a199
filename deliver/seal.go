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
// no key, or nothing to seal, it gives the fields alone: a forward without a seal is better than none.
func (h *House) sealed(ctx context.Context, tenant mail.TenantID, domain string, m *message, added []byte) []byte {
	return h.sealer(ctx, tenant, domain, m).before(added, m.header)
}

// A sealer adds to the chain of one message. Its chain is verified with the header the message came with.
type sealer struct {
	*House
	message *message
	chain   arc.Chain
	results authres.Field // what we found out when the message came
	key     dkim.Key
}

// sealer makes the sealer of a message; nil where nothing can be sealed.
func (h *House) sealer(ctx context.Context, tenant mail.TenantID, domain string, m *message) *sealer {
	if h.cfg.Keys == nil || h.cfg.Lookup == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sealTimeout)
	defer cancel()
	keys, err := h.cfg.Keys.Signers(ctx, tenant, domain)
	if err != nil {
		h.cfg.Log.Warn("no key for an ARC seal", "tenant", tenant.String(), "domain", domain, "err", err)
	}
	if len(keys) == 0 {
		return nil
	}
	chain := arc.Verify(ctx, h.cfg.Lookup, m.header, m.bodyReader())
	return &sealer{h, m, chain, h.results(m, chain), rsaFirst(keys)}
}

// before gives the fields that are added to a message, and before them the set that seals them with the header as it goes out.
func (s *sealer) before(added, header []byte) []byte {
	if s == nil {
		return added
	}
	whole := slices.Concat(added, header)
	fields, err := arc.Seal(whole, s.message.bodyReader(), s.key, s.chain, arc.Options{Results: s.results, Time: time.Now()})
	if err != nil {
		s.cfg.Log.Warn("no ARC seal", "domain", s.key.Domain, "err", err)
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
