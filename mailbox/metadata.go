package mailbox

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

// Limits of annotations (RFC 5464).
const (
	// MaxAnnotation is the size of a value in octets.
	MaxAnnotation = 16 << 10
	// MaxAnnotationName is the length of the name of an entry in octets.
	MaxAnnotationName = 255
	// MaxAnnotations is how many private entries an account has for one mailbox, and how many shared ones a mailbox has.
	MaxAnnotations = 100
	// MaxAnnotationsSize is the size of all of these together, names included, in octets.
	MaxAnnotationsSize = 64 << 10
	// MaxAnnotated is for how many mailboxes an account keeps private entries, and how many of its mailboxes have shared ones,
	// together.
	MaxAnnotated = 1000
)

// Annotation is an entry with its value (RFC 5464 §3.1). A nil Value is none.
type Annotation struct {
	Entry string // in lower case: "/private/comment"
	Value []byte
}

// AnnotationQuery asks for entries.
type AnnotationQuery struct {
	Entries []string
	// Depth is how many levels below the entries are asked for, too; Deep: all.
	Depth int
}

// Deep is a Depth without end.
const Deep = -1

// The two scopes of entries (RFC 5464 §3.2).
const (
	privateScope = "/private"
	sharedScope  = "/shared"
)

// Entries that are not kept as annotations.
const (
	entryUse     = privateScope + "/specialuse" // the mailbox's special use (RFC 6154 §4)
	entryAdmin   = sharedScope + "/admin"       // of the server (RFC 5464 §6.2.1)
	entryComment = sharedScope + "/comment"     // of the server
)

// annotations are the entries of one scope of a mailbox, or of the server.
type annotations map[string][]byte

// annotated is what annotations belong to.
type annotated struct {
	box   mail.MailboxID // zero: the server
	owner mail.AccountID // of the mailbox
	who   mail.AccountID // whose private ones; zero: the shared ones
}

func (a annotated) key() store.Key {
	scope, box := "shared", "server"
	if a.who != 0 {
		scope = a.who.String()
	}
	if a.box != 0 {
		box = a.box.String()
	}
	return store.Key{Name: "annotation", Value: scope + "/" + box}
}

// keeper is on whose account they count.
func (a annotated) keeper() mail.AccountID {
	if a.who != 0 {
		return a.who
	}
	return a.owner
}

// marks are those by which they are found, and by which they go.
func (a annotated) marks() []store.Key {
	marks := []store.Key{keptBy(a.keeper()), directory.OfAccount(a.owner)}
	if a.box != 0 {
		marks = append(marks, ofMailbox(a.box))
	}
	if a.who != 0 && a.who != a.owner {
		marks = append(marks, directory.OfAccount(a.who))
	}
	return marks
}

// keptBy marks what counts on an account.
func keptBy(acc mail.AccountID) store.Key { return store.Key{Name: "keeper", Value: acc.String()} }

// read gives the annotations and the object they are kept in.
func (a annotated) read(r store.Reader) (set annotations, id mail.ObjectID, version uint64, err error) {
	const op = "mailbox.annotated.read"
	o, err := r.ObjectByKey(a.key())
	if mail.Is(err, mail.NotFound) {
		return annotations{}, 0, 0, nil
	}
	if err != nil {
		return nil, 0, 0, mail.Wrap(op, err)
	}
	if err := json.Unmarshal(o.Doc, &set); err != nil {
		return nil, 0, 0, mail.Because(op, mail.Other, "", err)
	}
	return set, o.ID, o.Version, nil
}

// change applies changes and writes the annotations. Their content stays out of the operation log.
func (a annotated) change(tx store.Tx, op mail.Op, changes []Annotation) error {
	set, id, version, err := a.read(tx)
	if err != nil {
		return err
	}
	if !set.apply(changes) {
		return nil
	}
	if err := set.check(op); err != nil {
		return err
	}
	switch {
	case len(set) == 0:
		return mail.Wrap(op, tx.DeleteObject(directory.KindAnnotation, id, version))
	case version == 0:
		if err := roomForAnnotations(tx, op, a.keeper()); err != nil {
			return err
		}
		id = mail.ObjectID(tx.NextID())
	}
	doc, err := json.Marshal(set)
	if err != nil {
		return mail.Because(op, mail.Other, "", err)
	}
	_, err = tx.PutObject(store.Object{
		Kind: directory.KindAnnotation, ID: id, Version: version, Unique: []store.Key{a.key()}, Marks: a.marks(), Doc: doc, Secret: true,
	})
	return mail.Wrap(op, err)
}

// roomForAnnotations tells whether an account may annotate one mailbox more. Full "metadata.too_many".
func roomForAnnotations(r store.Reader, op mail.Op, keeper mail.AccountID) error {
	n, err := r.CountMarked(directory.KindAnnotation, keptBy(keeper))
	if err == nil && n >= MaxAnnotated {
		err = mail.E(op, mail.Full, "metadata.too_many", MaxAnnotated)
	}
	return mail.Wrap(op, err)
}

