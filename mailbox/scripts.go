package mailbox

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
	"tegami/wire/sieve"
)

// Limits of an account's scripts (RFC 5804 §1.3).
const (
	// MaxScript is the size of one in octets. Users write a few hundred; a generated filter of a thousand rules has about 100 KiB.
	MaxScript = 128 << 10
	// MaxScripts is how many scripts an account has.
	MaxScripts = 32
	// MaxScriptsSize is how many octets they have together.
	MaxScriptsSize = 1 << 20
	// MaxScriptName is the length of a script's name in octets: RFC 5804 §1.6 asks for 128 characters.
	MaxScriptName = 512
)

// Script is one of an account's scripts (RFC 5804 §1.4), without its text.
type Script struct {
	ID      mail.ObjectID
	Version uint64 // grows with each change
	Name    string
	Active  bool
	Size    int64 // octets
}

// scriptDoc is a script as stored. Its object is secret: the operation log tells who wrote it, and not what it says.
type scriptDoc struct {
	Account mail.AccountID `json:"account"`
	Name    string         `json:"name"`
	Text    string         `json:"text"`
	Active  bool           `json:"active,omitempty"`
}

// scriptKey is under what an account's script of a name is found.
func scriptKey(id mail.AccountID, name string) store.Key {
	return store.Key{Name: "script", Value: id.String() + " " + name}
}

// activeKey is under what an account's active script is found.
func activeKey(id mail.AccountID) store.Key {
	return store.Key{Name: "script.active", Value: id.String()}
}

// kept is a script with its object.
type kept struct {
	scriptDoc
	object store.Object
}

// readScript takes an object's document apart.
func readScript(o store.Object) (k kept, err error) {
	k.object = o
	if err := json.Unmarshal(o.Doc, &k.scriptDoc); err != nil {
		return k, mail.Because("mailbox.readScript", mail.Other, "script.damaged", err)
	}
	return k, nil
}

// write writes a script under its keys.
func (k *kept) write(tx store.Tx) (err error) {
	o := &k.object
	o.Kind, o.Secret = directory.KindScript, true
	if o.ID.IsZero() {
		o.ID = mail.ObjectID(tx.NextID())
	}
	o.Unique = []store.Key{scriptKey(k.Account, k.Name)}
	if k.Active {
		o.Unique = append(o.Unique, activeKey(k.Account))
	}
	o.Marks = []store.Key{directory.OfAccount(k.Account)}
	if o.Doc, err = json.Marshal(k.scriptDoc); err != nil {
		return mail.Because("mailbox.writeScript", mail.Other, "script.damaged", err)
	}
	o.Version, err = tx.PutObject(*o)
	return err
}

// scriptAt gives the script under a key. NotFound "script.unknown".
func scriptAt(r store.Reader, key store.Key, name string) (kept, error) {
	o, err := r.ObjectByKey(key)
	if mail.Is(err, mail.NotFound) {
		return kept{}, mail.E("mailbox.script", mail.NotFound, "script.unknown", name)
	}
	if err != nil {
		return kept{}, err
	}
	return readScript(o)
}

