package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"tegami/deliver"
	"tegami/directory"
	"tegami/directory/bulk"
	"tegami/mail"
)

type listCommands struct {
	Add     listAdd     `cmd:"" help:"Make a mailing list."`
	List    listList    `cmd:"" help:"List mailing lists."`
	Show    listShow    `cmd:"" help:"Show a list with its members."`
	Set     listSet     `cmd:"" help:"Change who may post, the owners, and how posts look."`
	Delete  listDelete  `cmd:"" help:"Remove a list."`
	Members listMembers `cmd:"" help:"Put addresses on a list, take them off, or take up again those that bounces switched off."`
	Import  listImport  `cmd:"" help:"Change members as a CSV file says: list_address,action,member_address,member_name,can_post. All or nothing."`
	Export  listExport  `cmd:"" help:"Print the members of a list as CSV."`
	Decide  listDecide  `cmd:"" help:"Accept or refuse a post that waits for a moderator."`
}

// listRow is a mailing list as it is printed.
type listRow struct {
	ID        mail.ObjectID `json:"id"`
	Address   string        `json:"address"`
	Name      string        `json:"name"`
	Posting   string        `json:"posting"`
	Moderated bool          `json:"moderated"`
	Owners    []string      `json:"owners"`
	Members   int           `json:"members"`
	Prefix    string        `json:"prefix,omitempty"`
	Number    bool          `json:"number,omitempty"`
}

var listHeadings = []string{"cli.id", "cli.address", "cli.name", "cli.posting", "cli.moderated", "cli.owners", "cli.members"}

func newListRow(l directory.List, members int) listRow {
	r := listRow{l.ID, l.Address.String(), l.Name, string(l.Posting), l.Moderated, []string{}, members, l.Prefix, l.Number}
	for _, o := range l.Owners {
		r.Owners = append(r.Owners, o.String())
	}
	return r
}

func (r listRow) columns() []string {
	return []string{r.ID.String(), r.Address, r.Name, r.Posting, strconv.FormatBool(r.Moderated), strings.Join(r.Owners, " "), strconv.Itoa(r.Members)}
}

// memberRow is a member as it is printed.
type memberRow struct {
	Address string `json:"address"`
	Name    string `json:"name"`
	CanPost bool   `json:"canPost"`
	Off     bool   `json:"off"` // switched off by bounces
	Bounces int    `json:"bounces"`
}

var memberHeadings = []string{"cli.address", "cli.name", "cli.can_post", "cli.switched_off", "cli.bounces"}

func (r memberRow) columns() []string {
	return []string{r.Address, r.Name, strconv.FormatBool(r.CanPost), strconv.FormatBool(r.Off), strconv.Itoa(r.Bounces)}
}

