package jmapd

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"tegami/mail"
	"tegami/wire/jmap"
)

// source is where a /get of small records takes them from.
type source[T any] struct {
	properties []string // all there are, "id" among them
	id         func(*T) jmap.Id
	state      func(context.Context) (string, error)
	// fetch gives the records with these ids, in any order, and leaves out those that are not there; nil: all.
	fetch func(ctx context.Context, ids []jmap.Id) ([]T, error)
}

// get answers a /get (RFC 8620 §5.1).
func get[T any](ctx context.Context, c *call, in *jmap.GetIn, from source[T]) (*jmap.GetOut, error) {
	ids, err := c.getIDs(in, from.properties)
	if err != nil {
		return nil, err
	}
	out := &jmap.GetOut{AccountID: in.AccountID, List: []json.RawMessage{}, NotFound: []jmap.Id{}}
	if out.State, err = from.state(ctx); err != nil {
		return nil, err
	}
	all, err := from.fetch(ctx, ids)
	if err != nil {
		return nil, err
	}
	if ids == nil && len(all) > c.server.limits.Objects {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	found := make(map[jmap.Id]bool, len(all))
	for i := range all {
		found[from.id(&all[i])] = true
		record, err := picked(&all[i], in.Properties)
		if err != nil {
			return nil, err
		}
		out.List = append(out.List, record)
	}
	for _, id := range ids {
		if !found[id] {
			out.NotFound = append(out.NotFound, id)
		}
	}
	return out, nil
}

// getIDs checks what a /get asks for, and gives its ids, each once; nil for all.
func (c *call) getIDs(in *jmap.GetIn, properties []string) ([]jmap.Id, error) {
	for _, p := range in.Properties {
		if !slices.Contains(properties, p) {
			return nil, jmap.Bad("properties")
		}
	}
	if in.IDs == nil {
		return nil, nil
	}
	if len(in.IDs) > c.server.limits.Objects {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	ids := make([]jmap.Id, 0, len(in.IDs))
	seen := make(map[jmap.Id]bool, len(in.IDs))
	for _, id := range in.IDs {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// picked writes a record with some of its properties, and its id always; nil: all.
func picked(record any, properties []string) (json.RawMessage, error) {
	text, err := jmap.Marshal(record)
	if err != nil || properties == nil {
		return text, err
	}
	members, _ := jmap.Members(text)
	out := map[string]json.RawMessage{}
	for _, m := range members {
		if m.Name == "id" || slices.Contains(properties, m.Name) {
			out[m.Name] = m.Value
		}
	}
	return jmap.Marshal(out)
}

// setter changes the records of a /set, one by one. A nil function means that it can't be done at all: forbidden. Each may give a
// *jmap.SetError, or an error of the house.
type setter struct {
	state func(context.Context) (string, error)
	// create makes a record and gives what the client doesn't know of it yet, with its id (jmap.Made or a map with "id").
	create func(ctx context.Context, record json.RawMessage) (id jmap.Id, made any, err error)
	// update changes a record and gives what of it became other than the client wrote; nil for nothing.
	update  func(ctx context.Context, id jmap.Id, p jmap.Patch) (changed any, err error)
	destroy func(ctx context.Context, id jmap.Id) error
}

// set answers a /set (RFC 8620 §5.3): records are made first, those behind that another refers to; then changed, then destroyed.
func set(ctx context.Context, c *call, in *jmap.SetIn, do setter) (*jmap.SetOut, error) {
	out, err := c.beginSet(ctx, in, do.state)
	if err != nil {
		return nil, err
	}
	for _, name := range creationOrder(in.Create) {
		id, made, err := do.make(ctx, in.Create[name])
		if err != nil {
			notCreated(out, name, c.setError(err))
			continue
		}
		c.created(out, name, id, made)
	}
	for _, ref := range slices.Sorted(maps.Keys(in.Update)) {
		c.setUpdate(ctx, out, ref, in, do)
	}
	for _, ref := range in.Destroy {
		c.setDestroy(ctx, out, ref, do)
	}
	out.NewState, err = do.state(ctx)
	return out, err
}

// beginSet checks what a /set asks for as a whole, and begins its answer.
func (c *call) beginSet(ctx context.Context, in *jmap.SetIn, state func(context.Context) (string, error)) (*jmap.SetOut, error) {
	if in.Count() > c.server.limits.Objects {
		return nil, &jmap.MethodError{Type: jmap.RequestTooLarge}
	}
	for name := range in.Create {
		if !name.Valid() {
			return nil, jmap.Bad("create")
		}
	}
	old, err := state(ctx)
	if err != nil {
		return nil, err
	}
	if in.IfInState != nil && *in.IfInState != old {
		return nil, &jmap.MethodError{Type: jmap.StateMismatch}
	}
	return &jmap.SetOut{AccountID: in.AccountID, OldState: old, NewState: old}, nil
}

func (do setter) make(ctx context.Context, record json.RawMessage) (jmap.Id, any, error) {
	if do.create == nil {
		return "", nil, &jmap.SetError{Type: jmap.Forbidden}
	}
	if _, ok := jmap.Members(record); !ok {
		return "", nil, &jmap.SetError{Type: jmap.InvalidProperties}
	}
	return do.create(ctx, record)
}

// setUpdate changes one record.
func (c *call) setUpdate(ctx context.Context, out *jmap.SetOut, ref jmap.Id, in *jmap.SetIn, do setter) {
	id, ok := c.id(ref)
	var changed any
	var err error
	switch {
	case !ok:
		err = &jmap.SetError{Type: jmap.NotFound}
	case do.update == nil:
		err = &jmap.SetError{Type: jmap.Forbidden}
	case slices.Contains(in.Destroy, ref):
		err = &jmap.SetError{Type: jmap.WillDestroy}
	default:
		changed, err = do.update(ctx, id, in.Update[ref])
	}
	if err != nil {
		notUpdated(out, ref, c.setError(err))
		return
	}
	updated(out, id, changed)
}

// setDestroy destroys one record.
func (c *call) setDestroy(ctx context.Context, out *jmap.SetOut, ref jmap.Id, do setter) {
	id, ok := c.id(ref)
	var err error
	switch {
	case !ok:
		err = &jmap.SetError{Type: jmap.NotFound}
	case do.destroy == nil:
		err = &jmap.SetError{Type: jmap.Forbidden}
	default:
		err = do.destroy(ctx, id)
	}
	if err != nil {
		notDestroyed(out, ref, c.setError(err))
		return
	}
	out.Destroyed = append(out.Destroyed, id)
}

// created notes a record that was made.
func (c *call) created(out *jmap.SetOut, name, id jmap.Id, made any) {
	c.made[name] = id
	if out.Created == nil {
		out.Created = map[jmap.Id]any{}
	}
	if made == nil {
		made = map[string]jmap.Id{"id": id}
	}
	out.Created[name] = made
}

func notCreated(out *jmap.SetOut, name jmap.Id, err *jmap.SetError) {
	if out.NotCreated == nil {
		out.NotCreated = map[jmap.Id]*jmap.SetError{}
	}
	out.NotCreated[name] = err
}

func updated(out *jmap.SetOut, id jmap.Id, changed any) {
	if out.Updated == nil {
		out.Updated = map[jmap.Id]any{}
	}
	out.Updated[id] = changed
}

func notUpdated(out *jmap.SetOut, id jmap.Id, err *jmap.SetError) {
	if out.NotUpdated == nil {
		out.NotUpdated = map[jmap.Id]*jmap.SetError{}
	}
	out.NotUpdated[id] = err
}

func notDestroyed(out *jmap.SetOut, id jmap.Id, err *jmap.SetError) {
	if out.NotDestroyed == nil {
		out.NotDestroyed = map[jmap.Id]*jmap.SetError{}
	}
	out.NotDestroyed[id] = err
}

// creationOrder puts records that are to be made behind those they refer to as "#name"; otherwise by name. Of circles, what is left comes last.
func creationOrder(records map[jmap.Id]json.RawMessage) []jmap.Id {
	names := slices.Sorted(maps.Keys(records))
	order, done := make([]jmap.Id, 0, len(names)), make(map[jmap.Id]bool, len(names))
	for len(order) < len(names) {
		before := len(order)
		for _, name := range names {
			if !done[name] && !waits(records, name, names, done) {
				done[name] = true
				order = append(order, name)
			}
		}
		if len(order) == before {
			return append(order, slices.DeleteFunc(names, func(n jmap.Id) bool { return done[n] })...)
		}
	}
	return order
}

// waits tells whether a record refers to one that is not made yet.
func waits(records map[jmap.Id]json.RawMessage, name jmap.Id, names []jmap.Id, done map[jmap.Id]bool) bool {
	text := string(records[name])
	if !strings.Contains(text, `"#`) {
		return false
	}
	return slices.ContainsFunc(names, func(other jmap.Id) bool {
		return other != name && !done[other] && strings.Contains(text, `"#`+string(other)+`"`)
	})
}

// since checks the arguments of a /changes and gives how many changes it may tell at most.
func (c *call) since(in *jmap.ChangesIn) (limit int, err error) {
	switch {
	case in.MaxChanges == nil:
		return c.server.limits.Objects, nil
	case *in.MaxChanges <= 0:
		return 0, jmap.Bad("maxChanges")
	}
	return min(*in.MaxChanges, c.server.limits.Objects), nil
}

// sinceState is since with the state, for what changes under a ModSeq.
func (c *call) sinceState(in *jmap.ChangesIn) (from mail.ModSeq, limit int, err error) {
	if limit, err = c.since(in); err != nil {
		return 0, 0, err
	}
	from, ok := jmap.ParseState(in.SinceState)
	if !ok {
		return 0, 0, &jmap.MethodError{Type: jmap.CannotCalculateChanges}
	}
	return from, limit, nil
}

// askAnew answers a /queryChanges of what is listed in a moment: who has the list asks for the whole anew (RFC 8620 §5.6).
func askAnew[C any](context.Context, *call, *jmap.QueryChangesIn[C]) (*jmap.QueryChangesOut, error) {
	return nil, &jmap.MethodError{Type: jmap.CannotCalculateChanges}
}

// window gives the part of a list of ids that a /query asks for (RFC 8620 §5.5), where all are in memory.
func window[C any](in *jmap.QueryIn[C], all []jmap.Id, most int) (*jmap.QueryOut, error) {
	from := in.Position
	switch {
	case in.Limit != nil && *in.Limit < 0:
		return nil, jmap.Bad("limit")
	case in.Anchor != nil:
		i := slices.Index(all, *in.Anchor)
		if i < 0 {
			return nil, &jmap.MethodError{Type: jmap.AnchorNotFound}
		}
		from = max(0, i+in.AnchorOffset)
	case from < 0:
		from = max(0, len(all)+from)
	}
	out := &jmap.QueryOut{AccountID: in.AccountID, Position: from}
	count := most
	if in.Limit != nil {
		count = min(*in.Limit, most)
	}
	if in.Limit == nil && len(all)-from > most || in.Limit != nil && *in.Limit > most {
		out.Limit = &most
	}
	from = min(from, len(all))
	out.IDs = append([]jmap.Id{}, all[from:min(from+count, len(all))]...)
	if in.CalculateTotal {
		n := len(all)
		out.Total = &n
	}
	return out, nil
}
