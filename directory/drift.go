package directory

import (
	"context"
	"sync"

	"tegami/mail"
	"tegami/store"
)

// A drift knows which objects of a company changed lately, from the operation log. So an address in memory is read again when
// something changed that it was made of, and not because somebody else's did: in a company of 200,000 something changes all the time.
type drift struct {
	mu    sync.RWMutex
	store store.Tenant
	begun bool
	epoch uint64 // up to which it knows
	act   uint64 // the last line of the operation log it read
	floor uint64 // what was read under this epoch or before is stale
	// changed says under which epoch a change was seen. It may have been made before what was read under that epoch, or behind it:
	// such a thing is read once more.
	changed map[mail.ObjectID]uint64
	filters uint64 // under which epoch a change of the company's filters of mail was seen
	made    uint64 // under which epoch a new credential was seen; whose it is stands in no log
}

// Limits of a drift. Past them everything counts as changed.
const (
	// maxDriftActs is how many lines of the operation log it reads at once.
	maxDriftActs = 5000
	// maxDriftChanges is how many changed objects it holds, 16 octets each and what the map takes.
	maxDriftChanges = 20_000
)

// drifts are those of all companies.
type drifts struct {
	mu  sync.RWMutex
	all map[mail.TenantID]*drift
}

// of gives the drift of a company.
func (d *drifts) of(c *contract) *drift {
	d.mu.RLock()
	one := d.all[c.ID]
	d.mu.RUnlock()
	if one != nil {
		return one
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = make(map[mail.TenantID]*drift)
	}
	if d.all[c.ID] == nil {
		d.all[c.ID] = &drift{store: c.store}
	}
	return d.all[c.ID]
}

// fresh tells whether an entry is as it would be read under an epoch. Where that can't be found out it is not.
func (d *Directory) fresh(ctx context.Context, c *contract, e *entry, epoch uint64) bool {
	was := e.epoch.Load()
	if was == epoch {
		return true
	}
	if e.floating {
		return false
	}
	dr := d.drifts.of(c)
	if dr.catchUp(ctx, epoch) != nil {
		return false
	}
	dr.mu.RLock()
	defer dr.mu.RUnlock()
	if was <= dr.floor || e.credential == nil && e.target.Kind != TargetList && dr.made >= was {
		return false
	}
	for _, id := range e.objects() {
		if at, ok := dr.changed[id]; ok && at >= was {
			return false
		}
	}
	e.epoch.CompareAndSwap(was, dr.epoch)
	return true
}

// objects are those an entry was made of.
func (e *entry) objects() [4]mail.ObjectID {
	ids := [4]mail.ObjectID{mail.ObjectID(e.target.Account.ID), mail.ObjectID(e.domain.ID)}
	if e.credential != nil {
		ids[2] = e.credential.id
	}
	if e.target.List != nil {
		ids[3] = e.target.List.ID
	}
	return ids
}

// catchUp reads what changed until an epoch. One caller reads, the others wait for it.
func (d *drift) catchUp(ctx context.Context, epoch uint64) error {
	d.mu.RLock()
	known := d.begun && d.epoch >= epoch
	d.mu.RUnlock()
	if known {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.begun && d.epoch >= epoch {
		return nil
	}
	now := d.store.Epoch() // before reading: what changes meanwhile is read the next time
	var acts []store.Act
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		acts, err = d.read(r)
		return err
	})
	if err == nil {
		d.note(acts, now, d.store.Epoch())
	}
	return err
}

// read gives the lines since; none, and begun not set, where that is too much.
func (d *drift) read(r store.Reader) (all []store.Act, err error) {
	for d.begun {
		acts, err := r.Acts(d.act+uint64(len(all)), 0)
		if err != nil {
			return nil, err
		}
		all = append(all, acts...)
		if len(acts) < store.MaxPage {
			return all, nil
		}
		d.begun = len(all) < maxDriftActs
	}
	d.act, err = lastAct(r)
	return nil, err
}

// note takes lines in that were read while the epoch went from now to then. They may tell of changes up to then, made behind what
// was read meanwhile: so that is stale too. What came up to then and is not in the lines is read the next time.
func (d *drift) note(acts []store.Act, now, then uint64) {
	if !d.begun || len(d.changed)+len(acts) > maxDriftChanges {
		d.floor, d.made, d.filters, d.changed = then, 0, 0, make(map[mail.ObjectID]uint64)
	}
	for i := range acts {
		a := &acts[i]
		switch a.Kind {
		case kindCredential:
			if a.Before == nil {
				d.made = then
			}
		case kindAccount, kindList, kindDomain:
		case kindFilter, kindSenders, kindSettings:
			d.noteFilter(a, then)
			continue
		default:
			continue
		}
		d.changed[a.ID] = then
	}
	if n := len(acts); n > 0 {
		d.act = acts[n-1].Seq
	}
	d.begun, d.epoch = true, now
}