// parseAddresses reads addresses of the command line.
func parseAddresses(words []string) (list []mail.Address, err error) {
	for _, w := range words {
		a, err := mail.ParseAddress(w)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// listFlags are what can be said about a list.
type listFlags struct {
	Name      *string  `help:"The list's name for people."`
	Posting   string   `help:"Who may post: anyone, tenant, domain, members or listed." enum:",anyone,tenant,domain,members,listed" default:""`
	Poster    []string `help:"Who may post with --posting=listed; may be given several times. none for nobody."`
	Owner     []string `help:"An owner: moderates, and gets what bounces say. May be given several times. none for nobody."`
	Moderated *bool    `help:"Posts of others than the owners wait for one of them." negatable:""`
	Prefix    *string  `help:"Put before the subject (LI-4). This breaks the posters' DKIM signatures: From is then rewritten for domains with a strict DMARC policy."`
	Number    *bool    `help:"Count the posts in the subject (LI-4), at the same price." negatable:""`
	Hidden    *bool    `help:"Not shown in the domain's address book." negatable:""`
}

// apply changes what was named.
func (f listFlags) apply(spec *directory.ListSpec) (err error) {
	text := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	flag := func(to *bool, from *bool) {
		if from != nil {
			*to = *from
		}
	}
	addresses := func(to *[]mail.Address, from []string) {
		switch {
		case len(from) == 1 && from[0] == "none":
			*to = nil
		case len(from) > 0 && err == nil:
			*to, err = parseAddresses(from)
		}
	}
	text(&spec.Name, f.Name)
	text(&spec.Prefix, f.Prefix)
	flag(&spec.Moderated, f.Moderated)
	flag(&spec.Number, f.Number)
	flag(&spec.Hidden, f.Hidden)
	addresses(&spec.Posters, f.Poster)
	addresses(&spec.Owners, f.Owner)
	if f.Posting != "" {
		spec.Posting = directory.PostingPolicy(f.Posting)
	}
	return err
}

// list finds a list by its address, with its company.
func (d *desk) list(address string) (*directory.Company, directory.List, error) {
	addr, err := mail.ParseAddress(address)
	if err != nil {
		return nil, directory.List{}, err
	}
	c, err := d.company(addr.Domain)
	if err != nil {
		return nil, directory.List{}, err
	}
	l, err := c.FindList(d.ctx, addr)
	return c, l, err
}

// showList prints a list as it stands.
func (d *desk) showList(c *directory.Company, l directory.List) error {
	members, err := c.Members(d.ctx, l.ID)
	if err != nil {
		return err
	}
	return printOne(d.shell, d.format, listHeadings, newListRow(l, len(members)))
}

type listAdd struct {
	Address string `arg:"" help:"The list's address."`
	listFlags
}

// Run makes the list.
func (c listAdd) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		addr, err := mail.ParseAddress(c.Address)
		if err != nil {
			return err
		}
		company, err := d.company(addr.Domain)
		if err != nil {
			return err
		}
		var spec directory.ListSpec
		if err := c.apply(&spec); err != nil {
			return err
		}
		l, err := company.AddList(d.ctx, d.by, addr, spec)
		if err != nil {
			return err
		}
		return d.showList(company, l)
	})
}

type listSet struct {
	Address string `arg:"" help:"The list's address."`
	listFlags
}

// Run changes the list.
func (c listSet) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, l, err := d.list(c.Address)
		if err == nil {
			err = c.apply(&l.ListSpec)
		}
		if err == nil {
			l, err = company.SetList(d.ctx, d.by, l.ID, l.ListSpec)
		}
		if err != nil {
			return err
		}
		return d.showList(company, l)
	})
}

type listList struct {
	Tenant string `help:"Only of this company: its id, or a domain it has."`
}

// Run lists the lists.
func (c listList) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		companies, err := d.companies(c.Tenant)
		if err != nil {
			return err
		}
		var rows []listRow
		for _, company := range companies {
			if rows, err = d.appendLists(rows, company); err != nil {
				return err
			}
		}
		return printList(sh, a.format, listHeadings, rows)
	})
}

func (d *desk) appendLists(rows []listRow, company *directory.Company) ([]listRow, error) {
	var page directory.ListPage
	for {
		lists, err := company.Lists(d.ctx, page)
		if err != nil || len(lists) == 0 {
			return rows, err
		}
		for _, l := range lists {
			members, err := company.Members(d.ctx, l.ID)
			if err != nil {
				return rows, err
			}
			rows = append(rows, newListRow(l, len(members)))
			page.After = l.ID
		}
	}
}

type listShow struct {
	Address string `arg:"" help:"The list's address."`
}

// Run shows the list's members; as JSON the list with them.
func (c listShow) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, l, err := d.list(c.Address)
		if err != nil {
			return err
		}
		members, err := company.Members(d.ctx, l.ID)
		if err != nil {
			return err
		}
		rows := make([]memberRow, len(members))
		for i, m := range members {
			rows[i] = memberRow{m.Address.String(), m.Name, m.CanPost, m.Off, len(m.Bounces)}
		}
		if a.JSON {
			return printJSON(sh.out, struct {
				listRow
				Who []memberRow `json:"who"`
			}{newListRow(l, len(rows)), rows})
		}
		if err := printOne(sh, a.format, listHeadings, newListRow(l, len(rows))); err != nil {
			return err
		}
		return printList(sh, a.format, memberHeadings, rows)
	})
}

type listDelete struct {
	Address string `arg:"" help:"The list's address."`
}

