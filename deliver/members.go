package deliver

import (
	"context"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
)

// MaxExpansion is how many recipients a post to a list has at most, through all lists below it (LI-7).
const MaxExpansion = 10_000

// place says on which list a member stands.
type place struct {
	list   *directory.List
	member directory.Member
}

// expansion are the members of a list and of all lists below it, each once.
type expansion struct {
	*House
	tenant mail.TenantID
	lists  map[mail.ObjectID]bool
	places map[string]place // by the member's address key
	boxes  map[mail.AccountID]bool

	local   []queue.Recipient // boxes of the tenant; who is unknown here has failed
	outside []queue.Recipient // at other hosts, in other tenants, and what else is no box
}

// expand finds who gets a post. Lists below are opened once, whatever circles they make. Full
// "list.too_many" past MaxExpansion, with those found until then.
func (h *House) expand(ctx context.Context, l *directory.List) (*expansion, error) {
	e := &expansion{
		House: h, tenant: l.Tenant, lists: make(map[mail.ObjectID]bool),
		places: make(map[string]place), boxes: make(map[mail.AccountID]bool),
	}
	for todo := []*directory.List{l}; len(todo) > 0; todo = todo[1:] {
		if e.lists[todo[0].ID] {
			continue
		}
		e.lists[todo[0].ID] = true
		below, err := e.open(ctx, todo[0])
		if err != nil {
			return e, err
		}
		todo = append(todo, below...)
	}
	return e, nil
}

// open adds the members of one list, and gives the lists among them.
func (e *expansion) open(ctx context.Context, l *directory.List) (below []*directory.List, err error) {
	members, err := e.cfg.Directory.Company(e.tenant).Members(ctx, l.ID)
	if mail.Is(err, mail.NotFound) {
		return nil, nil // deleted meanwhile
	}
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		key := m.Address.Key()
		if _, again := e.places[key]; again || m.Off {
			continue
		}
		target, err := e.resolve(ctx, m.Address)
		if err == nil && target.Kind == directory.TargetList && target.Tenant == e.tenant {
			below = append(below, target.List)
			continue
		}
		e.places[key] = place{l, m}
		if err := e.add(m.Address, &target, err); err != nil {
			return nil, err
		}
		if len(e.local)+len(e.outside) > MaxExpansion {
			return nil, mail.E("deliver.expand", mail.Full, "list.too_many", MaxExpansion)
		}
	}
	return below, nil
}

// add takes a member by what its address leads to, or why it leads nowhere.
func (e *expansion) add(addr mail.Address, target *directory.Target, err error) error {
	r := queue.Recipient{Recipient: mail.Recipient{Address: addr, Notify: mail.NotifyNever}}
	switch {
	case mail.Is(err, mail.NotFound):
		e.local = append(e.local, r) // fails where it is delivered, and is counted there
	case mail.Is(err, mail.Denied):
		e.outside = append(e.outside, r)
	case err != nil:
		return err
	case target.Tenant == e.tenant && isOwn(target):
		if !e.boxes[target.Account.ID] {
			e.boxes[target.Account.ID] = true
			e.local = append(e.local, r)
		}
	default:
		e.outside = append(e.outside, r)
	}
	return nil
}
