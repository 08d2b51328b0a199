package directory

import (
	"cmp"
	"context"
	"slices"

	"tegami/mail"
	"tegami/store"
)

// AddAccount makes an account with its mailboxes. Full "ids.exhausted" with the number
// past the domain's number of IDs (ML-1); Conflict "address.taken"; Invalid for an address
// or a password we don't hand out.
func (c *Company) AddAccount(ctx context.Context, by mail.Actor, spec AccountSpec) (Account, error) {
	made, err := c.AddAccounts(ctx, by, []AccountSpec{spec})
	if err != nil {
		return Account{}, err
	}
	return made[0], nil
}

// AddAccounts makes many accounts in one commit: all or none (CP-5). Accounts with the
// same password share one hash, which is what makes a demo of thousands quick; give
// each its own where passwords shall last. Errors as AddAccount; Full "accounts.too_many".
func (c *Company) AddAccounts(ctx context.Context, by mail.Actor, specs []AccountSpec) ([]Account, error) {
	const op = "directory.AddAccounts"
	if err := c.check(ctx, by, op, RightAccounts); err != nil {
		return nil, err
	}
	if len(specs) > MaxBulk {
		return nil, mail.E(op, mail.Full, "accounts.too_many", MaxBulk)
	}
	t, err := c.dir.contract(ctx, c.id)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	docs, err := newAccounts(op, specs, t.Lang)
	if err != nil {
		return nil, err
	}
	credentials, err := c.newCredentials(ctx, by, specs, t.NoScram)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	var made []Account
	err = c.change(ctx, by, op, RightAccounts, func(tx store.Tx) error {
		made = make([]Account, 0, len(docs))
		clear(c.rooms)
		domains, err := roomFor(tx, docs)
		if err != nil {
			return err
		}
		for i, doc := range docs {
			d := domains[doc.Address.Domain]
			doc.Domain = d.ID
			if err := c.checkNew(tx, by, op, &doc, specs[i].Aliases); err != nil {
				return err
			}
			id, err := c.addAccount(tx, doc, credentials[specs[i].Password])
			if err != nil {
				return err
			}
			one := doc.account(id, c.id, d.Plan)
			one.Version = 1
			made = append(made, one)
		}
		return nil
	})
	return made, err
}

// checkNew judges by what stands in the store what a new account shall have.
func (c *Company) checkNew(tx store.Tx, by mail.Actor, op mail.Op, doc *accountDoc, aliases []mail.Address) error {
	if err := c.permit(tx, by, op, RightAccounts, doc.place()); err != nil {
		return err
	}
	if len(doc.Groups) > 0 {
		groups := doc.Groups
		doc.Groups = nil
		if err := c.setGroups(tx, by, op, doc, groups); err != nil {
			return err
		}
	}
	if len(doc.Grants) > 0 {
		if err := c.mayGive(tx, by, op, doc.Grants); err != nil {
			return err
		}
	}
	if len(aliases) > MaxAliases {
		return mail.E(op, mail.Full, "aliases.too_many", MaxAliases)
	}
	for _, a := range aliases {
		if err := c.addAlias(tx, by, op, doc, a); err != nil {
			return err
		}
	}
	return nil
}

// newAccounts checks what was asked for, without looking anything up.
func newAccounts(op mail.Op, specs []AccountSpec, lang string) ([]accountDoc, error) {
	docs := make([]accountDoc, 0, len(specs))
	for _, s := range specs {
		addr, err := accountAddress(s.Address)
		if err != nil {
			return nil, mail.Wrap(op, err)
		}
		doc := accountDoc{
			Address: addr, State: AccountActive, Lang: cmp.Or(s.Lang, lang), Grants: WholeGrants(s.Roles...),
			Hidden: s.Hidden, Shared: s.Shared, Groups: slices.Clone(s.Groups), MustChange: s.MustChange && s.Password != "",
		}
		s.Profile.DisplayName = cmp.Or(s.Name, s.Profile.DisplayName)
		if doc.Profile, err = s.Profile.checked(op); err != nil {
			return nil, err
		}
		if err := checkLang(op, doc.Lang); err != nil {
			return nil, err
		}
		if err := checkGrants(op, doc.Grants); err != nil {
			return nil, err
		}
		if doc.Shared && (s.Password != "" || len(doc.Grants) > 0) {
			return nil, mail.E(op, mail.Conflict, "account.shared", addr.String())
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// newCredentials hashes each different password once.
func (c *Company) newCredentials(ctx context.Context, by mail.Actor, specs []AccountSpec, noScram bool) (map[string]*credentialDoc, error) {
	made := make(map[string]*credentialDoc)
	for _, s := range specs {
		if _, have := made[s.Password]; have || s.Password == "" {
			continue
		}
		if err := c.dir.judgePassword(ctx, by, c.id, s.Password, nil, s.Address.Local, s.Name, s.Profile.LastName); err != nil {
			return nil, err
		}
		doc, err := c.dir.newCredential(ctx, by, s.Password, noScram, credentialDoc{})
		if err != nil {
			return nil, err
		}
		made[s.Password] = doc
	}
	return made, nil
}

// roomFor finds the domains of new accounts and refuses more than their numbers of IDs (ML-1).
func roomFor(r store.Reader, docs []accountDoc) (map[string]Domain, error) {
	domains := make(map[string]Domain)
	for _, doc := range docs {
		d, ok := domains[doc.Address.Domain]
		if !ok {
			var err error
			if d, _, err = domainNamed(r, doc.Address.Domain); err != nil {
				return nil, err
			}
		}
		if d.Accounts++; d.Accounts > d.IDs {
			return nil, mail.E("directory.roomFor", mail.Full, "ids.exhausted", d.Name, d.IDs)
		}
		domains[doc.Address.Domain] = d
	}
	return domains, nil
}

// addAccount makes one account; credential is nil where it has no password.
func (c *Company) addAccount(tx store.Tx, doc accountDoc, credential *credentialDoc) (mail.AccountID, error) {
	id := mail.AccountID(tx.NextID())
	if err := putAccount(tx, id, doc, 0); err != nil {
		return 0, err
	}
	if credential != nil {
		if err := putCredential(tx, id, nil, credential); err != nil {
			return 0, err
		}
	}
	if c.dir.cfg.Provision == nil {
		return id, nil
	}
	return id, c.dir.cfg.Provision(tx, id, doc.Lang)
}
