package trace

import (
	"context"
	"strings"
	"time"

	"tegami/mail"
	"tegami/queue"
	"tegami/store"
)

// Figure counts recipients in one hour.
type Figure struct {
	Hour      time.Time // its beginning, UTC
	Direction Direction
	Result    Result // "" counts messages that became ours
	Count     int64
}

// Figures gives the figures of the hours from since to until, in their order. They come some seconds after the mail, and for mail that
// waits when it is settled. They are kept as long as the items.
func (s *Service) Figures(ctx context.Context, tenant mail.TenantID, since, until time.Time) ([]Figure, error) {
	list, err := s.cfg.Store.Tenant(tenant).Traces().Sums(ctx, since, until)
	if err != nil {
		return nil, mail.Wrap("trace.Figures", err)
	}
	all := make([]Figure, 0, len(list))
	for _, sum := range list {
		if strings.HasPrefix(sum.Name, dayPrefix) {
			continue
		}
		direction, result, _ := strings.Cut(sum.Name, ".")
		all = append(all, Figure{sum.Hour, Direction(direction), Result(result), sum.N})
	}
	return all, nil
}

// sums are figures that are being made.
type sums map[Figure]int64

// add counts n in the hour of a time.
func (s sums) add(at time.Time, d Direction, r Result, n int) {
	s[Figure{Hour: at.UTC().Truncate(time.Hour), Direction: d, Result: r}] += int64(n)
}

// list gives them as the store takes them.
func (s sums) list() (list []store.TraceSum) {
	for f, n := range s {
		list = append(list, store.TraceSum{Hour: f.Hour, Name: string(f.Direction) + "." + string(f.Result), N: n})
	}
	return list
}

// came counts a message that became ours, once though it may be several items, and what is held at once.
func (s sums) came(it *queue.Item) {
	direction := DirectionOf(it)
	if it.State == store.ItemHeld {
		s.add(it.ID.Time(), direction, Held, len(it.To))
	}
	switch it.Route {
	case queue.RouteNotice, queue.RouteFilter, queue.RouteForward, queue.RouteRefused:
		return
	}
	if it.Of == it.ID {
		s.add(it.ID.Time(), direction, "", 1)
	}
}

// settled counts what became of the recipients of an item that is settled. Who was handed on is counted with the item that has him.
func (s sums) settled(it *queue.Item) {
	if it.Route == queue.RouteNotice {
		return
	}
	direction := DirectionOf(it)
	if len(it.Deferrals) > 0 {
		s.add(it.Deferrals[0].At, direction, Delayed, len(it.To))
	}
	if it.Route == queue.RouteRefused {
		s.add(it.Origin.Received, direction, Refused, max(len(it.To), 1)+it.Repeats)
		return
	}
	for i := range it.To {
		r := &it.To[i]
		result, way := ResultOf(it, r), direction
		switch {
		case result == Filtered || result == Waiting, r.Outcome == queue.Expanded && r.Into == queue.IntoRemote:
			continue
		case r.Outcome == queue.Expanded && r.Into == queue.IntoCompany:
			result, way = Delivered, Outbound
		}
		at := r.At
		if at.IsZero() {
			at = it.ID.Time()
		}
		s.add(at, way, result, 1)
	}
}
