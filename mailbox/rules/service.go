package rules

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	"tegami/directory"
	"tegami/mail"
	"tegami/mailbox"
)

// ScriptName is what our script is called, with a number behind it where somebody else's is called so.
const ScriptName = "webmail"

// Kept is what an account filters by.
type Kept struct {
	List
	Active bool // our script is the one that filters
	// HandWritten is the name of the active script, if it is not ours; "" for none.
	HandWritten string
	State       string // changes when any of the account's scripts does

	name string // of our script; "" where there is none
}

// Load gives what an account filters by.
func Load(ctx context.Context, a *mailbox.Account) (k Kept, err error) {
	const op = "rules.Load"
	scripts, err := a.Scripts(ctx)
	if err != nil {
		return k, mail.Wrap(op, err)
	}
	h := fnv.New64a()
	for _, s := range scripts {
		fmt.Fprintln(h, s.Name, s.Active, s.Size)
		if s.Active {
			k.HandWritten = s.Name
		}
		text, err := a.Script(ctx, s.Name)
		if err != nil {
			return k, mail.Wrap(op, err)
		}
		h.Write(text)
		l, ours := Read(text)
		if !ours || k.name != "" && !s.Active {
			continue
		}
		k.List, k.Active, k.name = l, s.Active, s.Name
	}
	if k.Active {
		k.HandWritten = ""
	}
	k.State = strconv.FormatUint(h.Sum64(), 36)
	return k, nil
}

// Store has an account filter by a list. Conflict "rules.hand_written" where it filters by a script of its own that the list does not include;
// Denied "forward.denied" for a forward that the company does not allow, and that did not stand there before (ML-5). Errors of List.Check, and of
// scripts that are too large.
func Store(ctx context.Context, dir *directory.Directory, a *mailbox.Account, l List) error {
	const op = "rules.Store"
	if err := l.Check(); err != nil {
		return err
	}
	have, err := Load(ctx, a)
	if err != nil {
		return err
	}
	if have.HandWritten != "" && l.Include != have.HandWritten && !l.idle() {
		return mail.E(op, mail.Conflict, "rules.hand_written", have.HandWritten)
	}
	if l.Empty() && have.HandWritten == "" {
		return mail.Wrap(op, remove(ctx, a, have))
	}
	if err := mayForward(ctx, dir, a, &have.List, &l); err != nil {
		return mail.Wrap(op, err)
	}
	names, err := namesFor(ctx, dir, a)
	if err != nil {
		return mail.Wrap(op, err)
	}
	text, err := l.Script(names)
	if err != nil {
		return err
	}
	name := have.name
	if name == "" {
		if name, err = freeName(ctx, a); err != nil {
			return mail.Wrap(op, err)
		}
	}
	if err := a.PutScript(ctx, name, text); err != nil {
		return mail.Wrap(op, err)
	}
	if have.HandWritten != "" && l.Include != have.HandWritten {
		return nil // it does nothing, and so may lie beside his
	}
	return mail.Wrap(op, a.ActivateScript(ctx, name))
}

// remove ends filtering by our script, where there is nothing for it to do.
func remove(ctx context.Context, a *mailbox.Account, have Kept) error {
	if have.Active {
		if err := a.ActivateScript(ctx, ""); err != nil {
			return err
		}
	}
	if have.name == "" {
		return nil
	}
	return a.DeleteScript(ctx, have.name)
}

// idle tells that a list does nothing as it is.
func (l *List) idle() bool {
	return !l.Absence.On && !slices.ContainsFunc(l.Rules, func(r Rule) bool { return r.On })
}

// mayForward asks whether the company allows the forwards that are new. Those it forbids later stay, and do nothing.
func mayForward(ctx context.Context, dir *directory.Directory, a *mailbox.Account, have, next *List) error {
	account := a.Identity().Account()
	old := have.forwards()
	for _, to := range next.forwards() {
		if slices.Contains(old, to) {
			continue
		}
		addr, err := mail.ParseAddress(to)
		if err == nil {
			err = dir.UserMayForward(ctx, &account, addr)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forwards are the addresses that rules which are on forward to.
func (l *List) forwards() (list []string) {
	for _, r := range l.Rules {
		for _, act := range r.Actions {
			if r.On && act.Do == "forward" {
				list = append(list, act.To)
			}
		}
	}
	return list
}

// namesFor reads what a script has to know.
func namesFor(ctx context.Context, dir *directory.Directory, a *mailbox.Account) (n Names, err error) {
	domains, err := dir.Company(a.Identity().Tenant()).Domains(ctx)
	if err != nil {
		return n, err
	}
	for _, d := range domains {
		n.Domains = append(n.Domains, d.Name)
	}
	slices.Sort(n.Domains)
	reg, err := a.Register(ctx)
	if err != nil {
		return n, err
	}
	n.Paths = map[mail.MailboxID]string{}
	for _, box := range reg.Mailboxes() {
		n.Paths[box.ID] = box.Path
	}
	return n, nil
}

// freeName is a name for our script that no other has.
func freeName(ctx context.Context, a *mailbox.Account) (string, error) {
	all, err := a.Scripts(ctx)
	if err != nil {
		return "", err
	}
	name := ScriptName
	for n := 2; slices.ContainsFunc(all, func(s mailbox.Script) bool { return s.Name == name }); n++ {
		name = ScriptName + " " + strconv.Itoa(n)
	}
	return name, nil
}
