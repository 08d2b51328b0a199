package jmapd

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tegami/directory"
	"tegami/mailbox"
	"tegami/wire/jmap"
)

// capabilities are what a client may use.
var capabilities = []string{
	jmap.Core, jmap.Mail, jmap.Submission, jmap.Vacation, jmap.WebSocket, jmap.Blob, jmap.Quota, jmap.Sieve, jmap.Contacts, jmap.MDN, jmap.WebPushVAPID,
	jmap.TegamiMail, jmap.TegamiSettings, jmap.TegamiRules, jmap.TegamiSnooze, jmap.TegamiDirectory, jmap.TegamiFilter,
}

// sharable tells whether accounts of colleagues have a capability: what they share are mailboxes.
func sharable(capability string) bool {
	return slices.Contains([]string{jmap.Core, jmap.Mail, jmap.TegamiMail, jmap.Blob}, capability)
}

// serverOnly are capabilities that belong to no account.
var serverOnly = []string{jmap.Core, jmap.WebSocket, jmap.WebPushVAPID}

// session tells what an identity reaches (RFC 8620 §2). base is the origin of the URLs: "https://mail.example.jp".
func (s *Server) session(ctx context.Context, who *directory.Identity, base string) (*jmap.Session, error) {
	a, id := who.Account(), ownID(who)
	sharers, err := s.sharers(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &jmap.Session{
		Capabilities: map[string]any{}, Accounts: map[jmap.Id]jmap.Account{}, PrimaryAccounts: map[string]jmap.Id{},
		Username: a.Address.String(), State: s.sessionHash(who, sharers),
		APIURL: base + apiPath, DownloadURL: base + downloadPath + "{accountId}/{blobId}/{name}?accept={type}",
		UploadURL: base + uploadPath + "{accountId}/", EventSourceURL: base + eventPath + "?types={types}&closeafter={closeafter}&ping={ping}",
	}
	for _, name := range capabilities {
		out.Capabilities[name] = s.capability(ctx, name, base)
		if !slices.Contains(serverOnly, name) {
			out.PrimaryAccounts[name] = id
		}
	}
	out.Accounts[id] = s.account(a.Address.String(), true, false)
	for _, o := range sharers {
		out.Accounts[jmap.Of(jmap.LetterAccount, o.Account)] = s.account(o.Address.String(), false, o.ReadOnly)
	}
	return out, nil
}

// account is one account of a session.
func (s *Server) account(name string, personal, readOnly bool) jmap.Account {
	a := jmap.Account{Name: name, IsPersonal: personal, IsReadOnly: readOnly, Capabilities: map[string]any{}}
	for _, name := range capabilities {
		if !slices.Contains(serverOnly, name) && (personal || sharable(name)) {
			a.Capabilities[name] = s.accountCapability(name)
		}
	}
	if m, ok := a.Capabilities[jmap.Mail].(mailCapability); ok {
		m.MayCreateTopLevelMailbox = personal
		a.Capabilities[jmap.Mail] = m
	}
	return a
}

// sharers are the colleagues who share mailboxes with an account.
func (s *Server) sharers(ctx context.Context, who *directory.Identity) ([]mailbox.Sharer, error) {
	box, err := s.config.Mailboxes.Open(ctx, who)
	if err != nil {
		return nil, err
	}
	list, err := box.Sharers(ctx)
	return list[:min(len(list), maxFollowed)], err
}

// none is what a capability tells that has nothing to tell.
type none struct{}

// capability is what the server says of one.
func (s *Server) capability(ctx context.Context, name, base string) any {
	if name == jmap.Core {
		return jmap.CoreLimits{
			MaxSizeUpload: s.limits.Upload, MaxConcurrentUpload: s.limits.Uploads, MaxSizeRequest: s.limits.Request,
			MaxConcurrentRequests: s.limits.Concurrent, MaxCallsInRequest: s.limits.Calls, MaxObjectsInGet: s.limits.Objects,
			MaxObjectsInSet: s.limits.Objects, CollationAlgorithms: []string{"i;ascii-casemap", "i;unicode-casemap"},
		}
	}
	if name == jmap.WebSocket {
		url, _ := strings.CutPrefix(base, "https:")
		return map[string]any{"url": "wss:" + url + socketPath, "supportsPush": true} // RFC 8887 §3
	}
	if name == jmap.WebPushVAPID {
		return s.vapid(ctx)
	}
	if name == jmap.Sieve {
		return map[string]any{"implementation": "Tegami"} // RFC 9661 §1.3
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
var accountCapabilities = map[string]func(*Server) any{
	jmap.Mail:       accountMail,
	jmap.Blob:       accountBlobs,
	jmap.Sieve:      accountSieve,
	jmap.Submission: (*Server).submissionCapability,
	jmap.Contacts:   accountContacts, jmap.TegamiDirectory: accountDirectory, jmap.TegamiFilter: accountFilter,
}

// sessionState changes when the session does.
func (s *Server) sessionState(ctx context.Context, who *directory.Identity) string {
	sharers, err := s.sharers(ctx, who)
	if err != nil {
		s.log.Warn("session", "err", err)
	}
	return s.sessionHash(who, sharers)
}

func (s *Server) sessionHash(who *directory.Identity, sharers []mailbox.Sharer) string {
	h := fnv.New64a()
	var b []byte
	a := who.Account()
	b = fmt.Append(b, a.ID, a.Address, s.limits)
	for _, o := range sharers {
		b = fmt.Append(b, o)
	}
	h.Write(b)
	return strconv.FormatUint(h.Sum64(), 36)
}

// serveSession answers with the session (RFC 8620 §2).
func (s *Server) serveSession(w http.ResponseWriter, r *http.Request, who *client) {
	session, err := s.session(r.Context(), who.identity, "https://"+r.Host)
	if err != nil {
		s.refuse(w, r, who, err)
		return
	}
	s.json(w, r, http.StatusOK, session)
}

// Session tells what somebody within this process reaches; its URLs lead nowhere.
func (s *Server) Session(ctx context.Context, who *directory.Identity) (*jmap.Session, error) {
	return s.session(ctx, who, "")
}
