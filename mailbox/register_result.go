package mailbox

// resultCache TODO
type resultCache struct{}
