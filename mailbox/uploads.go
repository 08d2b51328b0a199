package mailbox

import (
	"sync"

	"tegami/mail"
)

// How many octets may be on their way into the mailboxes of one account, and of one tenant, at once: they are in memory that all share,
// until their commit. Without these bounds a few slow uploads of one would keep everybody else's mail out.
const (
	maxUploading       = 64 << 20
	maxUploadingTenant = 128 << 20
)

// uploads are the octets on their way by who sends them.
type uploads struct {
	mu      sync.Mutex
	account map[uploader]int64
	tenant  map[mail.TenantID]int64
}

// uploader is who sends them.
type uploader struct {
	tenant  mail.TenantID
	account mail.AccountID
}

func (u *uploads) init() {
	u.account, u.tenant = map[uploader]int64{}, map[mail.TenantID]int64{}
}

// take counts n octets more, if there is room for them.
func (u *uploads) take(who uploader, n int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.account[who]+n > maxUploading || u.tenant[who.tenant]+n > maxUploadingTenant {
		return false
	}
	u.account[who] += n
	u.tenant[who.tenant] += n
	return true
}

// give counts n octets less.
func (u *uploads) give(who uploader, n int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.account[who] -= n; u.account[who] <= 0 {
		delete(u.account, who)
	}
	if u.tenant[who.tenant] -= n; u.tenant[who.tenant] <= 0 {
		delete(u.tenant, who.tenant)
	}
}
