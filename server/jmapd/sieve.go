package jmapd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/jmap"
	"tegami/wire/mime"
	"tegami/wire/sieve"
)

// letterScript is that of the blob of a script.
const letterScript = 's'

func sieveMethods() []entry {
	return []entry{
		method("SieveScript/get", jmap.Sieve, own, getScripts),
		method("SieveScript/set", jmap.Sieve, own, setScripts),
		method("SieveScript/query", jmap.Sieve, own, queryScripts),
		method("SieveScript/validate", jmap.Sieve, own, validateScript),
	}
}

// accountSieve is what an account says of its scripts (RFC 9661 §1.3.1).
func accountSieve(s *Server) any {
	return map[string]any{
		"maxSizeScriptName": mailbox.MaxScriptName, "maxSizeScript": mailbox.MaxScript, "maxNumberScripts": mailbox.MaxScripts,
		"maxNumberRedirects": s.config.Mailboxes.MaxRedirects(), "sieveExtensions": sieve.Capabilities(), "notificationMethods": []string{"mailto"},
		"externalLists": nil,
	}
}

// script is one of an account's scripts (RFC 9661 §2).
type script struct {
	ID       jmap.Id `json:"id"`
	Name     string  `json:"name"`
	BlobID   jmap.Id `json:"blobId"`
	IsActive bool    `json:"isActive"`
}

var scriptProperties = propertiesOf(script{})

func scriptOf(s *mailbox.Script) script {
	return script{jmap.Of(jmap.LetterObject, s.ID), s.Name, scriptBlob(s), s.Active}
}

// scriptBlob is the blob of a script's text. Another text has another.
func scriptBlob(s *mailbox.Script) jmap.Id {
	return jmap.Of(letterScript, s.ID) + jmap.Id(strconv.FormatUint(s.Version, 36))
}

// scripts are those of an account, with their state.
func (c *call) scripts(ctx context.Context) (*mailbox.Account, []mailbox.Script, string, error) {
	box, err := c.box(ctx)
	if err != nil {
		return nil, nil, "", err
	}
	list, err := box.Scripts(ctx)
	h := fnv.New64a()
	for _, s := range list {
		fmt.Fprintln(h, s.ID, s.Version)
	}
	return box, list, strconv.FormatUint(h.Sum64(), 36), err
}

// script finds one by its id.
func (c *call) script(ctx context.Context, id jmap.Id) (*mailbox.Account, *mailbox.Script, error) {
	box, all, _, err := c.scripts(ctx)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(all, func(s mailbox.Script) bool { return jmap.Of(jmap.LetterObject, s.ID) == id })
	if i < 0 {
		return nil, nil, &jmap.SetError{Type: jmap.NotFound}
	}
	return box, &all[i], nil
}

// openScript opens the text of a script of the caller's.
func (c *call) openScript(ctx context.Context, at *target, id jmap.Id) (mailbox.Body, mime.Index, error) {
	if !at.personal {
		return nil, nil, unknownBlob()
	}
	box, err := at.open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	all, err := box.Scripts(ctx)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(all, func(s mailbox.Script) bool { return scriptBlob(&s) == id })
	if i < 0 {
		return nil, nil, unknownBlob()
	}
	text, err := box.Script(ctx, all[i].Name)
	return octetsBody{bytes.NewReader(text)}, nil, err
}

// octetsBody are octets in memory.
type octetsBody struct{ *bytes.Reader }

// Close does nothing.
func (octetsBody) Close() error { return nil }

// Size is how many they are.
func (b octetsBody) Size() int64 { return b.Reader.Size() }

// WriteRange copies octets.
func (b octetsBody) WriteRange(w io.Writer, from, n int64) (int64, error) {
	return io.Copy(w, io.NewSectionReader(b.Reader, from, n))
}

func getScripts(ctx context.Context, c *call, in *jmap.GetIn) (*jmap.GetOut, error) {
	_, all, state, err := c.scripts(ctx)
	if err != nil {
		return nil, err
	}
	return get(ctx, c, in, source[script]{
		properties: scriptProperties,
		id:         func(s *script) jmap.Id { return s.ID },
		state:      func(context.Context) (string, error) { return state, nil },
		fetch: func(_ context.Context, ids []jmap.Id) (list []script, err error) {
			for i := range all {
				if s := scriptOf(&all[i]); ids == nil || slices.Contains(ids, s.ID) {
					list = append(list, s)
				}
			}
			return list, nil
		},
	})
}

