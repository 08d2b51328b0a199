package segment

// Input is a segment to be merged.
type Input struct {
	ID   int64
	Docs int
	Bits int
	// Page gives a page. They are asked for in order, each once, and used until the next.
	Page func(n int) ([]byte, error)
	// Live are the messages to keep; nil for all.
	Live Docs

	first uint16 // the number its first message has in the result
	place []uint16
	page  int // the next
	rest  Entries
	key   uint32
	list  List
	ended bool
}

// Kept is how many messages are kept of the segment.
func (in *Input) Kept() int {
	if in.Live == nil {
		return in.Docs
	}
	return in.Live.Count()
}

// Merge writes segments as one: the messages of the first, then those of the second, and so on. They are MaxDocs at most.
func Merge(w *Writer, inputs []*Input) error {
	first := 0
	for _, in := range inputs {
		in.prepare(first)
		first += in.Kept()
		if err := in.next(); err != nil {
			return err
		}
	}
	m := merger{w: w, inputs: inputs, docs: make([]uint16, 0, w.docs+1)}
	for {
		ended, err := m.step()
		if err != nil || ended {
			return err
		}
	}
}

// prepare reckons which number each message gets.
func (in *Input) prepare(first int) {
	in.first = uint16(first)
	if in.Live == nil {
		return
	}
	in.place = make([]uint16, in.Docs)
	for i := range in.place {
		in.place[i] = uint16(first)
		if in.Live.Has(i) {
			first++
		}
	}
}

// next moves to the next gram.
func (in *Input) next() (err error) {
	before := in.key
	for len(in.rest) == 0 {
		if in.page == 1<<in.Bits {
			in.ended = true
			return nil
		}
		data, err := in.Page(in.page)
		if err != nil {
			return err
		}
		if in.rest, err = Open(in.ID, in.page, data); err != nil {
			return err
		}
		in.page++
		before = 0
	}
	in.key, in.list, err = in.rest.next(before)
	return err
}

// append adds the messages that have the gram, under their new numbers.
func (in *Input) append(dst []uint16, set *Docs) ([]uint16, error) {
	if in.list.form == formHave {
		err := in.list.gaps(in.Docs, func(i int) { dst = in.add(dst, i) })
		return dst, err
	}
	*set = set.Size(in.Docs)
	if err := in.list.Fill(*set, in.Docs); err != nil {
		return nil, err
	}
	for i := range in.Docs {
		if set.Has(i) {
			dst = in.add(dst, i)
		}
	}
	return dst, nil
}

func (in *Input) add(dst []uint16, i int) []uint16 {
	switch {
	case in.Live == nil:
		return append(dst, in.first+uint16(i))
	case in.Live.Has(i):
		return append(dst, in.place[i])
	}
	return dst
}

type merger struct {
	w      *Writer
	inputs []*Input
	docs   []uint16
	set    Docs
}

// step writes the lowest gram of all.
func (m *merger) step() (ended bool, err error) {
	key, some := uint32(0), false
	for _, in := range m.inputs {
		if !in.ended && (!some || in.key < key) {
			key, some = in.key, true
		}
	}
	if !some {
		return true, m.w.Close()
	}
	m.docs = m.docs[:0]
	for _, in := range m.inputs {
		if in.ended || in.key != key {
			continue
		}
		if m.docs, err = in.append(m.docs, &m.set); err != nil {
			return false, err
		}
		if err := in.next(); err != nil {
			return false, err
		}
	}
	if len(m.docs) == 0 {
		return false, nil
	}
	return false, m.w.Put(key, m.docs)
}
