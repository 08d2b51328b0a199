package jmapd

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"

	"tegami/directory"
	"tegami/wire/jmap"
)

// capabilities are what a client may use.
var capabilities = []string{
	jmap.Core, jmap.Mail, jmap.Submission, jmap.Vacation, jmap.WebSocket, jmap.Blob, jmap.Quota, jmap.Sieve, jmap.Contacts, jmap.MDN,
	jmap.TegamiMail, jmap.TegamiSettings, jmap.TegamiRules, jmap.TegamiSnooze, jmap.TegamiDirectory,
}

// sharable tells whether accounts of colleagues have a capability: what they share are mailboxes.
func sharable(capability string) bool {
	return slices.Contains([]string{jmap.Core, jmap.Mail, jmap.TegamiMail, jmap.Blob, jmap.Quota}, capability)
}

// session tells what an identity reaches (RFC 8620 §2). base is the origin of the URLs: "https://mail.example.jp".
func (s *Server) session(ctx context.Context, who *directory.Identity, base string) *jmap.Session {
	id := ownID(who)
	a := who.Account()
	out := &jmap.Session{
		Capabilities: map[string]any{}, Accounts: map[jmap.Id]jmap.Account{}, PrimaryAccounts: map[string]jmap.Id{},
		Username: a.Address.String(), State: s.sessionState(ctx, who),
		APIURL: base + apiPath, DownloadURL: base + downloadPath + "{accountId}/{blobId}/{name}?accept={type}",
		UploadURL: base + uploadPath + "{accountId}/", EventSourceURL: base + eventPath + "?types={types}&closeafter={closeafter}&ping={ping}",
	}
	mine := jmap.Account{Name: a.Address.String(), IsPersonal: true, Capabilities: map[string]any{}}
	for _, name := range capabilities {
		out.Capabilities[name] = s.capability(name, base)
		if name == jmap.WebSocket {
			continue
		}
		mine.Capabilities[name] = s.accountCapability(name)
		out.PrimaryAccounts[name] = id
	}
	out.Accounts[id] = mine
	return out
}

// none is what a capability tells that has nothing to tell.
type none struct{}

// capability is what the server says of one.
func (s *Server) capability(name, _ string) any {
	if name == jmap.Core {
		return jmap.CoreLimits{
			MaxSizeUpload: s.limits.Upload, MaxConcurrentUpload: s.limits.Uploads, MaxSizeRequest: s.limits.Request,
			MaxConcurrentRequests: s.limits.Concurrent, MaxCallsInRequest: s.limits.Calls, MaxObjectsInGet: s.limits.Objects,
			MaxObjectsInSet: s.limits.Objects, CollationAlgorithms: []string{"i;ascii-casemap", "i;unicode-casemap"},
		}
	}
	return none{}
}

// accountCapability is what an account says of one.
func (s *Server) accountCapability(name string) any {
	if tell := accountCapabilities[name]; tell != nil {
		return tell(s)
	}
	return none{}
}

// accountCapabilities are those with something to tell of an account. Each stands with the files of its records.
var accountCapabilities = map[string]func(*Server) any{}

// sessionState changes when the session does.
func (s *Server) sessionState(_ context.Context, who *directory.Identity) string {
	a := who.Account()
	h := fnv.New64a()
	fmt.Fprint(h, a.ID, a.Address, s.limits)
	return fmt.Sprintf("%016x", h.Sum64())
}

// serveSession answers with the session (RFC 8620 §2).
func (s *Server) serveSession(w http.ResponseWriter, r *http.Request, who *client) {
	s.json(w, r, http.StatusOK, s.session(r.Context(), who.identity, "https://"+r.Host))
}
