package mailbox

import "context"

// Candidates are the messages of a view among which a search has to look.
type Candidates struct {
	Use  bool     // false: the index cannot help, every message has to be looked at
	Seqs []uint32 // indexed messages that may contain all needles, ascending
	Rest []uint32 // messages that are not indexed yet, ascending
}

// Candidates gives the messages that may contain all needles in header, body or the names of attachments. Needles are
// UTF-8 as the client wrote them.
func (v *View) Candidates(ctx context.Context, needles []string) (Candidates, error) {
	return Candidates{}, ctx.Err()
}
