package imap

// SelectParams are the parameters of SELECT and EXAMINE (RFC 4466 §2.1).
type SelectParams struct {
	Condstore bool // RFC 7162 §3.1.8
	QResync   bool // RFC 7162 §3.2.5; the rest belongs to it
	Resync
}

// Resync is what a client that comes back knows of a mailbox.
type Resync struct {
	UIDValidity uint32
	ModSeq      uint64
	HasKnown    bool
	Known       NumSet // UIDs
	HasMatch    bool
	Seqs, UIDs  NumSet // sequence numbers, and the UID of each, in the same order
}

// SelectParams takes the parenthesized parameters of SELECT.
func (d *Decoder) SelectParams(dst *SelectParams) bool {
	return d.List(func() bool {
		var word string
		if !d.Keyword(&word) {
			return false
		}
		switch word {
		case "CONDSTORE":
			dst.Condstore = true
			return true
		case "QRESYNC":
			dst.QResync = true
			return d.SP() && d.resync(&dst.Resync)
		}
		return d.Expected("select-param")
	})
}

// resync takes the argument of QRESYNC: "(" uidvalidity SP mod-sequence [SP known-uids] [SP seq-match-data] ")".
func (d *Decoder) resync(dst *Resync) bool {
	*dst = Resync{}
	if !d.Special('(') || !d.Number(&dst.UIDValidity) || !d.SP() || !d.Number64(&dst.ModSeq) {
		return false
	}
	if dst.UIDValidity == 0 || dst.ModSeq == 0 {
		return d.Expected("nz-number")
	}
	if d.Accept(' ') && !d.IsNext('(') {
		if dst.HasKnown = true; !d.knownSet(&dst.Known) {
			return false
		}
		d.Accept(' ')
	}
	if d.IsNext('(') {
		dst.HasMatch = true
		if !d.Special('(') || !d.knownSet(&dst.Seqs) || !d.SP() || !d.knownSet(&dst.UIDs) || !d.Special(')') {
			return false
		}
	}
	return d.Special(')')
}

// knownSet takes a set of numbers that the client knows, so without "*" and "$".
func (d *Decoder) knownSet(dst *NumSet) bool {
	if !d.NumSet(dst) {
		return false
	}
	if dst.Saved {
		return d.Expected("sequence-set")
	}
	for _, r := range dst.Ranges {
		if r.Lo == 0 || r.Hi == 0 {
			return d.Expected("sequence-set")
		}
	}
	return true
}

// LastMatch gives the highest UID in UIDs that really has its number of Seqs, as uidOf tells: all below it are as the client
// knows them (RFC 7162 §3.2.5.2). 0 where none has. uidOf gives 0 for a number without message.
func (r *Resync) LastMatch(uidOf func(seq uint32) uint32) (uid uint32) {
	seqs, uids := pairs{rs: r.Seqs.Ranges}, pairs{rs: r.UIDs.Ranges}
	for {
		n, ok1 := seqs.next()
		u, ok2 := uids.next()
		if !ok1 || !ok2 {
			return uid
		}
		there := uidOf(n)
		if there == 0 {
			return uid // the numbers ascend: none above is there
		}
		if there == u {
			uid = max(uid, u)
		}
	}
}

// pairs goes through the numbers of ranges, one by one.
type pairs struct {
	rs []Range
	at uint32
}

func (p *pairs) next() (uint32, bool) {
	if len(p.rs) == 0 {
		return 0, false
	}
	r := p.rs[0]
	if r.Lo > r.Hi {
		r.Lo, r.Hi = r.Hi, r.Lo
	}
	n := max(p.at, r.Lo)
	if n == r.Hi {
		p.rs, p.at = p.rs[1:], 0
	} else {
		p.at = n + 1
	}
	return n, true
}

// AppendTo writes the parameters as a client would.
func (p *SelectParams) AppendTo(dst []byte) []byte {
	dst = append(dst, '(')
	start := len(dst)
	if p.Condstore {
		dst = append(dst, "CONDSTORE"...)
	}
	if p.QResync {
		dst = AppendUint(append(sep(dst, start), "QRESYNC ("...), p.UIDValidity)
		dst = AppendUint(append(dst, ' '), p.ModSeq)
		if p.HasKnown {
			dst = p.Known.AppendTo(append(dst, ' '))
		}
		if p.HasMatch {
			dst = p.Seqs.AppendTo(append(dst, " ("...))
			dst = append(p.UIDs.AppendTo(append(dst, ' ')), ')')
		}
		dst = append(dst, ')')
	}
	return append(dst, ')')
}
