package mailbox

// Shares tells whether two views hold the same list, not only an equal one.
func Shares(v, w *View) bool {
	return v.Len() == w.Len() && &v.shown.pieces[0].ms[0] == &w.shown.pieces[0].ms[0]
}
