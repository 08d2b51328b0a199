package scimd

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"

	"tegami/directory"
	"tegami/mail"
)

// member is somebody in a group.
type member struct {
	id   mail.AccountID
	name string
}

// members lists who is in a group, ascending by id.
func (r *request) members(ctx context.Context, id mail.ObjectID) (all []member, err error) {
	for q := (directory.RosterQuery{Group: id, Limit: directory.MaxRosterPage}); ; {
		page, err := r.company.Roster(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Rows {
			a := &page.Rows[i].Account
			if r.sees.Reaches(directory.Place{Domain: a.Domain, Groups: a.Groups}) {
				all = append(all, member{a.ID, a.Name})
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			slices.SortFunc(all, func(a, b member) int { return int(min(max(int64(a.id)-int64(b.id), -1), 1)) })
			return all, nil
		}
	}
}

// groupTag is the version of a group with its members.
func groupTag(g *directory.Group, in []member) string {
	sum := fnv.New64a()
	for _, m := range in {
		binary.Write(sum, binary.BigEndian, int64(m.id)) // a hash takes all
	}
	return fmt.Sprintf(`W/"%d-%x"`, g.Version, sum.Sum64())
}

// groupObject is a group as a resource.
func groupObject(g *directory.Group, in []member, external string) object {
	o := object{
		"schemas": []any{groupSchema}, "id": g.ID.String(), "displayName": g.Name,
		"meta": object{"resourceType": "Group", "created": g.ID.Time().UTC().Format("2006-01-02T15:04:05.000Z"),
			"location": Prefix + "/Groups/" + g.ID.String(), "version": groupTag(g, in)},
	}
	if external != "" {
		o["externalId"] = external
	}
	list := make([]any, 0, len(in))
	for _, m := range in {
		list = append(list, object{"value": m.id.String(), "display": m.name, "type": "User", "$ref": Prefix + "/Users/" + m.id.String()})
	}
	if len(list) > 0 {
		o["members"] = list
	}
	return o
}

// whole is a group with all that is shown of it.
type whole struct {
	directory.Group
	in       []member
	external string
	full     bool // in is known
}

func (g *whole) object() object {
	o := groupObject(&g.Group, g.in, g.external)
	if !g.full {
		delete(o["meta"].(object), "version")
	}
	return o
}

func (g *whole) tag() string { return groupTag(&g.Group, g.in) }

// group reads the group of the path, if the caller may see it. NotFound "group.unknown".
func (r *request) group(ctx context.Context) (g whole, err error) {
	unknown := mail.E("scimd.group", mail.NotFound, "group.unknown", r.PathValue("id"))
	var id mail.ObjectID
	if id.UnmarshalText([]byte(r.PathValue("id"))) != nil || id.IsZero() || !r.sees.Reaches(directory.Place{Groups: []mail.ObjectID{id}}) {
		return g, unknown
	}
	if g.Group, err = r.company.Group(ctx, id); err != nil {
		return g, err
	}
	return g, r.fill(ctx, &g, true)
}

// fill reads what stands beside a group.
func (r *request) fill(ctx context.Context, g *whole, members bool) (err error) {
	if members {
		if g.in, err = r.members(ctx, g.ID); err != nil {
			return err
		}
		g.full = true
	}
	names, err := r.company.Externals(ctx, g.ID)
	g.external = names[g.ID]
	return err
}

// groupReply answers with a group.
func (r *request) groupReply(status int, g *whole) (*reply, error) {
	q, err := r.query()
	if err != nil {
		return nil, err
	}
	out := &reply{status: status, body: q.cut(g.object()), tag: g.tag()}
	if status == http.StatusCreated {
		out.location = Prefix + "/Groups/" + g.ID.String()
	}
	return out, nil
}

func (s *Server) getGroup(ctx context.Context, r *request) (*reply, error) {
	g, err := r.group(ctx)
	if err != nil {
		return nil, err
	}
	return r.groupReply(http.StatusOK, &g)
}

// groupWish reads a resource: its name, who is in it, what the other system calls it. Invalid "scim.value".
func groupWish(o object) (name string, in []mail.AccountID, external string, err error) {
	const op = "scimd.groupWish"
	name, _ = field(o, "displayName").(string)
	if strings.TrimSpace(name) == "" {
		return "", nil, "", mail.E(op, mail.Invalid, "scim.value", "displayName")
	}
	for _, v := range each(field(o, "members")) {
		inner, _ := v.(object)
		text, _ := field(inner, "value").(string)
		var id mail.AccountID
		if id.UnmarshalText([]byte(text)) != nil || id.IsZero() {
			return "", nil, "", mail.E(op, mail.Invalid, "scim.value", "members")
		}
		in = append(in, id)
	}
	slices.Sort(in)
	external, _ = field(o, "externalId").(string)
	return name, slices.Compact(in), external, nil
}

func (s *Server) createGroup(ctx context.Context, r *request) (*reply, error) {
	var o object
	if err := r.read(&o); err != nil {
		return nil, err
	}
	name, in, external, err := groupWish(o)
	if err != nil {
		return nil, err
	}
	g := whole{}
	known := directory.KnownGroup{GroupSpec: directory.GroupSpec{Name: name}, In: in, Name: external}
	if g.Group, err = r.company.AddKnownGroup(ctx, r.caller.Actor(), known); err != nil {
		return nil, err
	}
	if err := r.fill(ctx, &g, true); err != nil {
		return nil, err
	}
	return r.groupReply(http.StatusCreated, &g)
}

func (s *Server) replaceGroup(ctx context.Context, r *request) (*reply, error) {
	var o object
	if err := r.read(&o); err != nil {
		return nil, err
	}
	return r.changeGroup(ctx, func(object) (object, error) { return o, nil })
}

func (s *Server) patchGroup(ctx context.Context, r *request) (*reply, error) {
	ops, err := r.patchOps()
	if err != nil {
		return nil, err
	}
	return r.changeGroup(ctx, func(was object) (object, error) { return was, patch(was, ops) })
}

// changeGroup has a group become what a resource wants.
func (r *request) changeGroup(ctx context.Context, change func(object) (object, error)) (*reply, error) {
	g, err := r.group(ctx)
	if err == nil {
		err = r.meant(g.tag())
	}
	if err != nil {
		return nil, err
	}
	o, err := change(g.object())
	if err != nil {
		return nil, err
	}
	name, in, external, err := groupWish(o)
	if err != nil {
		return nil, err
	}
	was := make([]mail.AccountID, len(g.in))
	for i, m := range g.in {
		was[i] = m.id
	}
	known := directory.KnownGroup{
		GroupSpec: directory.GroupSpec{Name: name, Description: g.Description}, In: lacking(in, was), Out: lacking(was, in), Name: external,
	}
	if g.Group, err = r.company.SetKnownGroup(ctx, r.caller.Actor(), g.Group, known); err != nil {
		return nil, err
	}
	if err := r.fill(ctx, &g, true); err != nil {
		return nil, err
	}
	return r.groupReply(http.StatusOK, &g)
}

// lacking gives what is in one ascending list and not in another.
func lacking(all, from []mail.AccountID) (left []mail.AccountID) {
	for _, id := range all {
		if _, ok := slices.BinarySearch(from, id); !ok {
			left = append(left, id)
		}
	}
	return left
}

func (s *Server) deleteGroup(ctx context.Context, r *request) (*reply, error) {
	g, err := r.group(ctx)
	if err == nil {
		err = r.meant(g.tag())
	}
	if err == nil {
		err = r.company.DeleteGroup(ctx, r.caller.Actor(), g.ID)
	}
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusNoContent}, nil
}

func (s *Server) listGroups(ctx context.Context, r *request) (*reply, error) {
	q, err := r.query()
	if err != nil {
		return nil, err
	}
	all, err := r.company.Groups(ctx)
	if err != nil {
		return nil, err
	}
	p := &page{query: q}
	name, named := key(q.filter, "displayname")
	for i := range all {
		g := whole{Group: all[i]}
		if !r.sees.Reaches(directory.Place{Groups: []mail.ObjectID{g.ID}}) || named && !strings.EqualFold(g.Name, name) {
			continue
		}
		listed := p.filter == nil && p.total+1 >= p.start && len(p.found) < p.count
		if p.filter != nil || listed {
			if err := r.fill(ctx, &g, q.wants("members") || p.filter != nil && !named); err != nil {
				return nil, err
			}
		}
		p.offer(g.object())
	}
	return p.reply(), nil
}