// setScriptsIn says as well which script is to be active behind it (RFC 9661 §2.2).
type setScriptsIn struct {
	jmap.SetIn
	Activate   *jmap.Id `json:"onSuccessActivateScript"`
	Deactivate *bool    `json:"onSuccessDeactivateScript"`
}

func setScripts(ctx context.Context, c *call, in *setScriptsIn) (*jmap.SetOut, error) {
	state := func(ctx context.Context) (string, error) {
		_, _, state, err := c.scripts(ctx)
		return state, err
	}
	out, err := set(ctx, c, &in.SetIn, setter{
		state: state, create: c.createScript, update: c.updateScript,
		destroy: func(ctx context.Context, id jmap.Id) error {
			box, s, err := c.script(ctx, id)
			if err != nil {
				return err
			}
			return box.DeleteScript(ctx, s.Name)
		},
	})
	if err != nil || len(out.NotCreated)+len(out.NotUpdated)+len(out.NotDestroyed) > 0 {
		return out, err
	}
	if err := c.activate(ctx, in, out); err != nil {
		return nil, err
	}
	out.NewState, err = state(ctx)
	return out, err
}

// activate makes a script the active one, or none, and tells what changed by it.
func (c *call) activate(ctx context.Context, in *setScriptsIn, out *jmap.SetOut) error {
	off := in.Deactivate != nil && *in.Deactivate
	if in.Activate == nil && !off {
		return nil
	}
	box, before, _, err := c.scripts(ctx)
	if err != nil {
		return err
	}
	name := ""
	if in.Activate != nil {
		id, _ := c.id(*in.Activate)
		_, s, err := c.script(ctx, id)
		if err != nil {
			return nil // RFC 9661 §2.2: nothing is activated, and that is no error
		}
		name = s.Name
	}
	if err := box.ActivateScript(ctx, name); err != nil {
		return err
	}
	made := map[jmap.Id]jmap.Id{}
	for creation := range out.Created {
		made[c.made[creation]] = creation
	}
	for _, s := range before {
		id := jmap.Of(jmap.LetterObject, s.ID)
		if s.Active == (s.Name == name) {
			continue
		}
		if creation, ok := made[id]; ok {
			record := out.Created[creation].(script)
			record.IsActive = true
			out.Created[creation] = record
			continue
		}
		updated(out, id, map[string]bool{"isActive": s.Name == name})
	}
	return nil
}

// newScript is a script as it is made or changed.
type newScript struct {
	Name     *string  `json:"name"`
	BlobID   *jmap.Id `json:"blobId"`
	IsActive *bool    `json:"isActive"` // told, never asked for
}

func (c *call) createScript(ctx context.Context, record json.RawMessage) (jmap.Id, any, error) {
	var s newScript
	if err := jmap.Exact(record, &s); err != nil || s.BlobID == nil || s.IsActive != nil {
		return "", nil, jmap.BadProperties("blobId")
	}
	box, all, _, err := c.scripts(ctx)
	if err != nil {
		return "", nil, err
	}
	name := freeScriptName(all)
	if s.Name != nil {
		name = *s.Name
	}
	if i := slices.IndexFunc(all, func(x mailbox.Script) bool { return x.Name == name }); i >= 0 {
		return "", nil, &jmap.SetError{Type: jmap.AlreadyExists, ExistingID: jmap.Of(jmap.LetterObject, all[i].ID)}
	}
	if err := c.putScript(ctx, box, name, *s.BlobID); err != nil {
		return "", nil, err
	}
	_, all, _, err = c.scripts(ctx)
	if err != nil {
		return "", nil, err
	}
	for i := range all {
		if all[i].Name == name {
			made := scriptOf(&all[i])
			return made.ID, made, nil
		}
	}
	return "", nil, mail.E("jmapd.createScript", mail.Other, "script.unknown", name) // its name became another
}

// freeScriptName is a name for a script that was given none.
func freeScriptName(all []mailbox.Script) string {
	for n := 1; ; n++ {
		name := "script " + strconv.Itoa(n)
		if !slices.ContainsFunc(all, func(s mailbox.Script) bool { return s.Name == name }) {
			return name
		}
	}
}

// putScript puts the text of a blob away as a script.
func (c *call) putScript(ctx context.Context, box *mailbox.Account, name string, blobID jmap.Id) error {
	text, err := c.scriptText(ctx, blobID)
	if err != nil {
		return err
	}
	return c.scriptFault(box.PutScript(ctx, name, text))
}

