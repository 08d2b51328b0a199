package report

import (
	"context"
	"encoding/json"
	"slices"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// Kinds of objects. Sums are the platform's, marks are the sender's tenant's, digests are those of the tenant they are about.
const (
	kindSums   = "reportsums"
	kindSent   = "reportsent"
	kindDigest = "report"
)

// sumsDoc is the document of kindSums.
type sumsDoc struct {
	Sums []*sum `json:"sums"`
}

// ofDay marks the sums of a day.
func ofDay(day string) store.Key { return store.Key{Name: "day", Value: day} }

// Flush writes down what was seen since the last time. On an error it is kept for the next.
func (s *Service) Flush(ctx context.Context) error {
	taken := s.take()
	for len(taken) > 0 {
		n := min(len(taken), sumsPerObject*objectsPerCommit)
		if err := s.write(ctx, taken[:n]); err != nil {
			s.giveBack(taken)
			return mail.Wrap("report.Flush", err)
		}
		taken = taken[n:]
	}
	return nil
}

// entry is a sum with its key.
type entry struct {
	key string
	*sum
}

// take empties the memory: what it held, ordered by day. What is past the limit of a day is let go.
func (s *Service) take() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]entry, 0, len(s.sums))
	for key, one := range s.sums {
		list = append(list, entry{key, one})
	}
	s.sums = map[string]*sum{}
	slices.SortFunc(list, func(a, b entry) int {
		switch {
		case a.key < b.key: // the key begins with the day
			return -1
		case a.key > b.key:
			return 1
		}
		return 0
	})
	kept := list[:0]
	for _, e := range list {
		if e.Day != s.day {
			s.day, s.written = e.Day, 0
		}
		if s.written++; s.written > maxSumsDay {
			s.lost += e.Count
			continue
		}
		kept = append(kept, e)
	}
	if s.lost > 0 {
		s.log.Warn("more was seen than is reported", "messages", s.lost)
		s.lost = 0
	}
	return kept
}

func (s *Service) giveBack(list []entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range list {
		s.written--
		s.put(e.key, e.sum)
	}
}

// write puts sums into objects, in one commit.
func (s *Service) write(ctx context.Context, list []entry) error {
	var objects []store.Object
	for len(list) > 0 {
		var doc sumsDoc
		day := list[0].Day
		for len(list) > 0 && len(doc.Sums) < sumsPerObject && list[0].Day == day {
			doc.Sums, list = append(doc.Sums, list[0].sum), list[1:]
		}
		b, err := json.Marshal(doc)
		if err != nil {
			return mail.Because("report.write", mail.Other, "report.damaged", err)
		}
		objects = append(objects, store.Object{Kind: kindSums, Marks: []store.Key{ofDay(day)}, Doc: b, Secret: true})
	}
	return s.cfg.Store.Platform().Update(ctx, queue.Worker(), "report.Flush", func(tx store.Tx) error {
		for _, o := range objects {
			o.ID = mail.ObjectID(tx.NextID())
			if _, err := tx.PutObject(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// days lists the days of which there are sums, oldest first.
func (s *Service) days(ctx context.Context) ([]string, error) {
	seen := map[string]bool{}
	err := s.eachSums(ctx, func(r store.Reader, p store.Page) ([]store.Object, error) { return r.Objects(kindSums, p) }, func(o store.Object) error {
		for _, m := range o.Marks {
			if m.Name == "day" {
				seen[m.Value] = true
			}
		}
		return nil
	})
	var list []string
	for day := range seen {
		list = append(list, day)
	}
	slices.Sort(list)
	return list, err
}

// eachSums calls fn for the platform's objects of a list, in portions.
func (s *Service) eachSums(ctx context.Context, list func(store.Reader, store.Page) ([]store.Object, error), fn func(store.Object) error) error {
	return each(ctx, s.cfg.Store.Platform(), list, fn)
}

// each calls fn for a tenant's objects of a list, in portions, each read in a View of its own.
func each(ctx context.Context, t store.Tenant, list func(store.Reader, store.Page) ([]store.Object, error), fn func(store.Object) error) error {
	page := store.Page{Limit: 100}
	for {
		var objects []store.Object
		err := t.View(ctx, func(r store.Reader) (err error) {
			objects, err = list(r, page)
			return err
		})
		if err != nil {
			return mail.Wrap("report.each", err)
		}
		for _, o := range objects {
			if err := fn(o); err != nil {
				return err
			}
			page.After = o.ID
		}
		if len(objects) < page.Limit {
			return nil
		}
	}
}

// load reads all sums of a day.
func (s *Service) load(ctx context.Context, day string) (list []*sum, err error) {
	err = s.eachSums(ctx, func(r store.Reader, p store.Page) ([]store.Object, error) { return r.Marked(kindSums, ofDay(day), p) }, func(o store.Object) error {
		var doc sumsDoc
		if err := json.Unmarshal(o.Doc, &doc); err != nil {
			return mail.Because("report.load", mail.Other, "report.damaged", err)
		}
		list = append(list, doc.Sums...)
		return nil
	})
	return list, err
}

// drop removes the sums of a day.
func (s *Service) drop(ctx context.Context, day string) error {
	return removeMarked(ctx, s.cfg.Store.Platform(), kindSums, ofDay(day))
}

// removeMarked removes all objects of a kind with a mark.
func removeMarked(ctx context.Context, t store.Tenant, kind string, mark store.Key) error {
	for {
		gone := 0
		err := t.Update(ctx, queue.Worker(), "report.Remove", func(tx store.Tx) error {
			objects, err := tx.Marked(kind, mark, store.Page{Limit: objectsPerCommit})
			if err != nil {
				return err
			}
			for _, o := range objects {
				if err := tx.DeleteObject(kind, o.ID, o.Version); err != nil {
					return err
				}
			}
			gone = len(objects)
			return nil
		})
		if err != nil || gone == 0 {
			return mail.Wrap("report.removeMarked", err)
		}
	}
}