// scriptsOf lists an account's scripts.
func scriptsOf(r store.Reader, id mail.AccountID) ([]kept, error) {
	objects, err := r.Marked(directory.KindScript, directory.OfAccount(id), store.Page{Limit: MaxScripts})
	if err != nil {
		return nil, err
	}
	all := make([]kept, len(objects))
	for i, o := range objects {
		if all[i], err = readScript(o); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// scriptName puts a name into its canonical form (RFC 5804 §1.6). Invalid "script.name".
func scriptName(op mail.Op, name string) (string, error) {
	name = norm.NFC.String(name)
	if name == "" || len(name) > MaxScriptName || !utf8.ValidString(name) || strings.ContainsFunc(name, notInName) {
		return "", mail.E(op, mail.Invalid, "script.name", MaxScriptName)
	}
	return name, nil
}

// notInName are the characters RFC 5804 §1.6 keeps out of names.
func notInName(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// Scripts lists the account's scripts by name.
func (a *Account) Scripts(ctx context.Context) ([]Script, error) {
	var list []Script
	err := a.view(ctx, "mailbox.Scripts", func(r store.Reader) error {
		all, err := scriptsOf(r, a.account.ID)
		list = make([]Script, len(all))
		for i, k := range all {
			list[i] = Script{k.object.ID, k.object.Version, k.Name, k.Active, int64(len(k.Text))}
		}
		return err
	})
	slices.SortFunc(list, func(x, y Script) int { return cmp.Compare(x.Name, y.Name) })
	return list, err
}

// Script gives the text of a script. NotFound "script.unknown".
func (a *Account) Script(ctx context.Context, name string) (text []byte, err error) {
	const op = "mailbox.Script"
	if name, err = scriptName(op, name); err != nil {
		return nil, err
	}
	err = a.view(ctx, op, func(r store.Reader) error {
		k, err := scriptAt(r, scriptKey(a.account.ID, name), name)
		text = []byte(k.Text)
		return err
	})
	return text, err
}

// CheckScript tells whether a script could be put away (RFC 5804 §2.12): a *sieve.SyntaxError if it does not
// compile, Full "script.too_big".
func (a *Account) CheckScript(text []byte) error {
	if len(text) > MaxScript {
		return mail.E("mailbox.CheckScript", mail.Full, "script.too_big", MaxScript>>10)
	}
	_, err := sieve.Compile(text, a.service.cfg.Sieve)
	return err
}

// ScriptRoom tells whether a script of size octets can be put away under a name now (RFC 5804 §2.5): Full
// "script.too_big", "script.too_many", "script.no_room".
func (a *Account) ScriptRoom(ctx context.Context, name string, size int64) error {
	const op = "mailbox.ScriptRoom"
	name, err := scriptName(op, name)
	if err != nil {
		return err
	}
	return a.view(ctx, op, func(r store.Reader) error {
		all, err := scriptsOf(r, a.account.ID)
		if err != nil {
			return err
		}
		return scriptRoom(all, name, size)
	})
}

// scriptRoom judges whether a script fits beside those that are there, but the one of its name.
func scriptRoom(all []kept, name string, size int64) error {
	const op = "mailbox.ScriptRoom"
	if size > MaxScript {
		return mail.E(op, mail.Full, "script.too_big", MaxScript>>10)
	}
	others, octets := 0, size
	for _, k := range all {
		if k.Name != name {
			others++
			octets += int64(len(k.Text))
		}
	}
	switch {
	case others >= MaxScripts:
		return mail.E(op, mail.Full, "script.too_many", MaxScripts)
	case octets > MaxScriptsSize:
		return mail.E(op, mail.Full, "script.no_room", MaxScriptsSize>>10)
	}
	return nil
}

// PutScript puts a script away, in place of one of the same name, which stays active if it was (RFC 5804 §2.6).
// Errors as those of CheckScript and ScriptRoom.
func (a *Account) PutScript(ctx context.Context, name string, text []byte) error {
	const op = "mailbox.PutScript"
	name, err := scriptName(op, name)
	if err != nil {
		return err
	}
	if err := a.CheckScript(text); err != nil {
		return err
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		all, err := scriptsOf(tx, a.account.ID)
		if err != nil {
			return err
		}
		if err := scriptRoom(all, name, int64(len(text))); err != nil {
			return err
		}
		k := kept{scriptDoc: scriptDoc{Account: a.account.ID, Name: name}}
		if i := slices.IndexFunc(all, func(k kept) bool { return k.Name == name }); i >= 0 {
			k = all[i]
		}
		k.Text = string(text)
		if err := k.write(tx); err != nil || !k.Active {
			return err
		}
		return directory.SetFilter(tx, a.account.ID, true, a.redirects(text))
	})
}

// ActivateScript makes a script the one that filters the account's mail; "" ends all filtering (RFC 5804 §2.8).
// NotFound "script.unknown".
func (a *Account) ActivateScript(ctx context.Context, name string) (err error) {
	const op = "mailbox.ActivateScript"
	if name != "" {
		if name, err = scriptName(op, name); err != nil {
			return err
		}
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		next, err := a.toActivate(tx, name)
		if err != nil {
			return err
		}
		was, err := scriptAt(tx, activeKey(a.account.ID), "")
		switch {
		case err == nil && was.Name == name:
			return nil
		case err == nil:
			was.Active = false
			err = was.write(tx)
		case mail.Is(err, mail.NotFound):
			err = nil
		}
		if err != nil {
			return err
		}
		if next != nil {
			next.Active = true
			if err := next.write(tx); err != nil {
				return err
			}
		}
		if next == nil {
			return directory.SetFilter(tx, a.account.ID, false, nil)
		}
		return directory.SetFilter(tx, a.account.ID, true, a.redirects([]byte(next.Text)))
	})
}

// redirects are the addresses to which a script sends mail on, as far as they stand in it.
func (a *Account) redirects(text []byte) []mail.Address {
	script, err := sieve.Compile(text, a.service.cfg.Sieve)
	if err != nil {
		return nil // it does not compile any more, and so sends nothing on
	}
	return script.Redirects()
}

// toActivate gives the script of a name; nil for none.
func (a *Account) toActivate(r store.Reader, name string) (*kept, error) {
	if name == "" {
		return nil, nil
	}
	k, err := scriptAt(r, scriptKey(a.account.ID, name), name)
	return &k, err
}

// RenameScript gives a script another name; an active one stays active (RFC 5804 §2.11). NotFound "script.unknown",
// Conflict "script.exists".
func (a *Account) RenameScript(ctx context.Context, from, to string) (err error) {
	const op = "mailbox.RenameScript"
	if from, err = scriptName(op, from); err != nil {
		return err
	}
	if to, err = scriptName(op, to); err != nil {
		return err
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		k, err := scriptAt(tx, scriptKey(a.account.ID, from), from)
		if err != nil || from == to {
			return err
		}
		_, err = scriptAt(tx, scriptKey(a.account.ID, to), to)
		if err == nil {
			return mail.E(op, mail.Conflict, "script.exists", to)
		}
		if !mail.Is(err, mail.NotFound) {
			return err
		}
		k.Name = to
		return k.write(tx)
	})
}

// DeleteScript deletes a script that is not active (RFC 5804 §2.10). NotFound "script.unknown", Conflict "script.active".
func (a *Account) DeleteScript(ctx context.Context, name string) (err error) {
	const op = "mailbox.DeleteScript"
	if name, err = scriptName(op, name); err != nil {
		return err
	}
	return a.update(ctx, op, func(tx store.Tx) error {
		k, err := scriptAt(tx, scriptKey(a.account.ID, name), name)
		if err != nil {
			return err
		}
		if k.Active {
			return mail.E(op, mail.Conflict, "script.active", name)
		}
		return tx.DeleteObject(directory.KindScript, k.object.ID, k.object.Version)
	})
}
