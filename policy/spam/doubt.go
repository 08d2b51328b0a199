package spam

import "tegami/policy"

// Bounds of doubt, in percent and in messages.
const (
	doubtFrom = 50 // below, a message is taken
	doubtTo   = 99 // above, waiting teaches nothing
	doubtRep  = 3  // more good than bad messages of a network or domain than this, and it is known
)

// Doubtful tells whether a stranger should be asked to come again later (greylisting): its message may be spam or not, and nothing
// good is known of where it comes from. By then lists and other companies' users may know more. Mail in no doubt is never delayed.
func Doubtful(s policy.Spam, known Rep) bool {
	return s.Percent >= doubtFrom && s.Percent < doubtTo && known.Good-known.Bad < doubtRep
}