// Run removes the list.
func (c listDelete) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, l, err := d.list(c.Address)
		if err != nil {
			return err
		}
		return company.DeleteList(d.ctx, d.by, l.ID)
	})
}

type listMembers struct {
	Address string   `arg:"" help:"The list's address."`
	Add     []string `help:"An address to put on the list; may be given several times."`
	Remove  []string `help:"An address to take off."`
	Resume  []string `help:"A member that bounces switched off, to be taken up again."`
	Mute    bool     `help:"Who is added may not post under --posting=members."`
}

// Run changes the members.
func (c listMembers) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, l, err := d.list(c.Address)
		if err != nil {
			return err
		}
		add, err := parseAddresses(c.Add)
		if err != nil {
			return err
		}
		members := make([]directory.Member, len(add))
		for i := range add {
			members[i] = directory.Member{Address: add[i], CanPost: !c.Mute}
		}
		if len(members) > 0 {
			if err := company.AddMembers(d.ctx, d.by, l.ID, members); err != nil {
				return err
			}
		}
		return c.change(d, company, l)
	})
}

// change takes members off and up again.
func (c listMembers) change(d *desk, company *directory.Company, l directory.List) error {
	remove, err := parseAddresses(c.Remove)
	if err != nil {
		return err
	}
	if len(remove) > 0 {
		if err := company.RemoveMembers(d.ctx, d.by, l.ID, remove); err != nil {
			return err
		}
	}
	resume, err := parseAddresses(c.Resume)
	for i := 0; err == nil && i < len(resume); i++ {
		err = company.ResumeMember(d.ctx, d.by, l.ID, resume[i])
	}
	if err != nil {
		return err
	}
	return d.showList(company, l)
}

type listImport struct {
	Tenant string `help:"The company: its id, or a domain it has." required:""`
	File   string `arg:"" help:"The CSV file; - is standard input." type:"path"`
}

func (c listImport) reads() (string, bool) { return c.File, true }

// Run imports the file, or says line by line what is wrong with it.
func (c listImport) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, err := d.company(c.Tenant)
		if err != nil {
			return err
		}
		file, err := sh.openInput(c.File)
		if err != nil {
			return err
		}
		defer file.Close()
		text, err := io.ReadAll(io.LimitReader(file, bulk.MaxFile+1))
		if err != nil {
			return err
		}
		in := bulk.Import{Company: company, By: d.by, Kind: "list-members", Text: text, Options: bulk.Options{ConfirmDeletes: bulk.AnyDeletes}}
		out, err := in.Run(d.ctx)
		if out == nil {
			return err
		}
		for _, l := range out.Findings {
			fmt.Fprintln(sh.err, sh.text("cli.line", l.Line, l.Column, sh.words.Error(sh.lang, l.Err)))
		}
		return err
	})
}

type listExport struct {
	Address string `arg:"" help:"The list's address."`
}

// Run prints the members as CSV.
func (c listExport) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		company, l, err := d.list(c.Address)
		if err != nil {
			return err
		}
		var b bytes.Buffer // whole or not at all
		w, err := bulk.MemberWriter(&b, bulk.Form{})
		if err == nil {
			err = errors.Join(bulk.ExportMembers(d.ctx, company, l.ID, w), w.Close())
		}
		_, printErr := sh.out.Write(b.Bytes())
		return errors.Join(err, printErr)
	})
}

type listDecide struct {
	itemRef
	Accept  bool `help:"It goes to the members." xor:"decision" required:""`
	Refuse  bool `help:"It goes back to who posted it." xor:"decision" required:""`
	Discard bool `help:"It vanishes, and nobody hears of it." xor:"decision" required:""`
}

// Run decides about a post that waits (LI-7).
func (c listDecide) Run(sh *shell, a *adminCommand) error {
	return a.open(sh, func(d *desk) error {
		id, err := d.tenant(c.Tenant)
		if err != nil {
			return err
		}
		decision := deliver.Refuse
		switch {
		case c.Accept:
			decision = deliver.Accept
		case c.Discard:
			decision = deliver.Discard
		}
		return d.platform.House().Moderate(d.ctx, d.by, id, c.Item, decision)
	})
}
