package jmapd

import (
	"context"
	"slices"

	"tegami/push"
	"tegami/wire/jmap"
)

// quotaID is the id of an account's only quota: the octets of its mail.
const quotaID = "octets"

// warnPart is at which part of the limit people are warned, in percent (DOMAIN §3.2).
const warnPart = 90

// quota is how full a box is (RFC 9425 §4). It is the figure of IMAP QUOTA (SV-6).
type quota struct {
	ID           jmap.Id  `json:"id"`
	ResourceType string   `json:"resourceType"`
	Used         int64    `json:"used"`
	HardLimit    int64    `json:"hardLimit"`
	Scope        string   `json:"scope"`
	Name         string   `json:"name"`
	Types        []string `json:"types"`
	WarnLimit    int64    `json:"warnLimit"`
	SoftLimit    *int64   `json:"softLimit"`
	Description  *string  `json:"description"`
}

var quotaProperties = []string{"id", "resourceType", "used", "hardLimit", "scope", "name", "types", "warnLimit", "softLimit", "description"}

func quotaMethods() []entry {
	return []entry{
		method("Quota/get", jmap.Quota, own, getQuota),
		method("Quota/changes", jmap.Quota, own, quotaChanges),
		method("Quota/query", jmap.Quota, own, queryQuota),
		method("Quota/queryChanges", jmap.Quota, own, askAnew[quotaFilter]), // there is one
	}
}

// quotaNow reads the account's quota.
func (c *call) quotaNow(ctx context.Context) (quota, error) {
	box, err := c.box(ctx)
	if err != nil {
		return quota{}, err
	}
	used, limit, err := box.Quota(ctx)
	return quota{
		ID: quotaID, ResourceType: "octets", Used: used, HardLimit: limit, Scope: "account", Name: c.words("jmap.quota"), Types: []string{"Mail"},
		WarnLimit: limit / 100 * warnPart,
	}, err
}

// state changes when the figures do.
func (q quota) state() string { return push.QuotaState(q.Used, q.HardLimit) }

func getQuota(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	q, err := c.quotaNow(ctx)
	if err != nil {
		return nil, err
	}
	return get(ctx, c, in, source[quota]{
		properties: quotaProperties,
		id:         func(q *quota) jmap.Id { return q.ID },
		state:      func(context.Context) (string, error) { return q.state(), nil },
		fetch:      func(_ context.Context, ids []jmap.Id) ([]quota, error) { return onlyNamed(q, q.ID, ids), nil },
	})
}

// onlyNamed is a list of the one record there is, if it is asked for.
func onlyNamed[T any](record T, id jmap.Id, ids []jmap.Id) []T {
	if ids != nil && !slices.Contains(ids, id) {
		return nil
	}
	return []T{record}
}

// quotaChangesOut tells as well what changed of the quota (RFC 9425 §4.3).
type quotaChangesOut struct {
	jmap.ChangesOut
	UpdatedProperties []string `json:"updatedProperties"`
}

func quotaChanges(ctx context.Context, c *call, in *jmap.ChangesIn) (*quotaChangesOut, error) {
	if _, err := c.since(in); err != nil {
		return nil, err
	}
	q, err := c.quotaNow(ctx)
	if err != nil {
		return nil, err
	}
	out := &quotaChangesOut{ChangesOut: onlyChanges(in, q.state(), quotaID)}
	if len(out.Updated) > 0 {
		out.UpdatedProperties = []string{"used", "hardLimit", "warnLimit"}
	}
	return out, nil
}

// onlyChanges are the changes of the one record there is: it was changed where the state is another.
func onlyChanges(in *jmap.ChangesIn, now string, id jmap.Id) jmap.ChangesOut {
	out := jmap.ChangesOut{AccountID: in.AccountID, OldState: in.SinceState, NewState: now, Created: []jmap.Id{}, Updated: []jmap.Id{}, Destroyed: []jmap.Id{}}
	if in.SinceState != now {
		out.Updated = []jmap.Id{id}
	}
	return out
}

// quotaFilter is a condition on quotas (RFC 9425 §4.4).
type quotaFilter struct {
	Name         *string `json:"name"`
	Scope        *string `json:"scope"`
	ResourceType *string `json:"resourceType"`
	Type         *string `json:"type"`
}

func (f *quotaFilter) fits(q *quota) bool {
	return (f.Name == nil || *f.Name == q.Name) && (f.Scope == nil || *f.Scope == q.Scope) &&
		(f.ResourceType == nil || *f.ResourceType == q.ResourceType) && (f.Type == nil || slices.Contains(q.Types, *f.Type))
}

func queryQuota(ctx context.Context, c *call, in *jmap.QueryIn[quotaFilter]) (*jmap.QueryOut, error) {
	q, err := c.quotaNow(ctx)
	if err != nil {
		return nil, err
	}
	for _, by := range in.Sort {
		if by.Property != "name" && by.Property != "used" {
			return nil, &jmap.MethodError{Type: jmap.UnsupportedSort}
		}
	}
	var ids []jmap.Id
	if in.Filter == nil || in.Filter.Fits(func(f *quotaFilter) bool { return f.fits(&q) }) {
		ids = []jmap.Id{q.ID}
	}
	out, err := window(in, ids, c.server.limits.Objects)
	if err != nil {
		return nil, err
	}
	out.QueryState = q.state()
	return out, nil
}
