package embedded

import (
	"context"
	"sync"

	"tegami/mail"
)

// hub tells watchers of a tenant's accounts what ModSeq they reached. A watcher is a channel with
// room for one number; a newer one replaces it.
type hub struct {
	mu       sync.Mutex
	watchers map[mail.AccountID][]chan mail.ModSeq
}

// watch adds a watcher of an account, until ctx ends.
func (h *hub) watch(ctx context.Context, a mail.AccountID) <-chan mail.ModSeq {
	ch := make(chan mail.ModSeq, 1)
	h.mu.Lock()
	if h.watchers == nil {
		h.watchers = make(map[mail.AccountID][]chan mail.ModSeq)
	}
	h.watchers[a] = append(h.watchers[a], ch)
	h.mu.Unlock()
	context.AfterFunc(ctx, func() { h.leave(a, ch) })
	return ch
}

func (h *hub) leave(a mail.AccountID, ch chan mail.ModSeq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.watchers[a]
	for i, c := range list {
		if c == ch {
			list[i] = list[len(list)-1]
			list[len(list)-1] = nil
			h.watchers[a] = list[:len(list)-1]
			close(ch)
			break
		}
	}
	if len(h.watchers[a]) == 0 {
		delete(h.watchers, a)
	}
}

// tell sends an account's ModSeq to its watchers. Called in the order of the commits.
func (h *hub) tell(a mail.AccountID, n mail.ModSeq) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, ch := range h.watchers[a] {
		select {
		case <-ch: // an older number nobody has read
		default:
		}
		ch <- n // there is room: only this function sends, under mu
	}
}