// scriptText reads the text of a blob.
func (c *call) scriptText(ctx context.Context, blobID jmap.Id) ([]byte, error) {
	id, ok := c.id(blobID)
	if !ok {
		return nil, blobNotFound(blobID)
	}
	b, err := c.openBlob(ctx, c.at, id)
	if mail.Is(err, mail.NotFound) {
		return nil, blobNotFound(id)
	}
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return io.ReadAll(io.LimitReader(b.Reader(), mailbox.MaxScript+1))
}

// scriptFault says what is wrong with a script that does not compile (RFC 9661 §2.2).
func (c *call) scriptFault(err error) error {
	var syntax *sieve.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	lines := make([]string, len(syntax.Faults))
	for i, f := range syntax.Faults {
		lines[i] = c.words("sieved.fault", f.Line, c.words(f.Key, f.Args...))
	}
	return &jmap.SetError{Type: "invalidSieve", Description: strings.Join(lines, "\n")}
}

func (c *call) updateScript(ctx context.Context, id jmap.Id, p jmap.Patch) (any, error) {
	box, s, err := c.script(ctx, id)
	if err != nil {
		return nil, err
	}
	var change newScript
	text, err := jmap.Marshal(p)
	if err == nil {
		err = jmap.Exact(text, &change)
	}
	if err != nil || change.IsActive != nil && *change.IsActive != s.Active {
		return nil, jmap.BadProperties(p.Paths()...)
	}
	if change.BlobID != nil {
		if err := c.putScript(ctx, box, s.Name, *change.BlobID); err != nil {
			return nil, err
		}
	}
	if change.Name != nil && *change.Name != s.Name {
		if err := box.RenameScript(ctx, s.Name, *change.Name); err != nil {
			return nil, err
		}
	}
	_, now, err := c.script(ctx, id)
	if err != nil {
		return nil, err
	}
	return map[string]jmap.Id{"blobId": scriptBlob(now)}, nil
}

// scriptFilter is a condition on scripts (RFC 9661 §2.3).
type scriptFilter struct {
	Name     *string `json:"name"`
	IsActive *bool   `json:"isActive"`
}

func queryScripts(ctx context.Context, c *call, in *jmap.QueryIn[scriptFilter]) (*jmap.QueryOut, error) {
	_, all, state, err := c.scripts(ctx)
	if err != nil {
		return nil, err
	}
	for _, by := range slices.Backward(in.Sort) {
		switch by.Property {
		case "name":
			slices.SortStableFunc(all, direction(by, func(a, b mailbox.Script) int { return strings.Compare(a.Name, b.Name) }))
		case "isActive":
			slices.SortStableFunc(all, direction(by, func(a, b mailbox.Script) int { return number(a.Active) - number(b.Active) }))
		default:
			return nil, &jmap.MethodError{Type: jmap.UnsupportedSort}
		}
	}
	var ids []jmap.Id
	for _, s := range all {
		if in.Filter == nil || in.Filter.Fits(func(f *scriptFilter) bool {
			return (f.Name == nil || strings.Contains(strings.ToLower(s.Name), strings.ToLower(*f.Name))) && (f.IsActive == nil || *f.IsActive == s.Active)
		}) {
			ids = append(ids, jmap.Of(jmap.LetterObject, s.ID))
		}
	}
	out, err := window(in, ids, c.server.limits.Objects)
	if err != nil {
		return nil, err
	}
	out.QueryState = state
	return out, nil
}

// direction turns an order round where a comparator wants it.
func direction[T any](by jmap.Comparator, compare func(a, b T) int) func(a, b T) int {
	if by.Ascending() {
		return compare
	}
	return func(a, b T) int { return compare(b, a) }
}

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}

type validateScriptIn struct {
	jmap.OfAccount
	BlobID jmap.Id `json:"blobId"`
}

type validateScriptOut struct {
	AccountID jmap.Id        `json:"accountId"`
	Error     *jmap.SetError `json:"error"`
}

// validateScript tells whether a script would be taken (RFC 9661 §2.4).
func validateScript(ctx context.Context, c *call, in *validateScriptIn) (*validateScriptOut, error) {
	box, err := c.box(ctx)
	if err != nil {
		return nil, err
	}
	text, err := c.scriptText(ctx, in.BlobID)
	if err == nil {
		err = c.scriptFault(box.CheckScript(text))
	}
	return &validateScriptOut{in.AccountID, c.setError(err)}, nil
}