// apply sets and removes entries and tells whether something changed.
func (s annotations) apply(changes []Annotation) (changed bool) {
	for _, c := range changes {
		old, had := s[c.Entry]
		switch {
		case c.Value == nil && had:
			delete(s, c.Entry)
		case c.Value != nil && (!had || !bytes.Equal(old, c.Value)):
			s[c.Entry] = c.Value
		default:
			continue
		}
		changed = true
	}
	return changed
}

// check holds the limits. Full "metadata.too_many".
func (s annotations) check(op mail.Op) error {
	size := 0
	for name, value := range s {
		size += len(name) + len(value)
	}
	if len(s) > MaxAnnotations || size > MaxAnnotationsSize {
		return mail.E(op, mail.Full, "metadata.too_many", MaxAnnotations)
	}
	return nil
}

// entryName puts the name of an entry into lower case (RFC 5464 §3.2). Invalid "metadata.entry" for what can't be one.
func entryName(op mail.Op, name string) (string, error) {
	lower := strings.ToLower(name)
	ok := len(name) <= MaxAnnotationName && !strings.HasSuffix(lower, "/") && !strings.Contains(lower, "//") &&
		(strings.HasPrefix(lower, privateScope+"/") || strings.HasPrefix(lower, sharedScope+"/"))
	for i := range len(name) {
		ok = ok && name[i] > 0x19 && name[i] < 0x7f && name[i] != '*' && name[i] != '%'
	}
	if !ok {
		return "", mail.E(op, mail.Invalid, "metadata.entry", strings.ToValidUTF8(name[:min(len(name), MaxAnnotationName)], "?"))
	}
	return lower, nil
}

// inScope tells whether the name of an entry belongs to a scope.
func inScope(name, scope string) bool { return strings.HasPrefix(name, scope+"/") }

// pick gives what of the annotations a query asks for, by name. An entry that is asked for itself and not there has no value.
func (q *AnnotationQuery) pick(op mail.Op, all annotations) ([]Annotation, error) {
	found := map[string][]byte{}
	for _, name := range q.Entries {
		lower := strings.ToLower(name)
		scope := lower == privateScope || lower == sharedScope
		if !scope {
			var err error
			if lower, err = entryName(op, name); err != nil {
				return nil, err
			}
			if value, ok := all[lower]; ok || q.Depth == 0 {
				found[lower] = value
			}
		}
		for entry, value := range all {
			if below, ok := strings.CutPrefix(entry, lower+"/"); ok && (q.Depth == Deep || strings.Count(below, "/") < q.Depth) {
				found[entry] = value
			}
		}
	}
	list := make([]Annotation, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		list = append(list, Annotation{name, found[name]})
	}
	return list, nil
}

// Metadata gives annotations of a mailbox, or of the server where path is empty (RFC 5464 §4.2): the account's own private
// ones, and the shared ones. NotFound "mailbox.unknown", Denied "mailbox.no_right", Invalid "metadata.entry".
func (a *Account) Metadata(ctx context.Context, path string, q AnnotationQuery) (list []Annotation, err error) {
	var f Folder
	if path != "" {
		if f, err = a.FolderFor(ctx, path, RightLookup); err != nil {
			return nil, err
		}
	}
	return a.FolderMetadata(ctx, &f, q)
}

