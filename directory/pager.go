package directory

import (
	"cmp"
	"container/heap"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"tegami/mail"
)

// pageKey is by what rows stand in order: a text or a number, then the address.
type pageKey struct {
	Text    string `json:"t,omitempty"`
	Number  int64  `json:"n,omitempty"`
	Address string `json:"a"`
	ID      int64  `json:"i,omitempty"` // where two may have the same address
}

func (k *pageKey) compare(o *pageKey) int {
	return cmp.Or(strings.Compare(k.Text, o.Text), cmp.Compare(k.Number, o.Number), strings.Compare(k.Address, o.Address), cmp.Compare(k.ID, o.ID))
}

// pager keeps one page of what it is offered in any order: the first rows behind a cursor. It never sorts more than the page.
type pager[T any] struct {
	limit      int
	descending bool
	after      *pageKey
	top        []pageRow[T] // a heap, the last in order on top
	total      int
	more       bool
}

// pageRow is a row with its key.
type pageRow[T any] struct {
	key pageKey
	row T
}

// newPager begins a page. Invalid "cursor.malformed".
func newPager[T any](op mail.Op, cursor string, limit int, descending bool) (p pager[T], err error) {
	if limit <= 0 || limit > MaxRosterPage {
		limit = MaxRosterPage
	}
	p.limit, p.descending = limit, descending
	if cursor == "" {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, &p.after)
	}
	if err != nil || p.after == nil {
		return p, mail.E(op, mail.Invalid, "cursor.malformed")
	}
	return p, nil
}

// offer takes a row into the page, if it comes before one that is there or there is room.
func (p *pager[T]) offer(key pageKey, row T) {
	p.total++
	if p.after != nil && p.order(&key, p.after) <= 0 {
		return
	}
	if len(p.top) < p.limit {
		heap.Push(p, pageRow[T]{key, row})
		return
	}
	p.more = true
	if p.order(&key, &p.top[0].key) < 0 {
		p.top[0] = pageRow[T]{key, row}
		heap.Fix(p, 0)
	}
}

// page gives the rows in order.
func (p *pager[T]) page() []T {
	slices.SortFunc(p.top, func(a, b pageRow[T]) int { return p.order(&a.key, &b.key) })
	rows := make([]T, len(p.top))
	for i, r := range p.top {
		rows[i] = r.row
	}
	return rows
}

// next is the cursor of the next page, "" at the end. After page.
func (p *pager[T]) next() string {
	if !p.more || len(p.top) == 0 {
		return ""
	}
	text, err := json.Marshal(p.top[len(p.top)-1].key)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func (p *pager[T]) order(a, b *pageKey) int {
	if p.descending {
		return b.compare(a)
	}
	return a.compare(b)
}

// Len is one of the five methods of heap.Interface.
func (p *pager[T]) Len() int { return len(p.top) }

// Less puts the last in order on top of the heap.
func (p *pager[T]) Less(i, j int) bool { return p.order(&p.top[i].key, &p.top[j].key) > 0 }

// Swap exchanges two rows.
func (p *pager[T]) Swap(i, j int) { p.top[i], p.top[j] = p.top[j], p.top[i] }

// Push adds a row; for heap only.
func (p *pager[T]) Push(r any) { p.top = append(p.top, r.(pageRow[T])) }

// Pop takes the last row; for heap only.
func (p *pager[T]) Pop() any {
	last := p.top[len(p.top)-1]
	p.top = p.top[:len(p.top)-1]
	return last
}