// FolderMetadata is Metadata for a folder that List gave; for the zero Folder, of the server.
func (a *Account) FolderMetadata(ctx context.Context, f *Folder, q AnnotationQuery) (list []Annotation, err error) {
	const op = "mailbox.Metadata"
	all := annotations{}
	err = a.view(ctx, op, func(r store.Reader) error {
		m, err := a.annotatable(r, op, f)
		if err != nil {
			return err
		}
		for _, of := range []annotated{a.private(&m), a.sharedBy(&m)} {
			set, _, _, err := of.read(r)
			if err != nil {
				return err
			}
			maps.Copy(all, set)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.addFixed(all, f)
	return q.pick(op, all)
}

// annotatable gives the mailbox of a folder, as the store has it, if the account may see its annotations now.
func (a *Account) annotatable(r store.Reader, op mail.Op, f *Folder) (m Mailbox, err error) {
	if f.ID == 0 {
		return m, nil
	}
	if m, err = r.Mailbox(f.ID); err != nil || m.Account == a.account.ID {
		return m, err
	}
	rights, err := a.rightsOn(r, f.ID)
	switch {
	case err == nil && !rights.Has(RightLookup):
		err = rights.deny(op, RightLookup, f.Path)
	case err == nil && rights&annotating == 0:
		err = rights.deny(op, RightRead, f.Path)
	}
	return m, err
}

// annotating are the rights of which one is needed beside RightLookup to see annotations, and to set private ones (RFC 5464 §3.3).
const annotating = RightRead | RightSeen | RightWrite | RightInsert | RightPost

// private are the account's own annotations of a mailbox, or of the server.
func (a *Account) private(m *Mailbox) annotated {
	of := a.sharedBy(m)
	of.who = a.account.ID
	return of
}

// sharedBy are the annotations of a mailbox that all see, or of the server, which has none but fixed ones.
func (a *Account) sharedBy(m *Mailbox) annotated {
	if m.ID == 0 {
		return annotated{owner: a.account.ID}
	}
	return annotated{box: m.ID, owner: m.Account}
}

// addFixed adds the entries that are not kept as annotations.
func (a *Account) addFixed(all annotations, f *Folder) {
	fixed := map[string]string{}
	if f.ID == 0 {
		fixed[entryAdmin], fixed[entryComment] = a.service.cfg.Admin, a.service.cfg.Comment
	} else if !f.Foreign {
		fixed[entryUse] = UseOf(f.Role)
	}
	for name, value := range fixed {
		if value != "" {
			all[name] = []byte(value)
		}
	}
}

// SetMetadata changes annotations of a mailbox, or of the server where path is empty, all or none (RFC 5464 §4.3); a nil
// value removes the entry. Shared ones of the server are the operator's: Denied "metadata.read_only". NotFound "mailbox.unknown",
// Denied "mailbox.no_right" (RightWrite for shared ones), Invalid "metadata.entry", Full "metadata.too_big" or
// "metadata.too_many"; for the special use those of Create.
func (a *Account) SetMetadata(ctx context.Context, path string, changes []Annotation) error {
	const op = "mailbox.SetMetadata"
	w, err := parseChanges(op, changes)
	if err != nil {
		return err
	}
	if path == "" {
		if len(w.shared) > 0 || w.use != nil {
			return mail.E(op, mail.Denied, "metadata.read_only")
		}
		return a.update(ctx, op, func(tx store.Tx) error {
			if err := a.private(&Mailbox{}).change(tx, op, w.private); err != nil {
				return err
			}
			return rouse(tx, a.account.ID)
		})
	}
	at, err := a.locate(ctx, op, path)
	if err != nil {
		return err
	}
	return a.update(ctx, op, func(tx store.Tx) error { return a.setMetadata(tx, op, &at, w) })
}

// metadataChanges are the changes of one SetMetadata.
type metadataChanges struct {
	private, shared []Annotation
	use             *string // the special use, "" = none; nil = not said
}

// parseChanges checks changes and sorts them by scope.
func parseChanges(op mail.Op, changes []Annotation) (w metadataChanges, err error) {
	for _, c := range changes {
		if c.Entry, err = entryName(op, c.Entry); err != nil {
			return w, err
		}
		if len(c.Value) > MaxAnnotation {
			return w, mail.E(op, mail.Full, "metadata.too_big", MaxAnnotation)
		}
		switch {
		case c.Entry == entryUse:
			use := string(c.Value)
			w.use = &use
		case inScope(c.Entry, privateScope):
			w.private = append(w.private, c)
		default:
			w.shared = append(w.shared, c)
		}
	}
	return w, nil
}

// setMetadata changes annotations of a mailbox inside a transaction.
func (a *Account) setMetadata(tx store.Tx, op mail.Op, at *spot, w metadataChanges) error {
	m, rights, err := a.resolve(tx, op, at, RightLookup)
	switch {
	case err != nil:
		return err
	case rights&annotating == 0:
		return mail.E(op, mail.Denied, "mailbox.no_right", RightRead.String())
	case len(w.shared) > 0 && !rights.Has(RightWrite):
		return mail.E(op, mail.Denied, "mailbox.no_right", RightWrite.String())
	}
	if err := a.setUse(tx, op, at, m, w.use); err != nil {
		return err
	}
	if err := a.private(&m).change(tx, op, w.private); err != nil {
		return err
	}
	if err := a.sharedBy(&m).change(tx, op, w.shared); err != nil {
		return err
	}
	if m, err = tx.Mailbox(m.ID); err != nil {
		return err
	}
	return tx.SetMailbox(m) // a new ModSeq (RFC 7162 §3.2)
}

// setUse gives a mailbox of the account a special use, or takes it (RFC 6154 §4).
func (a *Account) setUse(tx store.Tx, op mail.Op, at *spot, m Mailbox, use *string) error {
	if use == nil || *use == UseOf(m.Role) {
		return nil
	}
	role := RoleOf(*use)
	if at.foreign || isInbox(at.levels) || role == "" && *use != "" {
		return mail.E(op, mail.Invalid, "mailbox.role", *use)
	}
	all, err := tx.Mailboxes(m.Account)
	if err != nil {
		return err
	}
	if role != "" && slices.ContainsFunc(all, func(o Mailbox) bool { return o.Role == role }) {
		return mail.E(op, mail.Conflict, "mailbox.role_taken", role)
	}
	m.Role = role
	return tx.SetMailbox(m)
}
